"""What a spec is and costs."""

from __future__ import annotations

from typing import Annotated

import typer

from spinec.options import By, Count, Form, Name, Output, Size, app, print_table, read_program


@app.command()
def show(name: Name, size: Size = None, convention: Count = "conv", form: Output = Form.table) -> None:
    """Show the blocks of a spec.

    Levels, dims, inputs, shapes, share of the cost, and how many pixels of the image each block sees.
    """
    from spinec.compiler.cost import cost as count
    from spinec.visualize.tables import block_table

    program = read_program(name, size)
    print_table(block_table(program, count(program), convention), form)


@app.command()
def cost(
    name: Name,
    by: Annotated[By, typer.Option(help="What the rows are.")] = By.block,
    convention: Count = "conv",
    size: Size = None,
    flops: Annotated[bool, typer.Option("--flops", help="Floating point operations: twice the multiply-adds.")] = False,
    form: Output = Form.table,
) -> None:
    """Count multiply-adds, parameters and memory.

    Exact, and without a framework: nothing is built or traced.
    """
    from spinec.compiler.cost import cost as count
    from spinec.visualize.tables import cost_table

    report = count(read_program(name, size))
    print_table(cost_table(report, by.value, convention, flops), form)
    if form is Form.table:
        typer.echo(f"  peak activation memory at inference: {report.peak_bytes / 2**20:.1f} MiB (float32, batch 1)")
