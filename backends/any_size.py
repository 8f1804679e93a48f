"""A program that stands for all input sizes of a network, as far as its source is the same at all of them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile

from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.errors import BackendError


def of_any_size(program: Program, emit: Callable[[Program], str]) -> Program:
    """A program for images whose sides are any multiples of a number, the least that the network allows.

    That is a power of two, at most the stride of the coarsest level. Where maps of odd sizes meet others they are cut
    off or filled up, which the source says. If it says the same for an image whose maps are odd from some stride on as
    for one whose maps are all even, then it says so for every multiple of that stride.

    Raises:
        BackendError: when the source depends on the size in another way.
    """
    coarsest = 2 ** max(block.level for block in program.spec.blocks.values())

    def at(more: int) -> Program:
        return replace(lower(program.spec, (2 * coarsest + more, 4 * coarsest + more)), multiple=coarsest)

    even = at(0)
    code = _code(emit(even))
    strides = (coarsest >> halvings for halvings in range(coarsest.bit_length()))
    same = [*takewhile(lambda stride: _code(emit(at(stride))) == code, strides)]
    if not same:
        raise BackendError(
            f"{program.name} at another input size is another network{_first_difference(even, at(coarsest))}, so a "
            "file of it takes images of one size; leave out 'dynamic'"
        )
    return replace(even, multiple=same[-1])


def _code(source: str) -> str:
    """Source without its comments and docstrings, which mention sizes."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
    return ast.dump(tree)


def _first_difference(one: Program, other: Program) -> str:
    for first, second in zip(one.steps, other.steps, strict=False):
        if (first.op, first.weights) != (second.op, second.weights):
            return f", first in {first.path}"
    return ""
