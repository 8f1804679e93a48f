"""Functions that generated TensorFlow source answers and learns with."""
