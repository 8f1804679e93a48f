"""PyTorch: `emit` needs no framework, `build` and `run` load it."""

from spinec.backends.pytorch.live import build, run
from spinec.backends.pytorch.printer import emit

__all__ = ["build", "emit", "run"]
