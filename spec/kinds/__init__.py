"""Kinds of blocks as documents: what they may say, what they mean, and what comes of them at a place."""
