"""The parts of a network that was cut, as a table."""

from __future__ import annotations

from spinec.compiler.analysis.cuts import Split
from spinec.compiler.graph.program import Program
from spinec.spec.conventions import Convention
from spinec.visualize.table.costs import share_cell, title_of
from spinec.visualize.table.table import Cell, Column, Columns, Shown, Table


def part_table(program: Program, found: Split, balance: float, convention: Convention) -> Table:
    """What every part holds and does, and what it sends to the next."""
    whole = sum(part.macs for part in found.parts)
    rows: list[list[Cell]] = [
        [
            str(number),
            Shown(list(part.nodes), " ".join(part.nodes)),
            part.macs,
            share_cell(part.macs, whole),
            part.params,
            part.sent,
            Shown(list(part.crossing), " ".join(part.crossing)),
        ]
        for number, part in enumerate(found.parts, 1)
    ]
    columns: Columns = [
        "part",
        Column("nodes", rank=2),
        "multiply-adds",
        "share",
        Column("parameters", rank=3),
        "bytes sent",
        Column("values sent", rank=1),
    ]
    about = {
        "name": program.name,
        "input": list(program.input_shape),
        "convention": convention,
        "balance": balance,
        "is_best": found.is_best,
        "speedup": round(found.speedup, 3),
    }
    params = sum(part.params for part in found.parts)
    total: list[Cell] = ["total", None, whole, None, params, found.sent, None]
    return Table(f"{title_of(program)} in {len(found.parts)} parts", columns, rows, total, about, "parts")
