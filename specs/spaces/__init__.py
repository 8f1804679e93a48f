"""Kinds of blocks that specs name: YAML only."""
