"""What a spec is and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from spinec.compiler.cost.optimizers import Optimizer
from spinec.options import (
    By,
    Count,
    Form,
    Name,
    Output,
    Size,
    app,
    parse_size,
    print_remark,
    print_table,
    read_program,
    read_spec,
    words,
)
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from spinec.compiler.graph.program import Program


@app.command()
def show(
    context: typer.Context,
    name: Name,
    size: Size = None,
    convention: Count = "conv",
    critical_path: Annotated[
        bool, typer.Option("--critical-path", help="Also show the path with the most multiply-adds.")
    ] = False,
    form: Output = Form.table,
) -> None:
    """Show the blocks of a spec.

    Shows levels, dims, inputs, shapes, shares of the cost, and how many pixels of the image each block sees.
    """
    from spinec.compiler.cost.report import cost as count
    from spinec.visualize.table.costs import block_table

    refuse_idle(context, Idle("critical_path", f"with --format {form.value}", form not in (Form.table, Form.json)))
    program = read_program(name, size)
    report = count(program)
    table = block_table(program, report, convention)
    if critical_path:
        from spinec.compiler.analysis.graph import graph, work
        from spinec.compiler.analysis.paths import critical_path as longest

        found = graph(report)
        path, costs = longest(found, convention), work(found, convention)
        macs = sum(costs[each] for each in path)
        table.about.update(critical_path=path, critical_macs=macs)
    print_table(table, form)
    if form is Form.table and (anchors := table.about.get("anchors")):
        shown = ", ".join(f"{name} {number:,}" for name, number in anchors.items())
        print_remark(f"boxes that the head starts from: {shown}; {sum(anchors.values()):,} in all")
    if critical_path and form is Form.table:
        share = 100 * macs / max(1, report.macs(convention))
        typer.echo(f"  critical path, {macs:,} multiply-adds, {share:.1f} % of all: {' -> '.join(path)}")


@app.command()
def cost(
    context: typer.Context,
    name: Name,
    by: Annotated[By, typer.Option(help="What each row of the table stands for.")] = By.block,
    convention: Count = "conv",
    size: Annotated[
        str, typer.Option(metavar="N|HxW,...", help="Input sizes, one column for each. Default: the size in the spec.")
    ] = "",
    flops: Annotated[bool, typer.Option("--flops", help="Count FLOPs: two for each multiply-add.")] = False,
    compare_conventions: Annotated[
        bool, typer.Option("--compare-conventions", help="Compare the conventions, and show what each counts.")
    ] = False,
    training: Annotated[
        bool, typer.Option("--training", help="Count a training step: both passes, and memory.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Number of images in a training step.")] = 1,
    optimizer: Annotated[
        Optimizer, typer.Option(help="Optimizer for training. momentum and adam keep state.")
    ] = "momentum",
    answers: Annotated[
        bool, typer.Option("--answers", help="Count what comes after the network: boxes, scores, overlaps.")
    ] = False,
    form: Output = Form.table,
) -> None:
    """Count multiply-adds, parameters and memory.

    Counts are exact and need no framework: nothing is built or traced.
    """
    from spinec.compiler.cost.report import cost as count
    from spinec.visualize.table.costs import cost_table
    from spinec.visualize.table.side_by_side import conventions_table, sizes_table, training_table

    refuse_idle(
        context,
        Idle("by convention compare_conventions", "with --training, which is counted as a whole, in 'conv'", training),
        Idle("by convention", "with --compare-conventions", compare_conventions),
        Idle("batch optimizer", "without --training", not training),
        Idle(
            "by convention flops training compare_conventions", "with --answers, which have no multiply-adds", answers
        ),
    )
    if answers:
        _count_answers(name, size, form)
        return
    reports = [count(program) for program in _programs(name, size)]
    if compare_conventions:
        table = conventions_table(reports, flops)
    elif training:
        table = training_table([report.program for report in reports], batch, optimizer, flops)
    elif len(reports) > 1:
        table = sizes_table(reports, by.value, convention, flops)
    else:
        table = cost_table(reports[0], by.value, convention, flops)
    print_table(table, form)
    if form is Form.table and not compare_conventions and not training:
        peaks = ", ".join(f"{report.peak_bytes / 2**20:.1f} MiB" for report in reports)
        typer.echo(f"  peak activation memory at inference: {peaks} (float32, batch 1)")


def _count_answers(name: str, sizes: str, form: Form) -> None:
    """The steps from a network's maps to answers."""
    from spinec.compiler.tasks.effort import effort_of
    from spinec.visualize.table.costs import effort_table

    program, *others = _programs(name, sizes)
    if others:
        raise typer.BadParameter("expected one size with --answers", param_hint="--size")
    print_table(effort_table(program, effort_of(program)), form)


def _programs(name: str, sizes: str) -> list[Program]:
    """The program of a spec at every size, in the order given."""
    from spinec.compiler.lowering.pipeline import lower

    spec = read_spec(name)
    pixels = [parse_size(size) for size in words(sizes)]
    return [lower(spec, each) for each in dict.fromkeys(pixels)] or [lower(spec)]
