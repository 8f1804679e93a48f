"""A declarative graph compiler and spec library for vision networks."""

import importlib
import importlib.util
from pathlib import Path

if importlib.util.find_spec("spinec.spec") is None:  # a plain checkout: the folders stand beside this one
    __path__.append(str(Path(__file__).resolve().parent.parent))
from typing import TYPE_CHECKING, Any

from spinec.spec import notebook
from spinec.spec.version import __version__ as __version__

if TYPE_CHECKING:
    from spinec.backends.answers import Predictor, classifier, detector, segmenter
    from spinec.backends.backend import build, emit
    from spinec.compiler.analysis.graph import graph
    from spinec.compiler.answers.results import Classified, Detected, Segmented
    from spinec.compiler.cost.report import Report, cost
    from spinec.compiler.cost.training import Training, training_cost
    from spinec.compiler.cost_model.model import CostModel
    from spinec.compiler.graph.program import Program
    from spinec.compiler.lowering.pipeline import lower
    from spinec.compiler.resources.candidates import Candidates, Space, candidates
    from spinec.compiler.resources.explain import explain
    from spinec.compiler.resources.fit import fit
    from spinec.compiler.resources.redistribute import redistribute
    from spinec.compiler.resources.scaling import compound, scale
    from spinec.spec.dump import dump
    from spinec.spec.errors import (
        BackendError,
        DataError,
        SearchError,
        ShapeError,
        SpecError,
        SpecWarning,
        SpinecError,
        TrainError,
    )
    from spinec.spec.library import names
    from spinec.spec.load import load, loads
    from spinec.spec.making import change, check, make
    from spinec.spec.model import ModelSpec
    from spinec.train.data.forms import open_data
    from spinec.visualize.difference import diff
    from spinec.visualize.draw import draw
    from spinec.visualize.report import write_report

_HOMES = {
    "backends.answers": ("Predictor", "classifier", "detector", "segmenter"),
    "backends.backend": ("build", "emit"),
    "compiler.answers.results": ("Classified", "Detected", "Segmented"),
    "compiler.resources.candidates": ("Candidates", "Space", "candidates"),
    "compiler.analysis.graph": ("graph",),
    "compiler.cost.report": ("Report", "cost"),
    "compiler.resources.explain": ("explain",),
    "compiler.resources.fit": ("fit",),
    "compiler.cost_model.model": ("CostModel",),
    "compiler.lowering.pipeline": ("lower",),
    "compiler.graph.program": ("Program",),
    "compiler.resources.redistribute": ("redistribute",),
    "compiler.resources.scaling": ("compound", "scale"),
    "compiler.cost.training": ("Training", "training_cost"),
    "spec.dump": ("dump",),
    "spec.errors": (
        "BackendError",
        "DataError",
        "SearchError",
        "ShapeError",
        "SpecError",
        "SpecWarning",
        "SpinecError",
        "TrainError",
    ),
    "spec.library": ("names",),
    "spec.load": ("load", "loads"),
    "spec.making": ("change", "check", "make"),
    "spec.model": ("ModelSpec",),
    "train.data.forms": ("open_data",),
    "visualize.difference": ("diff",),
    "visualize.draw": ("draw",),
    "visualize.report": ("write_report",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BackendError",
    "Candidates",
    "Classified",
    "CostModel",
    "DataError",
    "Detected",
    "ModelSpec",
    "Predictor",
    "Program",
    "Report",
    "SearchError",
    "Segmented",
    "ShapeError",
    "Space",
    "SpecError",
    "SpecWarning",
    "SpinecError",
    "TrainError",
    "Training",
    "build",
    "candidates",
    "change",
    "check",
    "classifier",
    "compound",
    "cost",
    "detector",
    "diff",
    "draw",
    "dump",
    "emit",
    "explain",
    "fit",
    "graph",
    "load",
    "loads",
    "lower",
    "make",
    "names",
    "open_data",
    "redistribute",
    "scale",
    "segmenter",
    "training_cost",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that ``import spinec`` costs next to nothing."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'spinec' has no attribute {name!r}")
    from spinec.door import guarded

    value = guarded(getattr(importlib.import_module(f"spinec.{_HOME_OF[name]}"), name), name)
    globals()[name] = value
    return value


def _painter(form: str) -> Any:
    """What shows a value in a notebook; loaded when a notebook asks."""
    return lambda value: getattr(importlib.import_module("spinec.visualize.notebook"), form)(value)


notebook.painters.update({"svg": _painter("svg"), "html": _painter("html"), "parts": _painter("parts")})
notebook.artists["answer"] = _painter("answer")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
