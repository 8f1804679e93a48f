"""What a notebook shows of specs, programs and reports."""

from __future__ import annotations

from html import escape

from spinec.compiler.cost import Parts, Report
from spinec.visualize.draw import Drawable, draw
from spinec.visualize.table import Table, show_cell
from spinec.visualize.tables import cost_table


def svg(value: Drawable) -> str:
    """The diagram of a spec or a program."""
    return draw(value)._repr_svg_()


def html(report: Report) -> str:
    """A report as a heat map over its table."""
    return f"<div>{draw(report, 'macs')._repr_svg_()}{table_html(cost_table(report, 'block', 'conv'))}</div>"


def parts(found: Parts) -> str:
    """What parts of a program cost, as a table."""
    return table_html(cost_table(found.report, found.key, "conv"))


def table_html(table: Table) -> str:
    """A table as HTML; text stays text.

    >>> table_html(Table("t", ["a"], [["<b>"]]))
    '<table><caption>t</caption><tr><th>a</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
    """
    rows = [table.titles, *([show_cell(cell) for cell in row] for row in (*table.rows, table.total) if row)]
    tags = ["th", *(["td"] * (len(rows) - 1))]
    lines = ["".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) for tag, row in zip(tags, rows, strict=True)]
    return f"<table><caption>{escape(table.title)}</caption>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
