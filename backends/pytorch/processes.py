"""Processes that learn together, as torchrun starts them: each has its share of a batch, and they add up gradients."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from spinec.backends.processes import Across, Place
from spinec.backends.pytorch.framework import load_torch
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PATIENCE = timedelta(days=1)  # the others wait for the first process while it judges


def join(across: Across) -> Place:
    """Take part in what torchrun started; which of its processes this one is.

    Raises:
        BackendError: where the others cannot be met, or there is not a GPU for every process.
    """
    if across != "processes":
        raise BackendError(
            f"PyTorch has a process for every device, so there is no --across {across}: start it by torchrun "
            "--nproc-per-node DEVICES -m spinec train"
        )
    told = [os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")]
    if not all(each.isdecimal() for each in told) or told[1] == "1":
        return Place()
    rank, number, local = map(int, told)
    place = Place(rank, number, local)
    torch = load_torch()
    if not torch.distributed.is_initialized():
        if torch.cuda.is_available():
            _take_gpu(torch.cuda.device_count(), place)
        try:
            torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
        except (ValueError, RuntimeError) as error:
            raise BackendError(f"process {place.rank} of {place.number} does not find the others: {error}") from None
        atexit.register(torch.distributed.destroy_process_group)
    return place


def _take_gpu(number: int, place: Place) -> None:
    import torch

    if place.local >= number:
        raise BackendError(f"process {place.local + 1} of this machine has no GPU: there are {number}")
    torch.cuda.set_device(place.local)


def device_of(place: Place) -> torch.device:
    """Where a process computes."""
    import torch

    return torch.device("cuda", place.local) if torch.cuda.is_available() else torch.device("cpu")


def summed(values: Sequence[Tensor], like: Sequence[Tensor], share: float) -> list[Tensor]:
    """The sums over all processes, times a share, in one message; they lie in memory as others do.

    DistributedDataParallel would send gradients while the backward pass still runs. It takes a module whose `forward`
    is all that is run, which Mask R-CNN's is not, and gives means alone.

    Raises:
        BackendError: where another process is gone.
    """
    import torch

    flat = torch.cat([value.new_empty(value.numel()) for value in values])
    parts = torch.split(flat, [value.numel() for value in values])
    views = [part.as_strided(each.shape, each.stride()) for part, each in zip(parts, like, strict=True)]
    torch._foreach_copy_(views, list(values))
    with _together():
        torch.distributed.all_reduce(flat)
    if share != 1:
        flat.mul_(share)
    return views


def in_all(some: Tensor) -> Tensor:
    """What these come to in all processes: what a loss is over."""
    import torch

    found = some.detach().sum()
    with _together():
        torch.distributed.all_reduce(found)
    return found


def agree(asked: bool, device: torch.device) -> bool:
    """Whether any process is asked for something."""
    import torch

    flag = torch.tensor(float(asked), device=device)
    with _together():
        torch.distributed.all_reduce(flag)
    return bool(flag > 0)


@contextmanager
def _together() -> Iterator[None]:
    """Say that another process is gone, not how that was found out."""
    try:
        yield
    except RuntimeError as error:
        raise BackendError(f"another process of this run is gone: {str(error).splitlines()[0]}") from None
