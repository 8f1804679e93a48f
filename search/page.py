"""A study -> one self-contained HTML page: scores, what was chosen when, the best specs and how they differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from optuna import Study
from optuna.trial import FrozenTrial

from spinec.compiler.cost.report import Report, cost
from spinec.compiler.lowering.pipeline import lower
from spinec.compiler.resources.candidates import Space
from spinec.search.plan import Plan
from spinec.search.record import FEWEST, front, importances, record
from spinec.search.results import origin_of, reasons_of, spec_of, start_of
from spinec.search.study import FINISHED, KEY, SEED, best, scored
from spinec.spec.dump import dump
from spinec.visualize import study as charts_of_studies
from spinec.visualize.chart import Chart
from spinec.visualize.charts import Point, candidates
from spinec.visualize.page.views import BestView, SourceView, StudyView, table_view
from spinec.visualize.parallel import MOST_BEST, MOST_LINES, parallel
from spinec.visualize.report import Source, charts_of, difference_of, highlighted
from spinec.visualize.study import Search
from spinec.visualize.style.palette import Theme
from spinec.visualize.style.quantity import quantity
from spinec.visualize.table.table import Cell, Shown, Table

if TYPE_CHECKING:
    from markupsafe import Markup

DRAWN = 4  # of the best, side by side
LISTED = 20  # of the best, in numbers
SIDE = 1250.0  # how wide the diagram of one of the best is, about
FIRST, MOST_PARAMETERS = 6, 24  # parameters whose choices are shown at once, and when they are asked for
MOST_AXES = 30  # parameters with an axis in parallel coordinates
PATTERN = re.compile(r'<pattern id="([^"]+)".*?</pattern>\s*', re.DOTALL)


def write_study(study: Study, plan: Plan, *, charts: bool = True, theme: Theme = "auto") -> str:
    """The report on a study, as HTML that needs nothing else and asks the network for nothing.

    Charts need matplotlib.

    Raises:
        BackendError: where charts are wanted and matplotlib is not installed.
    """
    search = record(study)
    chosen = _best(study)
    found = importances(study) if len(search.scored) >= FEWEST else []
    parameters = _parameters(search, found)
    reasons = _reasons(study)
    lines = parallel(search, parameters[:MOST_AXES]) if search.scored else None
    first, further = _choices(search, parameters) if charts else ([], [])
    shown = _sharing(charts_of([*first, *further], "column"))
    from markupsafe import Markup

    page = StudyView(
        study.study_name,
        theme,
        table_view(_summary(study, plan, search)),
        table_view(_listed(plan, search, chosen)),
        list(_drawn(study, plan, chosen)),
        charts_of(_charts(study, plan, search, found), "column") if charts and search.scored else [],
        Markup(lines.svg()) if lines else None,  # the writer escapes
        _said_of_lines(search, parameters),
        shown[: len(first)],
        _said_of_choices(parameters, first, further),
        shown[len(first) :],
        table_view(reasons) if reasons.rows else None,
    )
    return page.render()


def _best(study: Study) -> list[FrozenTrial]:
    """Candidates that are unlike each other, the best first; of several objectives those that none beats."""
    if len(study.directions) > 1:
        return best(study)
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    ranked = sorted(scored(study), key=lambda trial: (sign * trial.values[0], trial.number))
    unlike = {tuple(trial.user_attrs[KEY]): trial for trial in reversed(ranked)}
    return [trial for trial in ranked if unlike[tuple(trial.user_attrs[KEY])] is trial]


def _parameters(search: Search, found: Sequence[dict[str, float]]) -> list[str]:
    """All parameters, the most important first."""
    names = dict.fromkeys(name for each in search.tried for name in each.choices)
    return sorted(names, key=lambda name: -sum(each.get(name, 0.0) for each in found))


def _summary(study: Study, plan: Plan, search: Search) -> Table:
    """What was searched, how far it is, and what came out."""
    trials = study.get_trials(deepcopy=False)
    limits = {name: limit for name, limit in vars(plan.limits).items() if limit is not None and name != "convention"}
    rows: list[list[Cell]] = [
        ["began with", plan.space.name],
        ["judged by", plan.evaluator_name],
        ["scores", ", ".join(plan.directions)],
        ["limits", ", ".join(f"{name} {quantity(limit)}" for name, limit in limits.items()) or "none"],
        ["seed", str(study.user_attrs.get(SEED, "not told"))],
        ["finished", f"{sum(trial.state in FINISHED for trial in trials):,}"],
        ["with a score", f"{len(search.scored):,}"],
        ["under way", f"{sum(not trial.state.is_finished() for trial in trials):,}"],
    ]
    return Table("study", ["what", study.study_name], rows)


def _reasons(study: Study) -> Table:
    rows: list[list[Cell]] = [[reason, times] for reason, times in reasons_of(study).most_common()]
    return Table("without a score", ["reason", "candidates"], rows)


def _listed(plan: Plan, search: Search, chosen: Sequence[FrozenTrial]) -> Table:
    rows: list[list[Cell]] = [
        [trial.number, *trial.values, _cost(trial, "macs"), _cost(trial, "params"), plan.space.told(trial.params)]
        for trial in chosen[:LISTED]
    ]
    columns = ["trial", *search.objectives, "multiply-adds", "parameters", "choices"]
    title = f"the best {len(rows)}" if len(search.minimize) == 1 else f"{len(rows)} of {len(chosen)} that none beats"
    return Table(title, columns, rows)


def _cost(trial: FrozenTrial, name: str) -> Cell:
    value = trial.user_attrs.get(name)
    return None if value is None else Shown(value, quantity(value))


def _drawn(study: Study, plan: Plan, chosen: Sequence[FrozenTrial]) -> Iterator[BestView]:
    """Some of the best with their difference to what the search began with; of a front, from one end to the other."""
    start = cost(lower(start_of(plan)))
    for trial in _spread(chosen) if len(plan.directions) > 1 else chosen[:DRAWN]:
        spec = spec_of(plan, trial)
        spec = spec.model_copy(update={"name": f"trial-{trial.number}", "origin": origin_of(study, plan, trial)})
        report = cost(lower(spec))
        title = f"trial {trial.number}"
        source = SourceView(f"the spec of {title}", highlighted(Source(title, "yaml", dump(spec))))
        difference = difference_of(start, report, width=SIDE, labels=False)
        yield BestView(title, _about(trial, report, start), difference, source)


def _spread(chosen: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Some of a front, both ends among them."""
    places = {round(i * (len(chosen) - 1) / (DRAWN - 1)) for i in range(DRAWN)} if chosen else set()
    return [chosen[place] for place in sorted(places)]


