"""Networks that answer: a picture in, boxes, classes or a map of classes out, in the picture's own pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from spinec.backends.backend import Live, backend
from spinec.backends.checkpoints import read_checkpoint
from spinec.backends.image import Opened, Picture, at_own_scale, cropped, fitted, in_colour, opened
from spinec.compiler.answers.results import Answer, Classified, Detected, Segmented
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.classes import ClassList, labelled
from spinec.spec.errors import BackendError
from spinec.spec.load import load
from spinec.spec.model import ModelSpec

AnyAnswer = TypeVar("AnyAnswer", bound=Answer)
BATCH = 8  # pictures that a network sees at once


class Network(NamedTuple):
    """What answers: a live model of a program, what its classes are called, and whether its weights are random."""

    program: Program
    live: Live
    classes: ClassList
    noise: bool


@dataclass(frozen=True)
class Predictor(Generic[AnyAnswer]):
    """A network that answers: call it on a picture, or `many` on several.

    A picture is a file's name, a picture of Pillow, or an array (height, width, channels) of 0 to 255 or, as floats,
    of 0 to 1.
    """

    network: Network = field(repr=False)
    answers: Callable[[Network, Sequence[Opened]], list[AnyAnswer]] = field(repr=False)

    @property
    def model(self) -> Any:
        """The live model, to be moved to another device, or to be trained."""
        return self.network.live.model

    def __call__(self, picture: Any) -> AnyAnswer:
        """The answer to one picture."""
        return self.answers(self.network, [opened(picture)])[0]

    def many(self, pictures: Iterable[Any], batch: int = BATCH) -> Iterator[AnyAnswer]:
        """The answers to pictures, one after the other; the network sees `batch` of them at once.

        Raises:
            ValueError: when it is to see none.
        """
        if isinstance(pictures, str | Path):
            raise BackendError(f"expected several pictures, got {str(pictures)!r}; call the network on a single one")
        if batch < 1:
            raise ValueError(f"expected a batch of at least 1, got {batch}")
        return self._several(iter(pictures), batch)

    def _several(self, rest: Iterator[Any], batch: int) -> Iterator[AnyAnswer]:
        while several := [opened(picture) for picture in islice(rest, batch)]:
            yield from self.answers(self.network, several)


def detector(
    spec: ModelSpec | str | Path,
    backend_name: str = "pytorch",
    *,
    weights: str | Path | None = None,
    size: int | tuple[int, int] | None = None,
    labels: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Predictor[Detected]:
    """A network that finds boxes, with the weights of a file; without one, random weights find noise.

    `labels` name the classes where the spec does not: a list such as ``"coco-91"``, or their names.

    Raises:
        BackendError: where the head finds no boxes, or the weights are another network's.

    >>> found = detector("eff-spinenet-m0")("examples/photograph.jpg")  # doctest: +SKIP
    >>> found.above(0.3).draw().save("found.png")  # doctest: +SKIP
    """
    return Predictor(_network("detect", spec, backend_name, weights, size, labels, seed), _detected)


def classifier(
    spec: ModelSpec | str | Path,
    backend_name: str = "pytorch",
    *,
    weights: str | Path | None = None,
    size: int | tuple[int, int] | None = None,
    labels: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Predictor[Classified]:
    """A network that says what a picture shows, as `detector` says what it finds; it sees the picture's centre."""
    return Predictor(_network("classify", spec, backend_name, weights, size, labels, seed), _classified)


def segmenter(
    spec: ModelSpec | str | Path,
    backend_name: str = "pytorch",
    *,
    weights: str | Path | None = None,
    size: int | tuple[int, int] | None = None,
    labels: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Predictor[Segmented]:
    """A network that says the class of every pixel, as `detector` says what it finds."""
    return Predictor(_network("segment", spec, backend_name, weights, size, labels, seed), _segmented)


def _network(
    part: str,
    spec: ModelSpec | str | Path,
    backend_name: str,
    weights: str | Path | None,
    size: int | tuple[int, int] | None,
    labels: str | Sequence[str] | None,
    seed: int,
) -> Network:
    program = lower(spec if isinstance(spec, ModelSpec) else load(spec), size)
    head = program.spec.head
    classes = labelled(head, labels) if head else ClassList((), ())
    given = read_checkpoint(Path(weights), program) if weights is not None else None
    parts = (part, "paste") if head and head.besides else (part,)
    return Network(program, backend(backend_name).answering(program, parts, given, seed), classes, given is None)


def _detected(network: Network, pictures: Sequence[Opened]) -> list[Detected]:
    seen = [fitted(picture, network.program.input_shape) for picture in pictures]
    sizes = np.array([each.scaled for each in seen], np.float32)
    told = network.live.answer(np.stack([each.values for each in seen]), sizes)
    return [_boxes(network, *each) for each in zip(pictures, seen, zip(*told, strict=True), strict=True)]


def _boxes(network: Network, opened: Opened, seen: Picture, told: Sequence[Any]) -> Detected:
    """The boxes of one picture in its own pixels."""
    picture = opened.picture
    real = (told[1] > 0) & (told[0][:, 2:] > told[0][:, :2]).all(1)  # what lies in the padding has no area left
    boxes, scores, labels, *masks = (each[real] for each in told)
    grown = np.array([picture.height, picture.width], np.float32) / np.array(seen.scaled, np.float32)
    names, ids = network.classes
    boxes = boxes * np.tile(grown, 2)
    size = picture.height, picture.width
    return Detected(
        **_about(network, opened, seen),
        boxes=boxes,
        scores=scores,
        labels=labels.astype(np.int64),
        names=tuple(names[label] for label in labels),
        ids=tuple(ids[label] for label in labels),
        masks=network.live.use("paste", masks[0], boxes, size) if masks else None,
    )


def _classified(network: Network, pictures: Sequence[Opened]) -> list[Classified]:
    seen = [cropped(picture, network.program.input_shape) for picture in pictures]
    told = network.live.answer(np.stack([each.values for each in seen]))
    return [
        Classified(
            **_about(network, picture, each),
            scores=scores,
            labels=labels.astype(np.int64),
            names=tuple(network.classes.names[label] for label in labels),
        )
        for picture, each, scores, labels in zip(pictures, seen, *told, strict=True)
    ]


def _segmented(network: Network, pictures: Sequence[Opened]) -> list[Segmented]:
    return [_map(network, picture) for picture in pictures]  # of as many sizes as there are pictures


def _map(network: Network, opened: Opened) -> Segmented:
    """The classes of one picture's pixels: those of the padded picture at its own scale, without the padding."""
    picture, shape = opened.picture, network.program.input_shape
    seen = fitted(opened, shape)
    whole = at_own_scale(shape[1:], (picture.height, picture.width), seen.scaled)
    (labels,) = network.live.answer(seen.values[None], whole)
    return Segmented(
        **_about(network, opened, seen),
        labels=labels[0, : picture.height, : picture.width].astype(np.int64),
        names=network.classes.names,
    )


def _about(network: Network, opened: Opened, seen: Picture) -> Mapping[str, Any]:
    about = {"picture": in_colour(opened.picture), "name": opened.name}
    return {**about, "noise": network.noise, "notes": seen.notes}
