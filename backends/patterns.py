"""Which weights a recipe's patterns mean: what is frozen, and at which share of the rate the others learn.

A pattern is a glob, in which ``*`` stands for anything, dots included. It is of the name of a weight, such as
``b1.norm.scale``, or of what the weight is in: ``b1.norm``, the block ``b1``, or ``head``, all of the head together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from spinec.compiler.graph.program import Program
from spinec.spec.errors import TrainError, close_to, did_you_mean
from spinec.spec.recipes.model import Recipe

HEAD = "head"


def factors(program: Program, recipe: Recipe) -> dict[str, float]:
    """The weights that learn, and for each the factor of the rate: that of the last pattern that matches it.

    Raises:
        TrainError: for a pattern that changes nothing, with the nearest names, and where all is frozen.

    >>> from spinec import load, lower
    >>> from spinec.spec.recipes.load import load_recipe
    >>> recipe = load_recipe("detection", ["optimizer.frozen=[stem, 'b?', 'b1?', P*]", "optimizer.parts={class_*: 10}"])
    >>> found = factors(lower(load("eff-spinenet-d0")), recipe)
    >>> found["class_subnet.conv1.pointwise.kernel"], found["box_subnet.conv1.pointwise.kernel"], len(found)
    (10.0, 1.0, 84)
    """
    names = {name: [name, *_around(program, name)] for name in program.weights}
    options = recipe.optimizer
    frozen: set[str] = set()
    for pattern in options.frozen:
        frozen.update(_matched(program, names, "frozen", pattern))
    learned = dict.fromkeys((name for name in names if name not in frozen), 1.0)
    if not learned:
        raise TrainError(f"optimizer.frozen: all of {program.name} is frozen, and nothing is left to learn")
    for pattern, factor in options.parts.items():
        matched = [name for name in _matched(program, names, "parts", pattern) if name in learned]
        if not matched:
            raise TrainError(f"optimizer.parts: all that {pattern!r} matches is frozen")
        learned.update(dict.fromkeys(matched, factor))
    return learned


def still(program: Program, recipe: Recipe) -> frozenset[str]:
    """The modules that run as they do in inference: all in what is frozen, norms and stochastic depth among them."""
    patterns = recipe.optimizer.frozen
    modules = dict.fromkeys(step.module for step in program.steps)
    return frozenset(each for each in modules if _is_any(patterns, [each, *_around(program, each)]))


def _around(program: Program, name: str) -> Iterator[str]:
    """What something is in, from the inside to the outside."""
    outer = name
    while "." in outer:
        outer = outer.rpartition(".")[0]
        yield outer
    if outer not in program.spec.blocks and outer not in program.spec.outputs:
        yield HEAD


def _matched(program: Program, names: dict[str, list[str]], field: str, pattern: str) -> list[str]:
    found = [name for name, known in names.items() if _is_any([pattern], known)]
    if not found:
        raise TrainError(
            f"optimizer.{field}: {pattern!r} matches nothing of {program.name}: {_nearest(names, pattern)}"
        )
    return found


def _is_any(patterns: Iterable[str], names: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _nearest(names: dict[str, list[str]], pattern: str) -> str:
    """The block, or else the weight, whose name is like that."""
    outermost = dict.fromkeys(known[-1] for known in names.values())
    plain = pattern.strip("*?.")
    inner = dict.fromkeys(each for known in names.values() for each in known)
    return close_to(plain, outermost) or close_to(plain, inner) or did_you_mean(plain, outermost)
