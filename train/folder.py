"""The folder of a run: what it was asked for, what it told, and where it goes on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from spinec.backends.checkpoints import read_checkpoint, read_part, write_checkpoint
from spinec.backends.neutral import packed, unpacked
from spinec.compiler.graph.program import Program
from spinec.spec.dump import dump
from spinec.spec.errors import TrainError
from spinec.spec.files import sweep, whole, write_whole
from spinec.spec.recipes.dump import dump_recipe
from spinec.spec.recipes.model import Recipe

if TYPE_CHECKING:
    from spinec.backends.weights import Array

Which: TypeAlias = Literal["best", "last", "average", "plain"]
PACKAGES = ("spinec", "torch", "tensorflow", "keras", "numpy", "pillow")
STEP = "run/step"
ASKED = ("spec.yaml", "recipe.yaml", "metrics.jsonl", "run.json")
KEPT = ("state.safetensors", "weights.safetensors", "best.safetensors")
EVENTS = "events.out.tfevents."
"""What the names of event files begin with, by which TensorBoard knows them."""


@dataclass(frozen=True)
class Needs:
    """What a run needs that is not in its folder."""

    data: str
    backend: str = "pytorch"
    weights: str | None = None
    """The file that it starts from."""


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes: every file whole, or as it was before."""

    path: Path

    @property
    def spec(self) -> Path:
        """The network."""
        return self.path / "spec.yaml"

    @property
    def recipe(self) -> Path:
        """How it is trained."""
        return self.path / "recipe.yaml"

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

    def begin(self, program: Program, recipe: Recipe, needs: Needs, steps: int | None = None) -> None:
        """Write down what is asked for, and how many steps that is.

        Raises:
            TrainError: where the folder is not free.
        """
        self.check_free()
        told = {**asdict(needs), "size": program.size, "steps": steps}
        told |= {"python": platform.python_version(), "packages": _packages()}
        texts = (dump(program.spec), dump_recipe(recipe), "", json.dumps(told, indent=2) + "\n")
        with self.writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                with whole(self.path) as made:
                    made.mkdir()
                    _fill(made, texts)
                return
            try:
                _fill(self.path, texts)  # it may be where a disk is mounted, which nothing takes the place of
            except BaseException:
                for name in ASKED:
                    (self.path / name).unlink(missing_ok=True)
                raise

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Say why a file of the run cannot be written.

        Raises:
            TrainError: where it cannot.
        """
        try:
            yield
        except OSError as error:
            goes_on = f"; --resume {self.path} goes on with the run" if (self.path / "run.json").exists() else ""
            raise TrainError(f"{path}: cannot be written: {error.strerror or error}{goes_on}") from error

    def _write(self, path: Path, data: str | bytes) -> None:
        with self.writing(path):
            write_whole(path, data)

    def needs(self) -> tuple[Needs, tuple[int, int]]:
        """What the run needs, and the size of its input.

        Raises:
            TrainError: where there is no run.
        """
        told = self.about()
        try:
            height, width = told["size"]
            return Needs(**{each.name: told[each.name] for each in fields(Needs)}), (height, width)
        except (ValueError, TypeError, KeyError) as error:
            raise TrainError(f"{self.path}: no run to go on with: {error}") from None

    def about(self) -> dict[str, Any]:
        """All that was written down when the run began, by name.

        Raises:
            TrainError: where there is no run.
        """
        try:
            told = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainError(f"{self.path}: no run to go on with: {error}") from None
        return told if isinstance(told, dict) else {}

    def taken(self, program: Program, which: Which) -> dict[str, Array]:
        """Weights of the run: of its best or last evaluation, or of the state that was kept last.

        Raises:
            SpinecError: where it has none of these yet, or keeps no average.
        """
        if which in ("best", "last"):
            file = self.best if which == "best" else self.weights
            if not file.exists():
                raise TrainError(f"{self.path}: has not been judged yet, so there is no {file.name}")
            return read_checkpoint(file, program)
        if not self.state.exists():
            raise TrainError(f"{self.path}: has kept no state yet, so there is no {self.state.name}")
        found = read_part(self.state, "weights" if which == "plain" else "average", program)
        if not found:
            raise TrainError(f"{self.path}: has no average, as its recipe has none; plain weights are there")
        return found

    def tell(self, line: Mapping[str, Any]) -> None:
        """Add a line to the metrics."""
        with self.writing(self.metrics), self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def told(self) -> Iterator[dict[str, Any]]:
        """The lines of the metrics; one that was cut off is none."""
        text = self.metrics.read_text(encoding="utf-8") if self.metrics.exists() else ""
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return

    def keep(self, state: Mapping[str, Array], step: int) -> None:
        """Keep all that the run goes on from after a step."""
        import numpy as np

        with self.writing(self.metrics), self.metrics.open("rb") as told:
            os.fsync(told.fileno())  # what the state comes after is not to be lost where the state is not
        self._write(self.state, packed({**state, STEP: np.array(float(step))}))

    def kept(self, *, clean: bool = True) -> tuple[dict[str, Array], int]:
        """What the run goes on from, and after how many steps; where `clean`, what was told of later ones is dropped.

        Nothing and 0 where it has kept nothing yet.
        """
        if clean:
            sweep(self.path, (*ASKED, *KEPT, EVENTS))
        state, step = (unpacked(self.state.read_bytes()), 0) if self.state.exists() else ({}, 0)
        if STEP in state:
            step = int(state.pop(STEP).item())
        if not clean:
            return state, step
        lines = [line for line in self.told() if line["step"] <= step]
        self._write(self.metrics, "".join(json.dumps(line) + "\n" for line in lines))
        return state, step

    def judged(self, program: Program, weights: Mapping[str, Array], *, best: bool) -> None:
        """Write what was judged."""
        for path in (self.weights, *([self.best] if best else [])):
            with self.writing(path):
                write_checkpoint(path, program, weights)


def _fill(folder: Path, texts: Iterable[str]) -> None:
    for name, text in zip(ASKED, texts, strict=True):
        write_whole(folder / name, text)


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
