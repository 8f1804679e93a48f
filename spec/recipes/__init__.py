"""Recipes: how a network is trained and judged, as documents."""
