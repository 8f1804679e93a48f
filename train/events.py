"""The lines of a run as event files, which TensorBoard shows; written where its package is installed.

TensorBoard's own classes make the events and their records; neither loads a framework.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinec.spec.files import write_whole
from spinec.train.folder import EVENTS, RunFolder

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

VERSION = "brain.Event:2"
LENGTH, CHECK = 8, 4  # bytes: what a record begins with, and what stands behind its length and its content


@dataclass(frozen=True)
class Events:
    """The event file of a run: none where TensorBoard is not installed."""

    folder: RunFolder
    path: Path | None

    def tell(self, line: Mapping[str, Any]) -> None:
        """Add a line of the metrics."""
        if self.path is None:
            return
        with self.folder.writing(self.path), self.path.open("ab") as file:
            file.write(_record(_event(line)))


def events_of(folder: RunFolder, step: int) -> Events:
    """The event file of a run that goes on after a step: what was told of later ones is dropped.

    It is a new file in the place of the one before, which a TensorBoard that is running would not look at again.
    """
    if find_spec("tensorboard") is None:
        return Events(folder, None)
    before = sorted(folder.path.glob(f"{EVENTS}*.spinec"))
    told = list(read_events(before[-1])) if before else [_event(line) for line in folder.told()]
    path = folder.path / f"{EVENTS}{_number(before):010}.spinec"
    records = [
        _record(_version()),
        *(_record(event) for event in told if event.HasField("summary") and event.step <= step),
    ]
    with folder.writing(path):
        write_whole(path, b"".join(records))
    for each in before:
        each.unlink()
    return Events(folder, path)


def read_events(path: Path) -> Iterator[Event]:
    """The events of a file; one that was cut off is none."""
    from tensorboard.compat.proto.event_pb2 import Event

    data, place = path.read_bytes(), 0
    while place + LENGTH + CHECK <= len(data):
        start = place + LENGTH + CHECK
        end = start + int.from_bytes(data[place : place + LENGTH], "little")
        place = end + CHECK
        if place > len(data):
            return
        yield Event.FromString(data[start:end])


def _number(before: list[Path]) -> int:
    """The time in seconds, as such files are called, and above that of those before."""
    return max(int(time.time()), *(int(path.name.split(".")[-2]) + 1 for path in before), 0)


def _version() -> Event:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=time.time(), file_version=VERSION)


def _event(line: Mapping[str, Any]) -> Event:
    """A line of the metrics: what is learned and what is judged apart."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    group = "train" if "loss" in line else "evaluate"
    told = {name: value for name, value in line.items() if name != "step" and value is not None}
    values = [Summary.Value(tag=f"{group}/{name}", simple_value=value) for name, value in told.items()]
    return Event(wall_time=time.time(), step=line["step"], summary=Summary(value=values))


def _record(event: Event) -> bytes:
    from tensorboard.summary.writer.record_writer import RecordWriter

    made = io.BytesIO()
    RecordWriter(made).write(event.SerializeToString())
    return made.getvalue()
