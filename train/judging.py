"""How good weights are, on the split that they are judged by, their running statistics taken anew where asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from spinec.backends.backend import Live, backend
from spinec.backends.patterns import still
from spinec.compiler.graph.program import Program
from spinec.spec.recipes.model import Recipe
from spinec.train.data.examples import DataSet, Task
from spinec.train.evaluation.judge import judge
from spinec.train.evaluation.verdict import Figures
from spinec.train.run import Run
from spinec.train.views import batches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from spinec.backends.weights import Array

PARTS: Mapping[Task, str] = {"detection": "detect", "classification": "classify", "segmentation": "segment"}


class Judging:
    """A live model that is given weights and judged: call it on some."""

    def __init__(self, run: Run, data: DataSet) -> None:
        self.run, self.data = run, data
        self.live = answering(run.program, data.task, run.backend, None, run.recipe.seed)

    def __call__(self, weights: Mapping[str, Array]) -> tuple[Mapping[str, Array], Figures]:
        """The weights as they are judged, their running statistics taken anew where the recipe says so; figures."""
        run, owner = self.run, backend(self.run.backend)
        owner.write_weights(self.live.model, run.program, weights)
        if number := run.recipe.evaluate.statistics:
            settle(self.live, run.program, run.recipe, run.data, run.backend, number, run.workers)
            weights = owner.read_weights(self.live.model, run.program)
        shape = run.program.input_shape
        return weights, judge(self.live.answer, self.data, shape, use=self.live.use, workers=run.workers).figures


def answering(
    program: Program, task: Task, backend_name: str, weights: Mapping[str, Array] | None, seed: int = 0
) -> Live:
    """A live model with some weights, or fresh ones, and what answers with it for a task."""
    parts = [PARTS[task], *(["paste"] if _besides(program) else [])]
    return backend(backend_name).answering(program, parts, weights, seed)


def settle(
    live: Live, program: Program, recipe: Recipe, data: DataSet, backend_name: str, number: int, workers: int = 0
) -> None:
    """Take running means and variances anew from the first batches of a run; not those of what is frozen."""

    def seen() -> Iterator[NDArray[np.float32]]:
        for batch in batches(program, recipe, data).stream(0, number, workers):
            yield batch.images

    backend(backend_name).settle(live.model, seen(), still(program, recipe))


def _besides(program: Program) -> bool:
    return program.spec.head is not None and bool(program.spec.head.besides)
