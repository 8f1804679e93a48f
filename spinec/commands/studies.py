"""Looking at a study: its charts, and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from spinec.commands.candidates import need_optuna

if TYPE_CHECKING:
    from spinec.visualize.chart import Chart
    from spinec.visualize.style.palette import Theme


def study_chart(kind: str, names: list[str], study_name: str | None, cost: str, is_cost_given: bool) -> Chart:
    """A chart of all that a study tried."""
    need_optuna()
    from spinec.search.record import front, importances, record
    from spinec.search.storage import answering
    from spinec.search.study import read
    from spinec.visualize import study as charts

    if len(names) != 1:
        raise typer.BadParameter("name one study, by its file or URL", param_hint="STUDY")
    if cost not in ("macs", "params"):
        raise typer.BadParameter("expected macs or params", param_hint="--cost")
    study, _ = read(names[0], study_name)
    with answering(names[0]):
        search = record(study)
        if is_cost_given and len(search.minimize) > 1:
            raise typer.BadParameter("does nothing for a study of several scores", param_hint="--cost")
        if kind == "history":
            return charts.history(search)
        if kind == "importance":
            return charts.importance(search, importances(study))
        return charts.pareto(search, front(study, search, cost), cost)


def study_page(names: list[str], study_name: str | None, *, charts: bool, theme: Theme) -> str:
    """The report on a study, as HTML."""
    need_optuna()
    from spinec.search.page import write_study
    from spinec.search.storage import answering
    from spinec.search.study import read

    if len(names) != 1:
        raise typer.BadParameter("one study at a time, and nothing beside it", param_hint="STUDY")
    study, plan = read(names[0], study_name)
    with answering(names[0]):
        return write_study(study, plan, charts=charts, theme=theme)
