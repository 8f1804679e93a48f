"""PyTorch: `emit` needs no framework, `build` loads it."""

from spinec.backends.pytorch.live import build
from spinec.backends.pytorch.printer import emit

__all__ = ["build", "emit"]
