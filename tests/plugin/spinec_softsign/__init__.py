"""A plug-in of spinec: the softsign, x / (1 + |x|)."""
