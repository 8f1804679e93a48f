"""Values that go from a worker process to another by memory."""

import os

import numpy as np
import pytest

from spinec.train.data.shared import Inbox, Outbox
from spinec.train.data.workers import in_order


def made(number):
    """Of a size that differs from one to the next."""
    size = (7 * number) % 50_000
    return {"number": number, "large": np.full((size, 3), number), "small": np.arange(number), "none": np.zeros(0)}


@pytest.mark.parametrize("shares", [True, False])
def test_what_is_packed_comes_out_whatever_its_size(monkeypatch, shares):
    if not shares:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    outbox, inbox = Outbox(2), Inbox()
    kept = [inbox.unpack(outbox.pack(made(number))) for number in (3, 5000, 10, 20, 7000, 0, 1)]
    for number, found in zip((3, 5000, 10, 20, 7000, 0, 1), kept, strict=True):  # none has been written over
        for name, expected in made(number).items():
            assert np.array_equal(found[name], expected)
        found["large"][:] = -1  # it is the receiver's own


def test_a_slot_is_not_used_again_before_it_was_fetched():
    outbox, inbox = Outbox(3), Inbox()
    parcels = [outbox.pack(made(number)) for number in (100, 200, 300)]
    assert [inbox.unpack(each)["number"] for each in parcels] == [100, 200, 300]
    assert [int(inbox.unpack(each)["large"][0, 0]) for each in parcels] == [100, 200, 300]


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_workers_give_many_values_in_order(ahead):
    found = list(in_order(made, range(0, 9000, 100), workers=3, ahead=ahead))
    assert [each["number"] for each in found] == list(range(0, 9000, 100))
    assert all((each["large"] == each["number"]).all() for each in found)
    assert all(len(each["small"]) == each["number"] for each in found)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="memory is shared on Linux")
def test_no_memory_and_no_file_is_left_behind():
    before = set(os.listdir("/proc/self/fd"))
    list(in_order(made, range(10), workers=2))
    assert len(os.listdir("/proc/self/fd")) <= len(before) + 1  # the one by which the folder itself is listed
