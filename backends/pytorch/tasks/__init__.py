"""Functions that generated PyTorch source answers and learns with."""
