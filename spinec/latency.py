"""Measured latency: an evaluator for searches, and what a limit of latency is checked by."""

from __future__ import annotations

import statistics
import time

from spinec.compiler.lowering.pipeline import lower
from spinec.spec.model import ModelSpec

WARM_UP, RUNS = 3, 10


def latency(spec: ModelSpec) -> float:
    """Milliseconds that the compiled PyTorch module takes for one image on this machine's CPU: the median of ten runs.

    With as many threads as PyTorch uses: `OMP_NUM_THREADS` says how many. Nothing else should run beside it.

    Raises:
        BackendError: when PyTorch is not installed.
    """
    from spinec.backends.backend import build

    program = lower(spec)
    model = build(program, "pytorch").eval()
    import torch

    inputs = [torch.zeros(given.times, *given.shape) for given in program.inputs.values()]
    times = []
    with torch.inference_mode():
        for _ in range(WARM_UP + RUNS):
            start = time.perf_counter()
            model(*inputs)
            times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[WARM_UP:])
