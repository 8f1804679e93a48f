"""Large values from one process to another by memory that both see: through a pipe, a batch takes ten times as long."""

from __future__ import annotations

import mmap
import os
import pickle
from typing import Any, NamedTuple

import numpy as np


class Parcel(NamedTuple):
    """A value, but for its arrays' bytes: these are in memory, or come along where there is none to share."""

    pickled: bytes
    sizes: tuple[int, ...]
    memory: str
    """What to open for it; nothing where the bytes come along."""
    inline: tuple[bytes, ...] = ()


class Outbox:
    """What a process gives to the one that asks it; memory is used again after so many parcels.

    The memory belongs to the two processes alone and has no name, so nothing is left behind, however they end.
    """

    def __init__(self, slots: int) -> None:
        self.shares = hasattr(os, "memfd_create")  # Linux
        self.slots = [_Slot() for _ in range(slots)] if self.shares else []
        self.given = 0

    def pack(self, value: Any) -> Parcel:
        """Put a value where it can be fetched."""
        buffers: list[memoryview] = []
        pickled = pickle.dumps(value, protocol=5, buffer_callback=lambda each: buffers.append(each.raw()))
        sizes = tuple(each.nbytes for each in buffers)
        if not self.shares:
            return Parcel(pickled, sizes, "", tuple(map(bytes, buffers)))
        slot = self.slots[self.given % len(self.slots)]
        self.given += 1
        memory, at = slot.room(sum(sizes)), 0
        for each in buffers:
            memory[at : at + each.nbytes] = each
            at += each.nbytes
        return Parcel(pickled, sizes, slot.path)


class Inbox:
    """What a process is given: a copy of its own of each value."""

    def __init__(self) -> None:
        self.memories: dict[str, mmap.mmap] = {}

    def unpack(self, parcel: Parcel) -> Any:
        """The value of a parcel.

        Raises:
            OSError: when the process that packed it has ended.
        """
        if not parcel.memory:
            return pickle.loads(parcel.pickled, buffers=map(bytearray, parcel.inline))
        seen, at, copies = np.frombuffer(self._memory(parcel.memory, sum(parcel.sizes)), np.uint8), 0, []
        for size in parcel.sizes:
            copies.append(seen[at : at + size].copy())
            at += size
        return pickle.loads(parcel.pickled, buffers=copies)

    def _memory(self, path: str, size: int) -> mmap.mmap:
        if path not in self.memories or len(self.memories[path]) < size:
            with open(path, "rb") as file:
                self.memories[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self.memories[path]


class _Slot:
    """Memory for one parcel, as large as the largest so far."""

    def __init__(self) -> None:
        self.file = os.memfd_create("spinec")
        self.path = f"/proc/{os.getpid()}/fd/{self.file}"
        self.memory: mmap.mmap | None = None

    def room(self, size: int) -> mmap.mmap:
        if self.memory is None or len(self.memory) < size:
            os.ftruncate(self.file, max(size, 1))
            self.memory = mmap.mmap(self.file, 0)
        return self.memory
