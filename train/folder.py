"""The folder of a run: what it was asked for, what it told, and where it goes on."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.neutral import packed, unpacked
from spinec.compiler.graph.program import Program
from spinec.spec.dump import dump
from spinec.spec.errors import TrainError
from spinec.spec.files import write_whole
from spinec.spec.recipes.dump import dump_recipe
from spinec.spec.recipes.model import Recipe

if TYPE_CHECKING:
    from spinec.backends.weights import Array

PACKAGES = ("spinec", "torch", "tensorflow", "keras", "numpy", "pillow")
STEP = "run/step"


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes: every file whole, or as it was before."""

    path: Path

    @property
    def state(self) -> Path:
        """All that the run goes on from."""
        return self.path / "state.safetensors"

    @property
    def weights(self) -> Path:
        """What the network is judged by, as of the last evaluation."""
        return self.path / "weights.safetensors"

    @property
    def best(self) -> Path:
        """The same, as of the best evaluation."""
        return self.path / "best.safetensors"

    @property
    def metrics(self) -> Path:
        """A line for every step and every evaluation."""
        return self.path / "metrics.jsonl"

    def check_free(self) -> None:
        """A run can begin here.

        Raises:
            TrainError: where there is a run already, or something else.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise TrainError(f"{self.path}: is there already; --resume {self.path} goes on with a run")

    def begin(self, program: Program, recipe: Recipe, asked: Mapping[str, Any]) -> None:
        """Write down what is asked for.

        Raises:
            TrainError: where the folder is not free.
        """
        self.check_free()
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "spec.yaml", dump(program.spec))
        write_whole(self.path / "recipe.yaml", dump_recipe(recipe))
        told = {**asked, "size": list(program.size), "python": platform.python_version(), "packages": _packages()}
        write_whole(self.path / "run.json", json.dumps(told, indent=2) + "\n")
        write_whole(self.metrics, "")

    def asked(self) -> dict[str, Any]:
        """What the run was asked for.

        Raises:
            TrainError: where there is no run.
        """
        try:
            found: dict[str, Any] = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainError(f"{self.path}: no run to go on with: {error}") from None
        return found

    def tell(self, line: Mapping[str, Any]) -> None:
        """Add a line to the metrics."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def told(self) -> Iterator[dict[str, Any]]:
        """The lines of the metrics; one that was cut off is none."""
        for line in self.metrics.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return

    def keep(self, state: Mapping[str, Array], step: int) -> None:
        """Keep all that the run goes on from after a step."""
        import numpy as np

        write_whole(self.state, packed({**state, STEP: np.array(float(step))}))

    def kept(self) -> tuple[dict[str, Array], int]:
        """What the run goes on from, and after how many steps; what was told of later ones is dropped.

        Nothing and 0 where it has kept nothing yet.
        """
        state, step = (unpacked(self.state.read_bytes()), 0) if self.state.exists() else ({}, 0)
        if STEP in state:
            step = int(state.pop(STEP).item())
        lines = [line for line in self.told() if line["step"] <= step]
        write_whole(self.metrics, "".join(json.dumps(line) + "\n" for line in lines))
        return state, step

    def judged(self, program: Program, weights: Mapping[str, Array], *, best: bool) -> None:
        """Write what was judged."""
        for path in (self.weights, *([self.best] if best else [])):
            write_checkpoint(path, program, weights)


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
