"""What the best weights of runs find in pictures of the split that they are judged by."""

from __future__ import annotations

import io
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spinec.backends.answers import Predictor, classifier, detector, segmenter
from spinec.compiler.answers.results import Answer, Classified, Detected, Segmented
from spinec.spec.errors import SpinecError, TrainError
from spinec.train.beginning import judged_by
from spinec.train.data.augment import fitted
from spinec.train.data.draws import draws
from spinec.train.data.examples import DataSet, Example, Task
from spinec.train.data.sheet import LEAST, seen, unsaid
from spinec.train.history import History
from spinec.visualize.answers import resized
from spinec.visualize.page.views import ExampleView, PictureView

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 400  # pixels of the longer side of a picture on the page
SURE = 0.3  # score from which boxes are shown, as `spinec detect` does
PREDICTORS: Mapping[Task, Callable[..., Predictor[Any]]] = {
    "detection": detector,
    "classification": classifier,
    "segmentation": segmenter,
}


class Found(NamedTuple):
    """Examples, and what is to be said about them."""

    examples: list[ExampleView]
    notes: list[str]


def found(runs: Sequence[History], count: int) -> Found:
    """So many pictures, from all over the data set of the first run, and what the best weights of every run find.

    What is not there, such as the data set or a framework, is noted.
    """
    first, notes = runs[0], list[str]()
    head = first.program.spec.head
    try:
        data = judged_by(first.needs.data, first.recipe.data, head)
        number = min(count, len(data))
        shown = [data[place * len(data) // number] for place in range(number)]
        truths = [truth(data, example, masks=bool(head and head.besides)) for example in shown]
    except (SpinecError, OSError) as error:
        return Found([], [f"There are no examples: {_line(error)}"])
    pictures = [[_view("as it is labelled", each)] for each in truths]
    for run in runs:
        try:
            finds = _finder(data.task, run)
            for example, views in zip(shown, pictures, strict=True):
                views.append(_view(run.name, finds(example)))
        except (SpinecError, OSError) as error:
            notes.append(f"{run.name} is left out: {_line(error)}")
    if data.task == "detection":
        notes.insert(0, f"Boxes with a score above {SURE:g}, found with the weights of the best evaluation.")
    else:
        notes.insert(0, "Found with the weights of the best evaluation.")
    names = [_short(example.name, first.needs.data) for example in shown]
    return Found([ExampleView(*each) for each in zip(names, pictures, strict=True)], notes)


def _finder(task: Task, run: History) -> Callable[[Example], Answer]:
    """What answers with the best weights of a run."""
    if not run.folder.best.exists():
        raise TrainError("it has not been judged yet")
    program = run.program
    network = PREDICTORS[task](program.spec, run.needs.backend, weights=run.folder.best, size=program.size)

    def finds(example: Example) -> Answer:
        answer = network(example.read())
        return answer.above(SURE) if isinstance(answer, Detected) else answer

    return finds


def truth(data: DataSet, example: Example, *, masks: bool) -> Answer:
    """What a data set says of a picture, as an answer; with the outlines where heads find them."""
    picture = example.read()
    if data.task == "classification":
        number = np.array([example.label])
        name = data.numbering.names[example.label or 0]
        return Classified(picture, example.name, False, (), unsaid(1), number, (name,))
    answer = seen(data, fitted((picture.height, picture.width))(example, draws(0, 0, 0)))
    return replace(answer, masks=None) if isinstance(answer, Detected) and not masks else answer


def _short(name: str, data: str) -> str:
    """The name of a picture within its data set."""
    return Path(name).relative_to(data).as_posix() if Path(name).is_relative_to(data) else name


def _view(whose: str, answer: Answer) -> PictureView:
    drawn = resized(answer, LEAST, MOST).draw()
    caption = f"{whose}: {_words(answer)}"
    return PictureView(_url(drawn), drawn.width, drawn.height, caption, caption)


def _words(answer: Answer) -> str:
    """What an answer says, in a line."""
    match answer:
        case Detected():
            names = Counter(answer.names)
            return ", ".join(f"{name} ({number})" if number > 1 else name for name, number in names.items()) or "no box"
        case Classified():
            return ", ".join(answer.names)
        case Segmented():
            return ", ".join(area.name for area in answer.areas)
    raise TypeError(f"expected an answer, got {type(answer).__name__}")


def _url(picture: Image) -> str:
    data = io.BytesIO()
    picture.save(data, format="JPEG", quality=88, subsampling=0)
    return f"data:image/jpeg;base64,{b64encode(data.getvalue()).decode()}"


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
