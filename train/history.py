"""What a run's folder tells of it, whole, going on or cut off."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.errors import TrainError
from spinec.spec.load import load
from spinec.spec.recipes.load import load_recipe
from spinec.spec.recipes.model import Recipe
from spinec.train.folder import Needs, RunFolder

RECENT = 50  # steps that the last loss is the mean of
APART = ("step", "seconds")  # what is told of a step and is no curve


@dataclass(frozen=True)
class History:
    """A run so far."""

    name: str
    folder: RunFolder
    needs: Needs
    program: Program
    recipe: Recipe
    learned: tuple[Mapping[str, Any], ...]
    """What was told of every step."""
    judged: tuple[Mapping[str, Any], ...]
    """The figures of every evaluation."""

    @property
    def seconds(self) -> float:
        """Of a step: the median."""
        return float(median(line["seconds"] for line in self.learned))

    @property
    def minutes(self) -> float:
        """Of all steps together."""
        return float(sum(line["seconds"] for line in self.learned)) / 60

    @property
    def loss(self) -> float:
        """The mean over the last steps."""
        return fmean(line["loss"] for line in self.learned[-RECENT:])

    @property
    def figures(self) -> list[str]:
        """The names of the figures of its evaluations, the one that runs are compared by first."""
        return [name for name in (self.judged[0] if self.judged else ()) if name not in APART]

    @property
    def best(self) -> Mapping[str, Any]:
        """The best evaluation, the first of them; nothing where there is none."""
        return max(self.judged, key=lambda line: line.get(self.figures[0]) or 0.0, default={})

    @property
    def last(self) -> Mapping[str, Any]:
        """The last evaluation; nothing where there is none."""
        return self.judged[-1] if self.judged else {}

    def curve(self, name: str) -> list[tuple[float, float]]:
        """A loss, or a figure of evaluations, by step."""
        told = (line for line in (*self.learned, *self.judged) if line.get(name) is not None)
        return [(line["step"], line[name]) for line in told]


def read_history(name: str) -> History:
    """The history of the run in a folder.

    Raises:
        SpinecError: where there is no run, or no step of it is done yet.
    """
    folder = RunFolder(Path(name))
    if not os.path.isfile(folder.path / "run.json"):  # False, unlike Path.is_file, for a name that no file can have
        raise TrainError(
            f"{name}: expected the folder of a run, which 'spinec train' writes; there is no run.json in it"
        )
    needs, size = folder.needs()
    lines = tuple(_checked(folder))
    learned = tuple(line for line in lines if "loss" in line)
    if not learned:
        raise TrainError(f"{name}: no step of this run is done yet")
    judged = tuple(line for line in lines if "loss" not in line)
    program = lower(load(folder.spec), size)
    return History(name, folder, needs, program, load_recipe(folder.recipe), learned, judged)


def _checked(folder: RunFolder) -> Iterator[Mapping[str, Any]]:
    """What was told.

    Raises:
        TrainError: at a line that is none of a run.
    """
    for number, line in enumerate(folder.told(), 1):
        needed = ("step", "rate", "loss", "seconds") if isinstance(line, dict) and "loss" in line else ("step",)
        if not isinstance(line, dict) or not all(isinstance(line.get(name), int | float) for name in needed):
            raise TrainError(f"{folder.metrics}:{number}: expected a line of a run: {', '.join(needed)} as numbers")
        yield line
