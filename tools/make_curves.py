"""Writes docs/benchmarks.md's table of curves: one recipe, seed and start in both frameworks, on scenes of digits.

python tools/make_curves.py          five seeds, 900 steps each: half an hour of two cores
python tools/make_curves.py 100 2    100 steps, two seeds

A row is written as soon as it is there. Runs are kept in .cache/curves, and one that was stopped goes on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from make_tables import filled

from spinec import load, lower
from spinec.backends.backend import backend
from spinec.backends.checkpoints import write_checkpoint
from spinec.spec.files import write_whole
from spinec.spec.making import change
from spinec.spec.recipes.load import load_recipe
from spinec.train.folder import RunFolder
from spinec.train.sets.digits import make_scenes
from spinec.visualize.table.table import Table

ROOT = Path(__file__).resolve().parent.parent
PAGE, KEPT = ROOT / "docs" / "benchmarks.md", ROOT / ".cache" / "curves"
STEPS, SEEDS, FIRST = 900, 5, 20
FRAMEWORKS = ("pytorch", "tensorflow")
COLUMNS = ["seed", f"first {FIRST} losses apart", "AP, PyTorch", "AP, TensorFlow", "AP50, PyTorch", "AP50, TensorFlow"]
DIGITS = {"head": {"labels": None, "classes": [*"0123456789"], "background": False}}


def ran(seed: int, steps: int, framework: str) -> tuple[list[float], float, float]:
    """The losses of a run, and AP and AP50 at its end."""
    spec = change(load(str(ROOT / "examples" / "nano.yaml")), DIGITS)
    settings = (f"seed={seed}", f"schedule.steps={steps}", f"evaluate.steps={steps}")
    folder = RunFolder(KEPT / f"{seed}-{steps}-{framework}")
    start = KEPT / f"{seed}.safetensors"
    if not start.exists():
        program = lower(spec)
        write_checkpoint(
            start, program, backend("pytorch").learner(program, load_recipe("small-detection", settings)).weights()
        )
    begun = ["examples/nano.yaml", "--data", str(KEPT / "digits"), "--classes", "data", "--recipe", "small-detection"]
    begun += ["--weights", str(start), "--backend", framework, "--run", str(folder.path)]
    begun += [word for setting in settings for word in ("--set", setting)]
    arguments = ["--resume", str(folder.path)] if folder.path.exists() else begun
    subprocess.run([sys.executable, "-m", "spinec", "train", *arguments], cwd=ROOT, check=True)
    told = [*folder.told()]
    return [line["loss"] for line in told if "loss" in line], told[-1]["AP"], told[-1]["AP50"]


def row(seed: int, steps: int) -> list[str]:
    """Both frameworks' run of a seed."""
    (one, *ours), (other, *theirs) = (ran(seed, steps, framework) for framework in FRAMEWORKS)
    apart = max(abs(a - b) / abs(a) for a, b in zip(one[:FIRST], other[:FIRST], strict=True))
    figures = [f"{value:.3f}" for pair in zip(ours, theirs, strict=True) for value in pair]
    return [str(seed), f"{apart:.1e}", *figures]


def spread(rows: Sequence[Sequence[str]]) -> list[str]:
    """Mean and deviation of every figure over the seeds."""
    columns = [[float(each[place]) for each in rows] for place in range(2, len(COLUMNS))]
    return ["all", "", *(f"{mean(values):.3f} ± {stdev(values):.3f}" for values in columns)]


def main() -> None:
    """Run what is not there yet, and write the table."""
    steps, seeds = (*map(int, sys.argv[1:]), *(STEPS, SEEDS)[len(sys.argv) - 1 :])
    if not (KEPT / "digits").exists():
        make_scenes(KEPT / "digits", size=128, train=800, val=100)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rows: list[list[str]] = []
    for seed in range(seeds):
        rows.append(row(seed, steps))
        page = PAGE.read_text(encoding="utf-8")
        shown = [*rows, *([spread(rows)] if len(rows) > 1 else [])]
        write_whole(PAGE, filled(page, {"curves": Table("curves", COLUMNS, shown).to_text("markdown")}))


if __name__ == "__main__":
    main()
