"""Analytic objectives, whose optimum is known: for demonstrations, and to compare strategies with."""

from __future__ import annotations

from functools import cache
from math import log2

from spinec.compiler.cost.report import cost
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.load import load
from spinec.spec.model import ModelSpec

WANTED = "eff-spinenet-d0"


def likeness(spec: ModelSpec) -> float:
    """How like the dims are to those of Eff-SpineNet-D0: 1 if they are the same, to be maximized.

    The mean over blocks of 1 / (1 + |log2(dim / dim of D0)|). Made from SP-EfficientNet-B0, three of the 5^18 vectors
    of betas reach 1 (arXiv 2010.11426, Section 3.3).

    >>> likeness(load("eff-spinenet-d0")), round(likeness(load("sp-efficientnet-b0")), 2)
    (1.0, 0.77)
    """
    return likeness_of({name: block.dim for name, block in spec.blocks.items()})


def likeness_and_params(spec: ModelSpec) -> tuple[float, float]:
    """The likeness, to be maximized, and the parameters in millions, to be minimized."""
    return likeness(spec), cost(lower(spec)).params / 1e6


def likeness_of(dims: dict[str, int]) -> float:
    """`likeness` of dims by block."""
    wanted = _wanted()
    return sum(1 / (1 + abs(log2(dims[name] / dim))) for name, dim in wanted.items()) / len(wanted)


@cache
def _wanted() -> dict[str, int]:
    return {name: block.dim for name, block in load(WANTED).blocks.items()}
