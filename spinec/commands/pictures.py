"""Pictures of specs: diagrams, charts, differences, reports."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinec.commands.candidates import StudyName, is_study, study_rows
from spinec.commands.studies import study_chart, study_page
from spinec.completion import backend_names, spec_names
from spinec.options import (
    Count,
    Form,
    Name,
    Output,
    Pixels,
    Size,
    app,
    fail,
    figure,
    print_table,
    read_program,
    shown,
    working,
    write_output,
)
from spinec.suffixes import PAGE, written
from spinec.usage import Idle, is_given, refuse_idle

if TYPE_CHECKING:
    from spinec.spec.conventions import Convention
    from spinec.visualize.chart import Chart
    from spinec.visualize.difference import Diff
    from spinec.visualize.table.rows import Rows


class Color(StrEnum):
    """What the colours of a diagram mean."""

    kind = "kind"
    macs = "macs"
    params = "params"
    activations = "activations"
    intensity = "intensity"


class Theme(StrEnum):
    """Light, dark, or as the reader prefers."""

    auto = "auto"
    light = "light"
    dark = "dark"


class View(StrEnum):
    """What the boxes of a diagram are."""

    blocks = "blocks"
    ops = "ops"


Picture = Annotated[
    Path,
    typer.Option(
        "-o", "--output", help="File to write: .svg, .png, .pdf, .tex, .mmd or .html for blocks, .dot for ops."
    ),
]


@app.command()
def draw(
    context: typer.Context,
    name: Name,
    output: Picture,
    color: Annotated[Color, typer.Option(help="What colours show: kinds, or a heat map of cost.")] = Color.kind,
    theme: Annotated[Theme, typer.Option(help="Colour theme. auto follows the reader if the format can.")] = Theme.auto,
    labels: Annotated[bool, typer.Option(help="Label arrows with the way features are resampled.")] = True,
    fold: Annotated[bool, typer.Option("--fold", help="Draw a chain of equal blocks as one box.")] = False,
    unfold: Annotated[bool, typer.Option("--unfold", help="Draw every repeat of a block as a box of its own.")] = False,
    wrap: Annotated[
        bool | None, typer.Option("--wrap/--no-wrap", help="Draw several strips, or one. Default: strips if very wide.")
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A table with columns block and value, to draw as a heat map."),
    ] = None,
    view: Annotated[View | None, typer.Option(help="Blocks by level, or the graph of ops by Graphviz.")] = None,
    depth: Annotated[int, typer.Option(min=1, help="Depth of the graph of ops: 1 for blocks, 2 for their parts.")] = 99,
    convention: Count = "conv",
    size: Size = None,
) -> None:
    """Draw a diagram of a spec.

    Blocks run from left to right, each at its level. This needs no program other than Python. The graph of ops is DOT
    source, which Graphviz draws if it is installed.
    """
    from spinec.visualize.draw import draw as draw_program
    from spinec.visualize.draw import writer_of

    ops = view is View.ops or (view is None and output.suffix == ".dot")
    refuse_idle(
        context,
        Idle("color theme labels fold unfold wrap values convention", "on the graph of ops", ops),
        Idle("depth", "on a picture of blocks: --view ops draws the graph of ops", not ops),
        Idle("fold", "with --unfold", unfold),
        Idle("color", "with --values, which are painted instead", values),
        Idle("color theme labels wrap values convention size", "in a chart for Mermaid", output.suffix == ".mmd"),
    )
    if ops:
        _draw_ops(name, output, depth, size)
        return
    write = writer_of(output)
    program = read_program(name, size)
    try:
        drawing = draw_program(
            program,
            color.value,
            convention=convention,
            theme=theme.value,
            labels=labels,
            fold=fold,
            unfold=unfold,
            values=_values(values) if values else None,
            wrap=wrap,
        )
    except ValueError as error:
        fail(f"{values}: {error}")
    write_output(output, write(drawing))
    typer.echo(f"{output}: {len(drawing.network.blocks)} blocks, {len(drawing.network.edges)} arrows")


def _values(file: Path) -> dict[str, float]:
    return {str(row.cell("block")): row.number("value") for row in _rows(str(file)).rows}


def _rows(file: str) -> Rows:
    """The rows of a table in a file, or of standard input."""
    import sys

    from spinec.visualize.table.rows import read_rows

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        found = read_rows(data.decode("utf-8-sig"), file)
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{file}: not a text: expected a table as CSV, JSON or Markdown")
    return found if found.rows else fail(f"{file}: no rows; expected the names of columns, and rows below them")


def _draw_ops(name: str, output: Path, depth: int, size: Pixels | None) -> None:
    from spinec.visualize.formats.dot import RENDERED, render_dot, write_dot
    from spinec.visualize.formats.unknown import unknown_form

    form = output.suffix.removeprefix(".")
    if form not in ("dot", *RENDERED):
        raise unknown_form(output, "graph of ops", (".dot", *(f".{each}" for each in RENDERED)))
    source = write_dot(read_program(name, size), depth)
    write_output(output, source if form == "dot" else render_dot(source, form))
    typer.echo(f"{output}: the graph of ops" + (f" to depth {depth}" if depth < 99 else ""))


class Match(StrEnum):
    """How blocks of two specs are paired."""

    name = "name"
    topology = "topology"


@app.command()
def diff(
    context: typer.Context,
    before: Name,
    after: Name,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Picture of the difference, in a format of 'draw'.")
    ] = None,
    match: Annotated[Match, typer.Option(help="How to pair blocks. Use topology if names have changed.")] = Match.name,
    theme: Annotated[Theme, typer.Option(help="Colour theme of the picture.")] = Theme.auto,
    labels: Annotated[bool, typer.Option(help="Label arrows with the way features are resampled.")] = True,
    convention: Count = "conv",
    size: Size = None,
    form: Output = Form.table,
) -> None:
    """Compare two specs: which blocks changed, and how the cost changed.

    Compares meaning, not lines of text. Blocks whose name is missing in the other spec are found by their place in the
    network.
    """
    from spinec.visualize.difference import diff as compare
    from spinec.visualize.draw import writer_of

    refuse_idle(
        context,
        Idle("theme labels", "without a picture: -o names its file", output is None),
        Idle("theme labels", "in a chart for Mermaid", output and output.suffix == ".mmd"),
    )
    write = writer_of(output) if output else None
    programs = read_program(before, size), read_program(after, size)
    difference = compare(*programs, by=match.value, convention=convention)
    if difference.is_empty and form is Form.table:
        typer.echo(f"{shown(before)} and {shown(after)}: no difference")
    else:
        print_table(difference.table, form)
    if not difference.is_empty and form is not Form.json:
        _suggest_topology(difference, compare(*programs, by="topology", convention=convention))
    if output and write:
        write_output(output, write(difference.draw(theme.value, labels=labels)))
        typer.echo(f"{output}: {difference.summary}", err=form is not Form.table)


def _suggest_topology(shown: Diff, other: Diff) -> None:
    """Where names say more changed than there is, as after renumbering, say so."""
    fewer, number = other.count_beyond_names, shown.count_beyond_names
    if fewer < number:
        typer.echo(f"  by topology, names aside, {fewer} blocks differ instead of {number}: --match topology", err=True)


class Kind(StrEnum):
    """What a chart shows."""

    distribution = "distribution"
    levels = "levels"
    categories = "categories"
    tradeoff = "tradeoff"
    candidates = "candidates"
    history = "history"
    importance = "importance"
    pareto = "pareto"


class Width(StrEnum):
    """How wide a chart is: 3.5 or 7 inches."""

    column = "column"
    page = "page"


@app.command()
def chart(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="Kind of chart.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE|STUDY",
            help="Specs. From candidates on: a study, its file or URL; for candidates, also a table of them.",
            autocompletion=spec_names,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="File to write: .svg, .png, .pdf, .tex (PGFPlots), or .csv, .json, .md for data."
        ),
    ] = Path("chart.svg"),
    cost: Annotated[
        str, typer.Option(help="For tradeoff, candidates and pareto: macs or params; for candidates, also a column.")
    ] = "macs",
    score: Annotated[str, typer.Option(help="For candidates: the column with the score.")] = "score",
    centre: Annotated[
        float | None, figure("For candidates: the cost in the middle. Default: that of the spec, or else the mean.")
    ] = None,
    study_name: StudyName = None,
    theme: Annotated[Theme, typer.Option(help="Colour theme of the chart.")] = Theme.auto,
    width: Annotated[Width, typer.Option(help="Width of a column or of a page.")] = Width.page,
    convention: Count = "conv",
) -> None:
    """Draw a chart, or write its data.

    distribution: dims and shares of the cost per block, specs side by side. levels, categories: where the cost is.
    tradeoff: published score against cost, for the whole library if no spec is named. Of a search: candidates, scores
    against cost; history, scores by trial; importance, of parameters for scores; pareto, what no candidate beats.
    """
    from spinec.visualize.chart import DATA, chart_writer

    of_specs = kind in (Kind.distribution, Kind.levels, Kind.categories)
    of_studies = kind in (Kind.history, Kind.importance, Kind.pareto)
    refuse_idle(
        context,
        Idle("cost", f"in a chart of {kind}", of_specs or kind in (Kind.history, Kind.importance)),
        Idle("score centre", f"in a chart of {kind}", kind is not Kind.candidates),
        Idle("study_name", f"in a chart of {kind}", of_specs or kind is Kind.tradeoff),
        Idle("convention", f"in a chart of {kind}, whose figures are given", not of_specs),
        Idle("theme width", "on the data behind a chart", output.suffix in DATA),
        Idle("centre", f"on {output.suffix}, which has rows alone", output.suffix in DATA and output.suffix != ".json"),
        Idle("study_name", "on what is not a study's file or URL", not any(map(is_study, names or []))),
    )
    write = chart_writer(output)
    if of_studies:
        drawn = study_chart(kind.value, names or [], study_name, cost, is_given(context, "cost"))
    elif kind is Kind.candidates:
        drawn = _candidates(names or [], cost, score, is_given(context, "score"), centre, study_name)
    else:
        drawn = _chart(kind, names or [], cost, convention)
    write_output(output, write(drawn, theme.value, width.value))
    typer.echo(f"{output}: {kind.value}")


def _chart(kind: Kind, names: list[str], cost: str, convention: Convention) -> Chart:
    from spinec.compiler.cost.report import cost as count
    from spinec.spec.library import names as library_names
    from spinec.visualize import charts

    if not names and kind is not Kind.tradeoff:
        raise typer.BadParameter(f"name a spec to chart its {kind.value}", param_hint="NAME|FILE")
    reports = [count(read_program(name, None)) for name in names or library_names()]
    if kind is Kind.distribution:
        return charts.distribution(reports, convention)
    if kind is Kind.tradeoff:
        if cost not in ("macs", "params"):
            raise typer.BadParameter("expected macs or params", param_hint="--cost")
        points = charts.published_points(reports, "macs" if cost == "macs" else "params")
        return charts.trade_off(points, _LABELS[cost])
    if len(reports) > 1:
        raise typer.BadParameter(f"one spec at a time for {kind.value}", param_hint="NAME|FILE")
    return charts.breakdown(reports[0], "level" if kind is Kind.levels else "category", convention)


_LABELS = {"macs": "multiply-adds", "params": "parameters"}


def _candidates(
    files: list[str], cost: str, score: str, is_score_given: bool, centre: float | None, study_name: str | None
) -> Chart:
    """The chart of a study's candidates, or of those in a table; those without a score are left out, and it is said."""
    from spinec.visualize import charts

    if len(files) != 1:
        raise typer.BadParameter("name one study, or one table of candidates", param_hint="NAME|FILE")
    table = study_rows(files[0], study_name) if is_study(files[0]) else _rows(files[0])
    if not is_score_given and f"{score}_1" in (table.rows[0].cells if table.rows else ()):
        score = f"{score}_1"  # of several, the first
    rows = [row for row in table.rows if row.cell(score) not in (None, "")]
    if not rows:
        fail(f"{files[0]}: no candidate with a {score}")
    if missing := len(table.rows) - len(rows):
        typer.echo(f"{files[0]}: {missing} of {len(table.rows)} candidates left out: no {score}", err=True)
    middle = table.figure("centre") or table.figure(cost) if centre is None else centre
    points = charts.points_of(rows, cost, score)
    return charts.candidates(points, middle, cost=_LABELS.get(cost, cost), score=score)


