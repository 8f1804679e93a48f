"""Tables that set counts side by side: conventions, input sizes, and what a step of training costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spinec.compiler.cost.optimizers import Optimizer
from spinec.compiler.cost.report import By, Report, counted_parts
from spinec.compiler.cost.training import training_cost
from spinec.compiler.graph.program import Program
from spinec.spec.conventions import CONVENTIONS, Convention
from spinec.visualize.table.table import Cell, Column, Columns, Shown, Table


def conventions_table(reports: Sequence[Report], flops: bool = False) -> Table:
    """One program in every convention and of what each count is made up; of several sizes the counts alone."""
    if len(reports) > 1:
        rows: list[list[Cell]] = [
            [name, *(_amount(each.flops(name), flops) for each in reports)] for name in CONVENTIONS
        ]
        return Table(
            _title(reports, flops),
            ["convention", *_sizes(reports, flops)],
            rows,
            (),
            _counted(reports, flops),
            "conventions_by_size",
        )
    (report,) = reports
    parts = {name: counted_parts(report, name) for name in CONVENTIONS}
    columns = [part for part in parts["conv"] if any(made[part] for made in parts.values())]
    rows = []
    for name, made in parts.items():
        against = report.flops(name) / report.flops() - 1 if report.flops() else None
        amounts = [_amount(made[part], flops) if made[part] else None for part in columns]
        shown = None if against is None else Shown(round(against, 6), f"{against:+.2%}")
        rows.append([name, _amount(report.flops(name), flops), shown, *amounts])
    parts_of = [Column(part, rank=2) for part in columns]
    head: Columns = ["convention", "FLOPs" if flops else "multiply-adds", Column("against conv", rank=1), *parts_of]
    return Table(_title(reports, flops), head, rows, (), _counted(reports, flops), "conventions")


def sizes_table(reports: Sequence[Report], by: By, convention: Convention, flops: bool = False) -> Table:
    """The multiply-adds (or FLOPs) of every part, a column for every input size."""
    made = [report.by(by) for report in reports]
    names = dict.fromkeys(name for parts in made for name in parts)  # padding and crops come and go with the size
    rows: list[list[Cell]] = []
    for name in names:
        amounts = [_amount(parts[name].flops(convention), flops) if name in parts else None for parts in made]
        rows.append([reports[0].program.name if by == "model" else name, *amounts])
    if by == "level":
        rows.sort(key=lambda row: int(str(row[0]).split()[-1]))
    total = ["total", *(_amount(report.flops(convention), flops) for report in reports)] if by != "model" else []
    about = {**_about(reports), "convention": convention, "by": by, "params": reports[0].params}
    title = f"{_title(reports, flops)}, convention '{convention}'"
    return Table(title, [Column(by, "name"), *_sizes(reports, flops)], rows, total, about, "cost_by_size")


def training_table(programs: Sequence[Program], batch: int, optimizer: Optimizer, flops: bool = False) -> Table:
    """A step of training, a column for every input size."""
    steps = [training_cost(program, batch, optimizer) for program in programs]
    word, unit, times = ("FLOPs", "flops", 2) if flops else ("multiply-adds", "macs", 1)
    measures = [
        (f"{word}, forward", f"forward_{unit}", "forward", times),
        (f"{word}, gradients of weights", f"weight_gradient_{unit}", "weights", times),
        (f"{word}, gradients of inputs", f"input_gradient_{unit}", "inputs", times),
        (f"{word}, in all", unit, "macs", times),
        ("parameters", "params", "params", 1),
        ("bytes of the weights, and of their gradients", "weight_bytes", "weight_bytes", 1),
        ("bytes of the optimizer's state", "optimizer_bytes", "optimizer_bytes", 1),
        ("bytes kept for the backward pass", "kept_bytes", "kept_bytes", 1),
        ("peak bytes of activations and gradients", "peak_activation_bytes", "peak_activation_bytes", 1),
        ("peak bytes, in all", "peak_bytes", "peak_bytes", 1),
    ]
    rows = [[what, *(times * getattr(step, name) for step in steps)] for what, _, name, times in measures]
    told = [
        [Shown(list(program.size), _size(program)), *(times * getattr(step, name) for _, _, name, times in measures)]
        for program, step in zip(programs, steps, strict=True)
    ]
    images = f"{batch} image{'s' if batch > 1 else ''}"
    title = f"a training step of {programs[0].name}: {images}, {optimizer}, float32"
    columns = ["training step", *map(_size, programs)]
    about = {"name": programs[0].name, "batch": batch, "optimizer": optimizer}
    data = Table("", ["size", *(key for _, key, _, _ in measures)], told)
    return Table(title, columns, rows, (), about, "training", data=data)


def _amount(halves: int, flops: bool) -> int | float:
    return halves if flops else halves // 2 if halves % 2 == 0 else halves / 2


def _title(reports: Sequence[Report], flops: bool) -> str:
    sizes = f" at {_size(reports[0].program)}" if len(reports) == 1 else ""
    return f"{'FLOPs' if flops else 'multiply-adds'} of {reports[0].program.name}{sizes}"


def _about(reports: Sequence[Report]) -> dict[str, Any]:
    return {"name": reports[0].program.name, "inputs": [list(report.program.input_shape) for report in reports]}


def _counted(reports: Sequence[Report], flops: bool) -> dict[str, Any]:
    return {**_about(reports), "unit": "flops" if flops else "macs"}


def _sizes(reports: Sequence[Report], flops: bool) -> list[Column]:
    """A column for every size: a program knows it by what is counted and at which."""
    unit, programs = "flops" if flops else "macs", [report.program for report in reports]
    return [Column(_size(program), f"{unit}_{_size(program).replace(' ', '')}") for program in programs]


def _size(program: Program) -> str:
    height, width = program.size
    return f"{height} x {width}"
