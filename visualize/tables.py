"""What reports show, as tables: a function for every kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spinec.compiler.cost import By, Report
from spinec.compiler.program import Program
from spinec.spec.blocks import Input
from spinec.spec.conventions import Convention
from spinec.spec.fields import figure_value
from spinec.visualize.table import Cell, Table

if TYPE_CHECKING:
    from spinec.compiler.candidates import Candidates


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
            _share(work, whole),
            count.params,
            _share(count.params, report.params),
            count.activation_bytes,
        ]

    parts = report.by(by)
    rows = [row(program.name if by == "model" else name, count) for name, count in parts.items()]
    if by == "level":
        rows.sort(key=lambda cells: int(str(cells[0]).split()[-1]))
    height, width = program.size
    title = f"{program.name} at {height} x {width}, convention '{convention}'"
    columns = [by, word, "share", "parameters", "share of parameters", "activation bytes"]
    total = row("total", report) if by != "model" else ()
    about = {
        "name": program.name,
        "input": list(program.input_shape),
        "convention": convention,
        "by": by,
        "peak_bytes": report.peak_bytes,
    }
    return Table(title, columns, rows, total, about)


def block_table(program: Program, report: Report, convention: Convention) -> Table:
    """The blocks of a spec: what they are, what feeds them, their shape and their share of the cost."""
    spec, costs = program.spec, report.by("block")
    outputs = {block: name for name, block in spec.outputs.items()}
    rows: list[list[Cell]] = []
    for name, block in spec.blocks.items():
        height, width = report.receptive_fields[name]
        rows.append(
            [
                name + (f" ({outputs[name]})" if name in outputs else ""),
                block.kind,
                block.level,
                block.dim,
                ", ".join(input_words(given) for given in block.inputs),
                block.repeats,
                _shape(program.shape(name)),
                costs[name].macs(convention),
                _share(costs[name].flops(convention), report.flops(convention)),
                costs[name].params,
                f"{height} x {width}",
            ]
        )
    columns = [
        "block",
        "kind",
        "level",
        "dim",
        "inputs",
        "repeats",
        "shape",
        "multiply-adds",
        "share",
        "parameters",
        "sees",
    ]
    height, width = program.size
    return Table(f"{program.name} at {height} x {width}", columns, rows)


def output_table(program: Program) -> Table:
    """What a model gives out."""
    rows = [[name, _shape(shape)] for name, shape in program.outputs.items()]
    return Table("outputs", ["output", "shape"], rows)


def library_table(reports: Iterable[Report]) -> Table:
    """The library: what each spec is and costs, beside what was published."""
    rows: list[list[Cell]] = []
    for report in reports:
        spec = report.program.spec
        published = spec.published
        height, width = report.program.size
        score = f"{published.metric} {published.score}" if published and published.score is not None else ""
        head = spec.head.kind if spec.head else "pyramid"
        rows.append([spec.name, head, f"{height} x {width}", report.macs("conv"), report.params, score])
    return Table("library", ["name", "head", "input", "multiply-adds", "parameters", "published score"], rows)


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
        convention = spec.published.convention
        macs, params = report.macs(convention), report.params_by(spec.published.counted_params)
        rows.append(
            [
                spec.name,
                spec.published.table,
                convention,
                spec.published.macs,
                f"{macs / 1e9:.3f}B",
                _difference(macs, spec.published.macs),
                spec.published.params or "",
                f"{params / 1e6:.3f}M",
                _difference(params, spec.published.params) if spec.published.params else "",
            ]
        )
    columns = [
        "spec",
        "published in",
        "convention",
        "multiply-adds printed",
        "counted",
        "difference",
        "parameters printed",
    ]
    return Table("published figures", [*columns, "counted ", "difference "], rows)


def _difference(value: float, figure: str) -> str:
    return f"{value / figure_value(figure) - 1:+.1%}"


def input_words(given: Input) -> str:
    """An input as a table shows it: the block, and what it says of its resampling."""
    own = given.model_dump(exclude={"block"}, exclude_none=True)
    return given.block + (f" ({', '.join(map(str, own.values()))})" if own else "")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0.0%"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def result_table(program: Program, results: Mapping[str, Any], backend: str) -> Table:
    """What a run gave: shape and range of every output, and the best class of a classifier."""
    rows: list[list[Cell]] = []
    for name, value in results.items():
        spread = f"{value.mean():.4g} ± {value.std():.4g}"
        rows.append([name, _shape(value.shape), f"{value.min():.4g} to {value.max():.4g}", spread])
    height, width = program.size
    return Table(
        f"{program.name} at {height} x {width} in {backend}, fresh weights",
        ["output", "shape", "range", "mean ± deviation"],
        rows,
    )


def difference_table(program: Program, rows: Sequence[tuple[str, tuple[int, ...], float]], bar: float) -> Table:
    """How far two backends are apart at values of a program."""
    shown: list[list[Cell]] = [
        [name, _shape(shape), f"{error:.1e}", "" if error <= bar else "above the bar"] for name, shape, error in rows
    ]
    height, width = program.size
    title = f"{program.name} at {height} x {width}: PyTorch against TensorFlow, bar {bar:.0e}"
    return Table(title, ["value", "shape", "max|difference| / max|reference|", ""], shown)


def training_difference_table(program: Program, worst: Mapping[str, tuple[str, float, float]]) -> Table:
    """The worst difference of two backends in training by what was compared: where it is, how large, and its bar."""
    rows: list[list[Cell]] = [
        [what, name, f"{error:.1e}", f"{bar:.0e}", "" if error <= bar else "above the bar"]
        for what, (name, error, bar) in worst.items()
    ]
    height, width = program.size
    title = f"{program.name} at {height} x {width}: PyTorch against TensorFlow in training"
    return Table(title, ["what", "worst", "max|difference| / max|reference|", "bar", ""], rows)


def candidate_table(found: Candidates, rows: Sequence[int] | None = None) -> Table:
    """Candidates and their figures beside those of the spec that they were made from: all of them, or some rows."""
    space, (own_macs, own_params) = found.space, found.own
    several = [f"score {i}" for i in range(1, len(found.scores[0]) + 1)] if found.scores else []
    columns = [
        "candidate",
        "multiply-adds",
        "relative multiply-adds",
        "parameters",
        "relative parameters",
        *several,
        "betas",
    ]
    if len(several) == 1:
        columns[5] = "score"
    shown: list[list[Cell]] = []
    for row in range(len(found.betas)) if rows is None else rows:
        macs, params = found.macs[row].item(), found.params[row].item()
        scores = found.scores[row] if found.scores else ()
        betas = ",".join(f"{beta:g}" for beta in found.betas[row])
        number = found.numbers[row] if found.numbers else row
        shown.append([number, macs, f"{macs / own_macs:.1%}", params, f"{params / own_params:.1%}", *scores, betas])
    about = {
        "name": space.spec.name,
        "convention": found.convention,
        "multiply-adds": own_macs,
        "parameters": own_params,
        "candidates": len(found.betas),
        "within 10 % of the multiply-adds": found.near(0.1),
        "fewer parameters": found.fewer_params(),
    }
    return Table(f"candidates made from {space.spec.name}, convention '{found.convention}'", columns, shown, (), about)
