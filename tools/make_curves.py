"""Writes docs/benchmarks.md's table of curves: one recipe, seed and start in both frameworks, on scenes of digits.

python tools/make_curves.py          five seeds, 600 steps each: half an hour of two cores
python tools/make_curves.py 100 2    100 steps, two seeds

A row is written as soon as it is there. Runs are kept in .cache/curves, and one that was stopped goes on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from make_tables import filled

from spinec import load, lower
from spinec.backends.backend import backend
from spinec.backends.checkpoints import read_checkpoint, write_checkpoint
from spinec.compiler.graph.program import Program
from spinec.spec.files import write_whole
from spinec.spec.making import change
from spinec.spec.recipes.load import load_recipe
from spinec.spec.recipes.model import Recipe
from spinec.train.data.forms import open_data
from spinec.train.folder import RunFolder
from spinec.train.run import Run
from spinec.train.sets.digits import make_scenes
from spinec.visualize.table.table import Table

ROOT = Path(__file__).resolve().parent.parent
PAGE, KEPT = ROOT / "docs" / "benchmarks.md", ROOT / ".cache" / "curves"
DATA = KEPT / "digits"
STEPS, SEEDS, FIRST = 600, 5, 20
FRAMEWORKS = ("pytorch", "tensorflow")
COLUMNS = [
    "seed",
    f"first {FIRST} losses apart",
    "in float64",
    "AP, PyTorch",
    "AP, TensorFlow",
    "AP50, PyTorch",
    "AP50, TensorFlow",
]
DIGITS = {"head": {"labels": None, "classes": [*"0123456789"], "background": False}}


@dataclass(frozen=True)
class Seed:
    """What both frameworks' runs of a seed have in common."""

    number: int
    steps: int

    @property
    def program(self) -> Program:
        """The network."""
        return lower(change(load(str(ROOT / "examples" / "nano.yaml")), DIGITS))

    @property
    def settings(self) -> tuple[str, ...]:
        """What the recipe does not say."""
        return f"seed={self.number}", f"schedule.steps={self.steps}", f"evaluate.steps={self.steps}"

    @property
    def recipe(self) -> Recipe:
        """How it is trained."""
        return load_recipe("small-detection", self.settings)

    @property
    def start(self) -> Path:
        """The weights that both begin with."""
        path = KEPT / f"{self.number}.safetensors"
        if not path.exists():
            write_checkpoint(path, self.program, backend("pytorch").learner(self.program, self.recipe).weights())
        return path

    def ran(self, framework: str) -> tuple[list[float], float, float]:
        """The losses of a run, and AP and AP50 at its end."""
        folder = RunFolder(KEPT / f"{self.number}-{self.steps}-{framework}")
        begun = ["examples/nano.yaml", "--data", str(DATA), "--classes", "data", "--recipe", "small-detection"]
        begun += ["--weights", str(self.start), "--backend", framework, "--run", str(folder.path)]
        begun += [word for setting in self.settings for word in ("--set", setting)]
        arguments = ["--resume", str(folder.path)] if folder.path.exists() else begun
        subprocess.run([sys.executable, "-m", "spinec", "train", *arguments], cwd=ROOT, check=True)
        told = [*folder.told()]
        return [line["loss"] for line in told if "loss" in line], told[-1]["AP"], told[-1]["AP50"]

    def exact(self, framework: str) -> list[float]:
        """The first losses in float64."""
        program, recipe = self.program, self.recipe
        data = open_data(str(DATA), recipe.data.train, head=program.spec.head)
        run = Run(program, recipe, data)
        with backend(framework).precision("float64"):
            learner = backend(framework).learner(program, recipe, read_checkpoint(self.start, program))
            steps = enumerate(run.batches.stream(0, FIRST, 0))
            return [learner.step(batch.images, batch.targets, run.rates[step], step)["loss"] for step, batch in steps]


def apart(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The largest difference of the first losses, as a share of the loss."""
    return f"{max(abs(a - b) / abs(a) for a, b in zip(ours[:FIRST], theirs[:FIRST], strict=True)):.1e}"


def row(seed: Seed) -> list[str]:
    """Both frameworks' run of a seed."""
    (one, *ours), (other, *theirs) = (seed.ran(framework) for framework in FRAMEWORKS)
    exact = [seed.exact(framework) for framework in FRAMEWORKS]
    figures = [f"{value:.3f}" for pair in zip(ours, theirs, strict=True) for value in pair]
    return [str(seed.number), apart(one, other), apart(*exact), *figures]


def spread(rows: Sequence[Sequence[str]]) -> list[str]:
    """Mean and deviation of every figure over the seeds."""
    columns = [[float(each[place]) for each in rows] for place in range(3, len(COLUMNS))]
    return ["all", "", "", *(f"{mean(values):.3f} ± {stdev(values):.3f}" for values in columns)]


def main() -> None:
    """Run what is not there yet, and write the table."""
    steps, seeds = (*map(int, sys.argv[1:]), *(STEPS, SEEDS)[len(sys.argv) - 1 :])
    if not (DATA).exists():
        make_scenes(DATA, size=128, train=800, val=100)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rows: list[list[str]] = []
    for seed in range(seeds):
        rows.append(row(Seed(seed, steps)))
        page = PAGE.read_text(encoding="utf-8")
        shown = [*rows, *([spread(rows)] if len(rows) > 1 else [])]
        write_whole(PAGE, filled(page, {"curves": Table("curves", COLUMNS, shown).to_text("markdown")}))


if __name__ == "__main__":
    main()
