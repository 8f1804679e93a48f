"""What came of evaluating a candidate: scores, or the reason why it has none."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import copysign, inf, isfinite
from reprlib import Repr
from typing import TYPE_CHECKING, Any, NoReturn

from spinec.search.evaluators import Evaluator, NoScoreError
from spinec.spec.model import ModelSpec

if TYPE_CHECKING:
    from optuna import Trial

LONGEST = 200  # characters of a reason
MOST_TOLD = 10_000  # characters of a traceback, the last ones


@dataclass(frozen=True)
class Verdict:
    """Scores that can be compared, or why there are none; if the evaluator failed, with its traceback."""

    scores: tuple[float, ...] = ()
    why: str = ""
    failure: str = ""


def evaluate(evaluator: Evaluator, spec: ModelSpec, trial: Trial, number: int) -> Verdict:
    """What an evaluator, which is to give so many scores, makes of a candidate."""
    from optuna import TrialPruned
    from optuna.exceptions import UpdateFinishedTrialError

    try:
        with _in_this_process():
            given = evaluator(spec, trial=trial) if _wants_trial(evaluator) else evaluator(spec)
    except (TrialPruned, NoScoreError) as reason:
        return Verdict(why=_shortened(str(reason)) or "pruned by the evaluator")
    except UpdateFinishedTrialError:  # while it reported: the trial was taken away
        raise
    except (Exception, SystemExit) as error:
        if _is_interrupted(error):
            raise KeyboardInterrupt from error
        return _failed(error)
    return _judged(given, number)


def usable(scores: Sequence[float] | None) -> bool:
    """Whether there are scores, and they can be compared."""
    return bool(scores) and all(map(isfinite, scores or ()))


def _judged(given: Any, number: int) -> Verdict:
    scores = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    try:
        numbers = tuple(map(_float, scores))
    except Exception:  # whatever a type of a user's raises
        return _refused(f"gave {_short(given)}: expected a number or several")
    if len(numbers) != number:
        hint = "name a direction for each: --directions maximize,minimize"
        return _refused(f"gave {len(numbers)} scores, expected {number}; {hint}")
    return Verdict(numbers) if usable(numbers) else Verdict(why=f"the score is {', '.join(map(str, numbers))}")


def _float(score: Any) -> float:
    try:
        return float(score)
    except OverflowError:  # 10**400
        return copysign(inf, 1 if score > 0 else -1)


def _refused(why: str) -> Verdict:
    return Verdict(why=f"the evaluator {why}", failure=f"the evaluator {why}")


def _failed(error: BaseException) -> Verdict:
    own = error.__traceback__  # of this file, and of no interest
    told = "".join(traceback.format_exception(type(error), error, own and own.tb_next)).rstrip()
    why = traceback.format_exception_only(error)[-1].strip().partition("\n")[0]
    return Verdict(why=_shortened(why), failure=told[-MOST_TOLD:])


def _shortened(why: str) -> str:
    return why[:LONGEST]


def _is_interrupted(error: BaseException | None) -> bool:
    """Whether somebody ends the search, and the evaluator, or a library, makes another exception of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


@contextmanager
def _in_this_process() -> Iterator[None]:
    """A process that the block forks ends with the block: what follows is for its parent to do."""
    process = os.getpid()
    try:
        yield
    except BaseException as error:
        if os.getpid() != process:
            _leave(error)
        raise
    if os.getpid() != process:
        _leave(None)


def _leave(error: BaseException | None) -> NoReturn:
    """End a forked process as Python ends one."""
    code = 0 if error is None else 1
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def _wants_trial(evaluator: Evaluator) -> bool:
    try:
        return "trial" in inspect.signature(evaluator).parameters
    except (TypeError, ValueError):  # builtins do not say
        return False


def _short(given: Any) -> str:
    shown = Repr()
    shown.maxother = shown.maxstring = LONGEST
    try:
        return shown.repr(given)
    except Exception:  # an integer of too many digits, or what a type of a user's raises
        return f"a {type(given).__name__}"
