"""PyTorch: `emit` needs no framework, the others load it."""

from spinec.backends.pytorch.answers import answering
from spinec.backends.pytorch.checkpoints import CHECKPOINTS, read_checkpoint, write_checkpoint
from spinec.backends.pytorch.export import EXPORTS
from spinec.backends.pytorch.framework import lacks_memory
from spinec.backends.pytorch.learner import learner, settle
from spinec.backends.pytorch.live import build, precision, run
from spinec.backends.pytorch.observe import observe
from spinec.backends.pytorch.printer import emit
from spinec.backends.pytorch.processes import join
from spinec.backends.pytorch.train import train_step
from spinec.backends.pytorch.weights import read_weights, write_weights
from spinec.backends.pytorch.zero_cost import MEASURES

__all__ = [
    "CHECKPOINTS",
    "EXPORTS",
    "MEASURES",
    "answering",
    "build",
    "emit",
    "join",
    "lacks_memory",
    "learner",
    "observe",
    "precision",
    "read_checkpoint",
    "read_weights",
    "run",
    "settle",
    "train_step",
    "write_checkpoint",
    "write_weights",
]
