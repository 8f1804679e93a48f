"""Recipes of training: YAML only."""
