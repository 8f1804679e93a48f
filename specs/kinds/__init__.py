"""Fragments that specs of the library name: YAML only."""
