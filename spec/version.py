"""The version, which generated source names."""

__version__ = "0.1.0"
