"""Cutting a network into parts for devices of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from spinec.options import Count, Form, Name, Output, Size, app, print_table, read_program


@app.command()
def split(
    name: Name,
    parts: Annotated[int, typer.Option(help="Number of parts, one for each device.")] = 2,
    balance: Annotated[
        float, typer.Option(help="Most multiply-adds of a part, relative to an even share; 1.1 is 10 % more.")
    ] = 1.1,
    size: Size = None,
    convention: Count = "conv",
    form: Output = Form.table,
) -> None:
    """Find where to cut a network for pipeline parallelism.

    Of all cuts into parts of about equal work, finds the one that sends the fewest bytes between the parts.
    """
    from spinec.compiler.analysis.cuts import split as cut
    from spinec.compiler.analysis.graph import graph
    from spinec.visualize.table.parts import part_table

    program = read_program(name, size)
    found = cut(graph(program), parts, balance, convention)
    print_table(part_table(program, found, balance, convention), form)
    if form is Form.table:
        best = "no cut as even sends less" if found.is_best else "the search was ended: another cut may send less"
        typer.echo(f"  {found.speedup:.2f} times the throughput of one device, if sending costs nothing; {best}")
