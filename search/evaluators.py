"""What judges candidates: any callable that takes a ModelSpec and gives a score or several."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from spinec.spec.errors import SearchError, did_you_mean

Evaluator: TypeAlias = Callable[..., Any]
"""Called with a ModelSpec, and with the trial if it has a parameter `trial`; gives a number or a sequence of numbers.

With the trial it may report intermediate values and raise `optuna.TrialPruned`. For a candidate that cannot have a
score, it may raise `NoScoreError`.
"""


class NoScoreError(Exception):
    """A candidate has no score, and its evaluator is not to blame: the message says why."""


def find_evaluator(name: str) -> Evaluator:
    """The callable that `module:function` names; modules of the current folder are found too.

    Raises:
        SearchError: when there is no such module or function.

    >>> find_evaluator("spinec.search.objectives:likeness").__name__
    'likeness'
    """
    module_name, colon, function_name = name.partition(":")
    if not (module_name and colon and function_name):
        raise SearchError(f"evaluator {name!r}: expected module:function, such as spinec.search.objectives:likeness")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as with `python -m`: what a user keeps in the current folder
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # the module is there, and lacks one that it needs: its traceback says where
        raise SearchError(f"evaluator {name!r}: no module {error.name!r} here or installed") from None
    found: Any = module
    for part in function_name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        known = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        raise SearchError(f"evaluator {name!r}: no function {function_name!r}; {did_you_mean(function_name, known)}")
    return found  # type: ignore[no-any-return]  # what a user wrote


def evaluator_name(evaluator: Evaluator) -> str:
    """What `find_evaluator` finds it by, where anything does."""
    kind = evaluator if inspect.isroutine(evaluator) or inspect.isclass(evaluator) else type(evaluator)
    return f"{kind.__module__}:{kind.__qualname__}"
