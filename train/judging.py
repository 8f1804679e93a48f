"""How good the weights of a run are, on the split that it is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from spinec.backends.backend import backend
from spinec.backends.patterns import still
from spinec.train.data.batches import Endless
from spinec.train.data.examples import DataSet
from spinec.train.evaluation.judge import judge
from spinec.train.evaluation.verdict import Figures
from spinec.train.run import Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from spinec.backends.weights import Array

PARTS = {"detection": "detect", "classification": "classify", "segmentation": "segment"}


class Judging:
    """A live model that is given weights and judged: call it on some."""

    def __init__(self, run: Run, data: DataSet) -> None:
        parts = [PARTS[data.task], *(["paste"] if run.program.spec.head and run.program.spec.head.besides else [])]
        self.run, self.data = run, data
        self.live = backend(run.backend).answering(run.program, parts, None, run.recipe.seed)
        self.use = self.live.use if len(parts) > 1 else None

    def __call__(self, weights: Mapping[str, Array]) -> tuple[Mapping[str, Array], Figures]:
        """The weights as they are judged, their running statistics taken anew where the recipe says so; figures."""
        run, owner = self.run, backend(self.run.backend)
        owner.write_weights(self.live.model, run.program, weights)
        if run.recipe.evaluate.statistics:
            owner.settle(self.live.model, self._seen(run.batches), still(run.program, run.recipe))
            weights = owner.read_weights(self.live.model, run.program)
        shape = run.program.input_shape
        verdict = judge(self.live.answer, self.data, shape, use=self.use, workers=run.workers)
        return weights, verdict.figures

    def _seen(self, batches: Endless) -> Iterator[NDArray[np.float32]]:
        """The first batches of the run."""
        for batch in batches.stream(0, self.run.recipe.evaluate.statistics, self.run.workers):
            yield batch.images
