"""Runs -> one self-contained HTML page that compares them: figures, curves, what differs, examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spinec.compiler.cost.report import cost
from spinec.spec.dump import dump
from spinec.spec.recipes.dump import dump_recipe
from spinec.train.found import found
from spinec.train.history import APART, History
from spinec.visualize.curves import Curve, curves
from spinec.visualize.page.views import RunsView, SourceView, table_view
from spinec.visualize.report import Source, charts_of, difference_of, highlighted
from spinec.visualize.style.palette import Theme
from spinec.visualize.style.values import flat, show
from spinec.visualize.table.table import Cell, Table

if TYPE_CHECKING:
    from spinec.compiler.cost.report import Report

TITLED = 4  # runs whose names a title has room for


def write_runs(runs: Sequence[History], *, charts: bool = True, examples: int = 4, theme: Theme = "auto") -> str:
    """The report on runs, as HTML that needs nothing else and asks the network for nothing.

    `examples` is the number of pictures that what the best weights find is shown in; that needs the data set and the
    framework of each run. Charts need matplotlib.

    Raises:
        BackendError: where charts are wanted and matplotlib is not installed.
    """
    reports = [cost(run.program) for run in runs]
    first, further = _charts(runs) if charts else ((), ())
    views, notes = found(runs, examples) if examples else ([], [])
    settings = _settings(runs, reports)
    page = RunsView(
        ", ".join(run.name for run in runs) if len(runs) <= TITLED else f"{len(runs)} runs",
        theme,
        [table_view(_runs(runs)), *([table_view(_figures(runs))] if any(run.judged for run in runs) else [])],
        first,
        further,
        table_view(settings) if settings.rows else None,
        difference_of(*reports) if len(runs) == 2 and _differ([run.program.spec for run in runs]) else None,
        views,
        notes,
        [SourceView(source.title, highlighted(source)) for run in runs for source in _sources(run)],
    )
    return page.render()


def _runs(runs: Sequence[History]) -> Table:
    columns = ["run", "spec", "recipe", "backend", "steps", "of", "batch", "loss, last steps", "rate", "s/step"]
    rows: list[list[Cell]] = [
        [
            run.name,
            run.program.name,
            run.recipe.recipe,
            run.needs.backend,
            run.learned[-1]["step"],
            run.folder.about().get("steps"),
            run.recipe.batch,
            run.loss,
            run.learned[-1]["rate"],
            run.seconds,
            run.recipe.batch / run.seconds if run.seconds else None,
            run.minutes,
        ]
        for run in runs
    ]
    return Table("runs", [*columns, "images/s", "minutes of steps"], rows)


def _figures(runs: Sequence[History]) -> Table:
    """The best and the last evaluation of every run."""
    names = _every(run.figures for run in runs)
    rows: list[list[Cell]] = [
        [run.name, which, line["step"], *(line.get(name) for name in names)]
        for run in runs
        for which, line in (("best", run.best), ("last", run.last))
        if line
    ]
    filled = [i for i in range(len(names)) if any(row[3 + i] is not None for row in rows)]
    rows = [[*row[:3], *(row[3 + i] for i in filled)] for row in rows]
    return Table("evaluations", ["run", "evaluation", "step", *(names[i] for i in filled)], rows)


def _charts(runs: Sequence[History]) -> tuple[list[Any], list[Any]]:
    """Loss, figures that runs are compared by, and rate; all else."""
    compared = _every(run.figures[:1] for run in runs)
    first = ["loss", *compared, "rate"]
    told = _every([*(name for line in run.learned[:1] for name in line), *run.figures] for run in runs)
    further = [name for name in told if name not in (*first, *APART)]
    drawn, others = (charts_of(_drawn(runs, names), "column") for names in (first, further))
    return drawn, others


def _drawn(runs: Sequence[History], names: Iterable[str]) -> Iterator[Any]:
    for name in names:
        shown = [Curve(run.name, places) for run in runs if (places := run.curve(name))]
        if shown:
            yield curves(name, shown)


def _settings(runs: Sequence[History], reports: Sequence[Report]) -> Table:
    """What the runs were asked for that differs."""
    asked = [_asked(run, report) for run, report in zip(runs, reports, strict=True)]
    names = _every(asked)
    if len({tuple(run.program.spec.blocks) for run in runs}) == 1 and len(runs) > 2:
        for each, run in zip(asked, runs, strict=True):
            each.update(
                flat({"spec": run.program.spec.model_dump(exclude={"name", "source", "origin", "published", "head"})})
            )
        names = _every(asked)
    rows: list[list[Cell]] = [
        [name, *(show(each[name]) if name in each else "" for each in asked)]
        for name in names
        if _differ([each.get(name) for each in asked])
    ]
    return Table("settings", ["setting", *(run.name for run in runs)], rows)


def _asked(run: History, report: Report) -> dict[str, Any]:
    spec, about = run.program.spec, run.folder.about()
    return {
        "spec": spec.name,
        "input": run.program.size,
        "blocks": len(spec.blocks),
        "multiply-adds": f"{report.macs():,}",
        "parameters": f"{report.params:,}",
        **flat({"head": spec.head.model_dump() if spec.head else {}}),
        **flat(run.recipe.model_dump(exclude={"says", "source"})),
        "data.files": run.needs.data,
        "backend": run.needs.backend,
        "weights": run.needs.weights,
        **flat({name: about[name] for name in ("python", "packages") if name in about}),
    }


def _sources(run: History) -> Iterator[Source]:
    yield Source(f"{run.name}: recipe", "yaml", dump_recipe(run.recipe))
    yield Source(f"{run.name}: spec", "yaml", dump(run.program.spec))


def _every(several: Iterable[Iterable[str]]) -> list[str]:
    """All names, in the order in which they come first."""
    return list(dict.fromkeys(name for names in several for name in names))


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)