@app.command()
def report(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|FILE|RUN|STUDY",
            help="Specs of the library or YAML files, or folders of runs, or a study: its file or URL. Use - for"
            " standard input.",
            autocompletion=spec_names,
        ),
    ],
    output: Annotated[Path, written(PAGE, "The .html file to write.")] = Path("report.html"),
    charts: Annotated[bool, typer.Option(help="Include charts. They need matplotlib.")] = True,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source", metavar="BACKEND", help="Show the source for this framework.", autocompletion=backend_names
        ),
    ] = None,
    theme: Annotated[Theme, typer.Option(help="Colour theme of the page.")] = Theme.auto,
    size: Size = None,
    examples: Annotated[
        int, typer.Option(min=0, metavar="N", help="For runs: pictures to show what their weights find in.")
    ] = 4,
    study_name: StudyName = None,
) -> None:
    """Write an HTML report on specs, one that compares training runs, or one on a search.

    Specs: diagrams, tables, charts and source; if there are two, it also compares them. Runs: figures, curves of losses
    and evaluations, what their recipes and specs differ in, and examples of what they find. A study: scores, choices,
    and how the best specs differ from the start. The report is a single file that loads nothing from the network.
    """
    study = any(map(is_study, names))
    runs = any(map(os.path.isdir, names))  # False, unlike Path.is_dir, for a name that no folder can have
    refuse_idle(
        context,
        Idle("source size", "on runs", runs),
        Idle("source size", "on a study", study),
        Idle("examples", "on specs and studies: they are for folders of runs", not runs),
        Idle("study_name", "on what is not a study's file or URL", not study),
    )
    if study:
        write_output(output, study_page(names, study_name, charts=charts, theme=theme.value))
        typer.echo(f"{output}: {names[0]}, {output.stat().st_size / 1000:.0f} kB")
        return
    if runs:
        _report_runs(names, output, charts=charts, examples=examples, theme=theme)
        return
    from spinec.backends.backend import emit
    from spinec.compiler.cost.report import cost as count
    from spinec.visualize.report import Source, write_report

    reports = [count(read_program(name, size)) for name in names]
    backends = ["pytorch"] if source is None else source
    sources = {
        each.program.name: [Source(f"as source for {name}", "python", emit(each.program, name)) for name in backends]
        for each in reports
    }
    page = write_report(reports, sources, charts=charts, theme=theme.value)
    write_output(output, page)
    typer.echo(f"{output}: {', '.join(each.program.name for each in reports)}, {len(page.encode()) / 1000:.0f} kB")


def _report_runs(names: list[str], output: Path, *, charts: bool, examples: int, theme: Theme) -> None:
    from spinec.train.history import read_history
    from spinec.train.page import write_runs

    runs = [read_history(name) for name in names]
    with working("looking at examples"):
        page = write_runs(runs, charts=charts, examples=examples, theme=theme.value)
    write_output(output, page)
    typer.echo(f"{output}: {', '.join(run.name for run in runs)}, {len(page.encode()) / 1000:.0f} kB")
