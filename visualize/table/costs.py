"""What reports show, as tables: a function for every kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from spinec.compiler.cost.report import By, Report
from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.effort import Step, anchors_of
from spinec.spec.blocks import Input
from spinec.spec.conventions import Convention
from spinec.spec.fields import figure_value
from spinec.visualize.table.table import Cell, Column, Columns, Shown, Table

if TYPE_CHECKING:
    from spinec.compiler.resources.candidates import Candidates


def cost_table(report: Report, by: By, convention: Convention, flops: bool = False) -> Table:
    """Multiply-adds (or FLOPs), parameters and activations of every part."""
    program = report.program
    word = "FLOPs" if flops else "multiply-adds"
    whole = report.flops(convention)

    def row(name: str, count: Any) -> list[Cell]:
        work = count.flops(convention)
        amount = work if flops else count.macs(convention)
        return [
            name,
            amount,
            share_cell(work, whole),
            count.params,
            share_cell(count.params, report.params),
            count.activation_bytes,
        ]

    parts = report.by(by)
    rows = [row(program.name if by == "model" else name, count) for name, count in parts.items()]
    if by == "level":
        rows.sort(key=lambda cells: int(str(cells[0]).split()[-1]))
    title = f"{title_of(program)}, convention '{convention}'"
    columns: Columns = [
        Column(by, "name"),
        word,
        Column("share", rank=2),
        "parameters",
        Column("share of parameters", rank=3),
        Column("activation bytes", rank=1),
    ]
    total = row("total", report) if by != "model" else ()
    about = {
        "name": program.name,
        "input": list(program.input_shape),
        "convention": convention,
        "by": by,
        "peak_bytes": report.peak_bytes,
    }
    return Table(title, columns, rows, total, about, "cost")


def block_table(program: Program, report: Report, convention: Convention) -> Table:
    """The blocks of a spec: what they are, what feeds them, their shape and their share of the cost."""
    spec, costs = program.spec, report.by("block")
    outputs = {block: name for name, block in spec.outputs.items()}
    rows: list[list[Cell]] = [
        [
            block.kind,
            block.level,
            block.dim,
            _inputs(block.inputs),
            block.repeats,
            shape_cell(program.shape(name)),
            costs[name].macs(convention),
            share_cell(costs[name].flops(convention), report.flops(convention)),
            costs[name].params,
            shape_cell(report.receptive_fields[name]),
        ]
        for name, block in spec.blocks.items()
    ]
    columns: Columns = [
        Column("kind", rank=4),
        Column("level", rank=1),
        "dim",
        Column("inputs", "sources", rank=3),
        Column("repeats", rank=5),
        Column("shape", rank=6),
        "multiply-adds",
        Column("share", rank=2),
        "parameters",
        Column("sees", rank=7),
    ]
    marks = {block: f"{block} ({name})" for block, name in outputs.items()}
    shown: list[list[Cell]] = [[marks.get(name, name), *row] for name, row in zip(spec.blocks, rows, strict=True)]
    data: list[list[Cell]] = [[name, outputs.get(name), *row] for name, row in zip(spec.blocks, rows, strict=True)]
    about: dict[str, Any] = {"name": program.name, "input": list(program.input_shape), "convention": convention}
    if anchors := anchors_of(program):
        about["anchors"] = dict(anchors)
    told = Table("", ["block", "output", *columns], data)
    return Table(title_of(program), ["block", *columns], shown, (), about, "blocks", data=told)


def effort_table(program: Program, steps: Sequence[Step]) -> Table:
    """What answering costs beside a network, for one image."""
    rows: list[list[Cell]] = [[*step] for step in steps]
    about = {"name": program.name, "input": list(program.input_shape)}
    return Table(f"{title_of(program)}, after the network", ["step", "number", "what"], rows, (), about, "answers")


def output_table(program: Program) -> Table:
    """What a model gives out."""
    rows: list[list[Cell]] = [[name, shape_cell(shape)] for name, shape in program.outputs.items()]
    return Table("outputs", ["output", "shape"], rows)


def title_of(program: Program) -> str:
    """A program by its name and input size."""
    height, width = program.size
    return f"{program.name} at {height} x {width}"


def library_table(reports: Iterable[Report]) -> Table:
    """The library: what each spec is and costs, beside what was published."""
    rows: list[list[Cell]] = []
    told: list[list[Cell]] = []
    for report in reports:
        spec = report.program.spec
        published = spec.published
        scored = published if published and published.score is not None else None
        head = spec.head.kind if spec.head else "pyramid"
        row: list[Cell] = [spec.name, head, shape_cell(report.program.size), report.macs("conv"), report.params]
        rows.append([*row, f"{scored.metric} {scored.score}" if scored else None])
        told.append([*row, *((scored.metric, scored.score) if scored else (None, None))])
    columns: Columns = [
        "name",
        Column("head", rank=2),
        Column("input", "size", rank=3),
        "multiply-adds",
        "parameters",
    ]
    data = Table("", [*columns, "metric", "score"], told)
    return Table("library", [*columns, Column("published score", rank=1)], rows, kind="library", data=data)


def catalogue_table(reports: Iterable[Report]) -> Table:
    """The library with sources: what each spec costs by the common conventions, and what was published by which."""
    rows: list[list[Cell]] = []
    for report in reports:
        spec, published = report.program.spec, report.program.spec.published
        printed: list[Cell] = ["", "", "", ""]
        if published:
            counted = report.macs(published.convention)
            how = "" if published.counted_params == "trained" else f", {published.counted_params} parameters"
            printed = [
                published.macs,
                _difference(counted, published.macs),
                published.params or "",
                f"{published.convention}{how}",
            ]
        height, width = report.program.size
        costs: list[Cell] = [report.macs("conv"), report.macs("profiler"), report.params]
        rows.append([spec.name, f"{height} x {width}", *costs, *printed, spec.source])
    counts = ["spec", "input", "conv", "profiler", "parameters"]
    return Table(
        "catalogue", [*counts, "published", "difference", "published parameters", "counted by", "source"], rows
    )


def published_table(reports: Iterable[Report]) -> Table:
    """Every published figure beside what is counted, each in the convention of the publication."""
    rows: list[list[Cell]] = []
    for report in reports:
        spec = report.program.spec
        if not spec.published:
            continue
        given, convention = spec.published, spec.published.convention
        macs, params = report.macs(convention), report.params_by(given.counted_params)
        rows.append(
            [
                spec.name,
                given.table,
                convention,
                _figure(given.macs),
                Shown(macs, f"{macs / 1e9:.3f}B"),
                _difference(macs, given.macs),
                _figure(given.params) if given.params else None,
                Shown(params, f"{params / 1e6:.3f}M"),
                _difference(params, given.params) if given.params else None,
            ]
        )
    columns: Columns = [
        "spec",
        Column("published in", rank=2),
        Column("convention", rank=1),
        Column("multiply-adds printed", "published_macs"),
        Column("counted", "macs"),
        Column("difference", "macs_difference"),
        Column("parameters printed", "published_params"),
        Column("counted", "params"),
        Column("difference", "params_difference"),
    ]
    return Table("published figures", columns, rows, kind="published")


def _figure(printed: str) -> Shown:
    return Shown(figure_value(printed), printed)


def _difference(value: float, figure: str) -> Shown:
    difference = value / figure_value(figure) - 1
    return Shown(round(difference, 6), f"{difference:+.1%}")


def input_words(given: Input) -> str:
    """An input as a table shows it: the block, and what it says of its resampling."""
    own = given.model_dump(exclude={"block"}, exclude_none=True)
    return given.block + (f" ({', '.join(map(str, own.values()))})" if own else "")


def _inputs(inputs: Sequence[Input]) -> Shown:
    return Shown(
        [given.model_dump(exclude_none=True) for given in inputs], ", ".join(input_words(given) for given in inputs)
    )


def share_cell(part: float, whole: float) -> Shown:
    """A share of a whole."""
    share = part / whole if whole else 0.0
    return Shown(round(share, 6), f"{share:.1%}")


def shape_cell(shape: Sequence[int]) -> Shown:
    """Lengths, such as a shape's or a picture's."""
    return Shown(list(shape), " x ".join(map(str, shape)))


def betas_cell(betas: Sequence[int | float | Fraction]) -> Shown:
    """The betas of a candidate, as '--betas' takes them."""
    return Shown(
        [beta if isinstance(beta, int) else float(beta) for beta in betas], ",".join(f"{beta:g}" for beta in betas)
    )


def result_table(program: Program, results: Mapping[str, Any], backend: str) -> Table:
    """What a run gave: shape, range, mean and deviation of every output."""
    rows: list[list[Cell]] = []
    told: list[list[Cell]] = []
    for name, value in results.items():
        shape = shape_cell(value.shape)
        figures = [float(each) for each in (value.min(), value.max(), value.mean(), value.std())]
        low, high, mean, deviation = (f"{each:.4g}" for each in figures)
        rows.append([name, shape, f"{low} to {high}", f"{mean} ± {deviation}"])
        told.append([name, shape, *figures])
    return Table(
        f"{title_of(program)} in {backend}, fresh weights",
        ["output", "shape", "range", "mean ± deviation"],
        rows,
        (),
        {"name": program.name, "input": list(program.input_shape)},
        "run",
        data=Table("", ["output", "shape", "min", "max", "mean", "deviation"], told),
    )


def difference_table(
    program: Program, rows: Sequence[tuple[str, tuple[int, ...], float]], bar: float, about: Mapping[str, Any]
) -> Table:
    """How far two backends are apart at values of a program; `about` is how they were compared."""
    shown: list[list[Cell]] = [
        [name, shape_cell(shape), _error(error), _within(error, bar)] for name, shape, error in rows
    ]
    title = f"{title_of(program)}: PyTorch against TensorFlow, bar {bar:.0e}"
    columns: Columns = ["value", "shape", Column(_ERROR, "error"), Column("", "passed")]
    return Table(title, columns, shown, (), {**_compared(program, about), "bar": bar}, "equality", _all_pass(shown))


def training_difference_table(
    program: Program, worst: Mapping[str, tuple[str, float, float]], about: Mapping[str, Any]
) -> Table:
    """The worst difference of two backends in training by what was compared: where it is, how large, and its bar."""
    rows: list[list[Cell]] = [
        [what, name, _error(error), Shown(bar, f"{bar:.0e}"), _within(error, bar)]
        for what, (name, error, bar) in worst.items()
    ]
    title = f"{title_of(program)}: PyTorch against TensorFlow in training"
    columns: Columns = ["what", "worst", Column(_ERROR, "error"), "bar", Column("", "passed")]
    return Table(title, columns, rows, (), _compared(program, about), "training_equality", _all_pass(rows))


_ERROR = "max|difference| / max|reference|"


def _compared(program: Program, about: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": program.name, "input": list(program.input_shape), **about}


def _error(error: float) -> Shown:
    return Shown(float(error), f"{error:.1e}")


def _within(error: float, bar: float) -> Shown:
    within = bool(error <= bar)  # NaN is not
    return Shown(within, "" if within else "above the bar")


def _all_pass(rows: Sequence[Sequence[Cell]]) -> bool:
    return all(isinstance(row[-1], Shown) and row[-1].value for row in rows)


LONGEST = 60  # characters of what was chosen


def candidate_table(found: Candidates, rows: Sequence[int] | None = None) -> Table:
    """Candidates and their figures beside those of the spec that they were made from: all of them, or some rows."""
    own = found.own
    several = [f"score {i}" for i in range(1, len(found.scores[0]) + 1)] if found.scores else []
    columns: Columns = [
        "candidate",
        "multiply-adds",
        *([Column("relative multiply-adds", rank=1)] if own else []),
        "parameters",
        *([Column("relative parameters", rank=2)] if own else []),
        *(["score"] if len(several) == 1 else several),
        "betas" if own else "choices",
    ]
    shown: list[list[Cell]] = []
    for row in range(len(found.macs)) if rows is None else rows:
        macs, params = found.macs[row].item(), found.params[row].item()
        scores = found.scores[row] if found.scores else ()
        number = found.numbers[row] if found.numbers else row
        if own:
            of_own = share_cell(macs, own[0]), share_cell(params, own[1])
            shown.append([number, macs, of_own[0], params, of_own[1], *scores, betas_cell(found.betas[row])])
        else:
            told = found.space.told(found.choices[row])
            chosen = Shown(dict(found.choices[row]), told if len(told) <= LONGEST else f"{told[:LONGEST]}...")
            shown.append([number, macs, params, *scores, chosen])
    about: dict[str, Any] = {"name": found.space.name, "convention": found.convention}
    if own:
        about |= {"macs": own[0], "params": own[1]}
    about["candidates"] = len(found.macs)
    if own:
        about |= {"near_budget": found.near(0.1), "fewer_params": found.fewer_params()}
    title = f"candidates made from {found.space.name}, convention '{found.convention}'"
    return Table(title, columns, shown, (), about, "candidates")
