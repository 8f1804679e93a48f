"""Tables that set counts side by side: conventions, input sizes, and what a step of training costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spinec.compiler.conventions import CONVENTIONS
from spinec.compiler.cost import By, Report, counted_parts
from spinec.compiler.optimizers import Optimizer
from spinec.compiler.program import Program
from spinec.compiler.training import training_cost
from spinec.spec.conventions import Convention
from spinec.visualize.table import Cell, Table


def conventions_table(reports: Sequence[Report], flops: bool = False) -> Table:
    """One program in every convention and of what each count is made up; of several sizes the counts alone."""
    if len(reports) > 1:
        rows: list[list[Cell]] = [
            [name, *(_amount(each.halves[name], flops) for each in reports)] for name in CONVENTIONS
        ]
        return Table(_title(reports, flops), ["convention", *_sizes(reports)], rows, (), _about(reports))
    (report,) = reports
    parts = {name: counted_parts(report, name) for name in CONVENTIONS}
    columns = [part for part in parts["conv"] if any(made[part] for made in parts.values())]
    rows = []
    for name, made in parts.items():
        against = f"{report.halves[name] / report.halves['conv'] - 1:+.2%}" if report.halves["conv"] else ""
        amounts = [_amount(made[part], flops) if made[part] else None for part in columns]
        rows.append([name, _amount(report.halves[name], flops), against, *amounts])
    head = ["convention", "FLOPs" if flops else "multiply-adds", "against conv", *columns]
    return Table(_title(reports, flops), head, rows, (), _about(reports))


def sizes_table(reports: Sequence[Report], by: By, convention: Convention, flops: bool = False) -> Table:
    """The multiply-adds (or FLOPs) of every part, a column for every input size."""
    made = [report.by(by) for report in reports]
    names = dict.fromkeys(name for parts in made for name in parts)  # padding and crops come and go with the size
    rows: list[list[Cell]] = []
    for name in names:
        amounts = [_amount(parts[name].halves[convention], flops) if name in parts else None for parts in made]
        rows.append([reports[0].program.name if by == "model" else name, *amounts])
    if by == "level":
        rows.sort(key=lambda row: int(str(row[0]).split()[-1]))
    total = ["total", *(_amount(report.halves[convention], flops) for report in reports)] if by != "model" else []
    about = {**_about(reports), "convention": convention, "by": by, "params": reports[0].params}
    title = f"{_title(reports, flops)}, convention '{convention}'"
    return Table(title, [by, *_sizes(reports)], rows, total, about)


def training_table(programs: Sequence[Program], batch: int, optimizer: Optimizer, flops: bool = False) -> Table:
    """A step of training, a column for every input size."""
    steps = [training_cost(program, batch, optimizer) for program in programs]
    word = "FLOPs" if flops else "multiply-adds"

    def row(what: str, value: str, times: int = 1) -> list[Cell]:
        return [what, *(times * getattr(step, value) for step in steps)]

    times = 2 if flops else 1
    rows = [
        row(f"{word}, forward", "forward", times),
        row(f"{word}, gradients of weights", "weights", times),
        row(f"{word}, gradients of inputs", "inputs", times),
        row(f"{word}, in all", "macs", times),
        row("parameters", "params"),
        row("bytes of the weights, and of their gradients", "weight_bytes"),
        row("bytes of the optimizer's state", "optimizer_bytes"),
        row("bytes kept for the backward pass", "kept_bytes"),
        row("peak bytes of activations and gradients", "peak_activation_bytes"),
        row("peak bytes, in all", "peak_bytes"),
    ]
    images = f"{batch} image{'s' if batch > 1 else ''}"
    title = f"a training step of {programs[0].name}: {images}, {optimizer}, float32"
    columns = ["training step", *map(_size, programs)]
    about = {"name": programs[0].name, "batch": batch, "optimizer": optimizer}
    return Table(title, columns, rows, (), about)


def _amount(halves: int, flops: bool) -> int | float:
    return halves if flops else halves // 2 if halves % 2 == 0 else halves / 2


def _title(reports: Sequence[Report], flops: bool) -> str:
    sizes = f" at {_sizes(reports)[0]}" if len(reports) == 1 else ""
    return f"{'FLOPs' if flops else 'multiply-adds'} of {reports[0].program.name}{sizes}"


def _about(reports: Sequence[Report]) -> dict[str, Any]:
    return {"name": reports[0].program.name, "inputs": [list(report.program.input_shape) for report in reports]}


def _sizes(reports: Sequence[Report]) -> list[str]:
    return [_size(report.program) for report in reports]


def _size(program: Program) -> str:
    height, width = program.size
    return f"{height} x {width}"
