"""What a notebook shows of specs, programs and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinec.compiler.answers.results import Answer
from spinec.compiler.cost.report import Parts, Report
from spinec.visualize.answers import draw_answer
from spinec.visualize.draw import Drawable, draw
from spinec.visualize.table.costs import cost_table

if TYPE_CHECKING:
    from PIL.Image import Image


def svg(value: Drawable) -> str:
    """The diagram of a spec or a program."""
    return draw(value)._repr_svg_()


def html(report: Report) -> str:
    """A report as a heat map over its table."""
    return f"<div>{draw(report, 'macs')._repr_svg_()}{cost_table(report, 'block', 'conv').to_html()}</div>"


def parts(found: Parts) -> str:
    """What parts of a program cost, as a table."""
    return cost_table(found.report, found.key, "conv").to_html()


def answer(found: Answer) -> Image:
    """The picture that an answer is about, with the answer on it."""
    return draw_answer(found)