def _about(trial: FrozenTrial, report: Report, start: Report) -> str:
    scores = ", ".join(f"{value:.6g}" for value in trial.values)
    macs = f"{quantity(report.macs())} multiply-adds ({report.macs() / start.macs():.1%} of the start's)"
    return f"score {scores}; {macs}, {quantity(report.params)} parameters ({report.params / start.params:.1%})"


def _charts(study: Study, plan: Plan, search: Search, found: Sequence[dict[str, float]]) -> Iterator[Chart]:
    yield charts_of_studies.history(search)
    yield charts_of_studies.pareto(search, front(study, search))
    if len(search.minimize) == 1 and isinstance(plan.space, Space):  # whose candidates keep to the start's work
        priced = [each for each in search.scored if each.macs is not None]
        points = [Point("", str(each.trial), each.macs or 0.0, each.scores[0]) for each in priced]
        yield candidates(points, cost(lower(plan.space.spec)).macs(plan.limits.convention))
    if found:
        yield charts_of_studies.importance(search, found)


def _choices(search: Search, parameters: Sequence[str]) -> tuple[list[Chart], list[Chart]]:
    drawn = [charts_of_studies.choices(search, name) for name in parameters[:MOST_PARAMETERS]]
    return drawn[:FIRST], drawn[FIRST:]


def _sharing(charts: Sequence[Markup]) -> list[Markup]:
    """The charts of one page, every pattern in the first that has it: they are most of a chart with hatches."""
    from markupsafe import Markup

    known: set[str] = set()

    def once(found: re.Match[str]) -> str:
        is_new = found[1] not in known
        known.add(found[1])
        return found[0] if is_new else ""

    return [Markup(PATTERN.sub(once, chart)) for chart in charts]  # parts of what was safe


def _said_of_lines(search: Search, parameters: Sequence[str]) -> str:
    total = len(search.scored)
    told = "Every line is a candidate; the best tenth by the first score stands out. Better scores are above."
    few = (
        f" At most {MOST_BEST} of the best and {MOST_LINES} others are drawn, of {total:,}."
        if total > MOST_LINES
        else ""
    )
    left = (
        f" {len(parameters) - MOST_AXES} parameters that matter least are left out."
        if len(parameters) > MOST_AXES
        else ""
    )
    return told + few + left


def _said_of_choices(parameters: Sequence[str], first: Sequence[Chart], further: Sequence[Chart]) -> str:
    left = len(parameters) - len(first) - len(further)
    return "Shares of stretches of trials, the most important parameters first." + (
        f" {left} further ones are left out." if left else ""
    )
