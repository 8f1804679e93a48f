"""Writes the tables of docs/search.md: strategies against random choice, and how sampled candidates scatter.

python docs/make_search.py              both
python docs/make_search.py strategies   20 seeds of every strategy, 2,000 candidates each: half an hour on one core
python docs/make_search.py figure-5     seconds
"""

from __future__ import annotations

import statistics
import sys
from itertools import accumulate
from pathlib import Path

import optuna
from make_tables import filled

from spinec import load
from spinec.compiler.candidates import Candidates, Space, candidates
from spinec.search.objectives import likeness_of
from spinec.search.plan import STRATEGIES, Plan
from spinec.spec.files import write_whole
from spinec.visualize.tables import Table

PAGE = Path(__file__).with_name("search.md")
SEEDS, TRIALS, AFTER = range(20), 2_000, (100, 500, 2_000)
SAMPLED = 5_000


def plan() -> Plan:
    """Sharing out the work of SP-EfficientNet-B0, judged by how like Eff-SpineNet-D0 it becomes."""
    return Plan(Space(load("sp-efficientnet-b0")), "spinec.search.objectives:likeness")


def search(strategy: str, seed: int, trials: int = TRIALS) -> optuna.Study:
    """A study in memory, scored by dims alone: nothing is built or written."""
    wanted = plan()
    study = optuna.create_study(direction="maximize", sampler=STRATEGIES[strategy](wanted.distributions, seed))
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, likeness_of(wanted.space.dims(wanted.suggest(trial))))
    return study


def strategies() -> Table:
    """A row for every strategy: the best score after some candidates, mean and spread over the seeds."""
    rows = []
    for strategy in STRATEGIES:
        best: list[list[float]] = []
        for seed in SEEDS:
            scores = [trial.value for trial in search(strategy, seed).get_trials(deepcopy=False)]
            best.append(list(accumulate(scores, max)))
            print(strategy, seed, *(f"{best[-1][after - 1]:.4f}" for after in AFTER), file=sys.stderr, flush=True)
        shown = [[run[after - 1] for run in best] for after in AFTER]
        cells = [f"{statistics.mean(found):.3f} ± {statistics.stdev(found):.3f}" for found in shown]
        rows.append([strategy, *cells, f"{sum(found == 1 for found in shown[-1])} of {len(SEEDS)}"])
    columns = ["strategy", *(f"best of {after:,}" for after in AFTER), "reached the optimum"]
    return Table("strategies", columns, rows)


def figure_5() -> Table:
    """How candidates scatter around the budget: drawn evenly, and as the controller draws them while it learns."""
    space = plan().space
    learned = [tuple(trial.params.values()) for trial in search("reinforce", 0, SAMPLED).get_trials(deepcopy=False)]
    drawn = {"every beta as likely": space.draw(SAMPLED), "drawn by the controller while it learns": learned}
    return Table(
        "figure 5",
        ["candidates", "multiply-adds within 10 %", "multiply-adds, mean", "fewer parameters", "parameters, median"],
        [_scatter(how, candidates(space, betas, "profiler")) for how, betas in drawn.items()],
    )


def _scatter(how: str, found: Candidates) -> list[str]:
    macs, params = found.own
    mean, median = found.macs.mean() / macs, statistics.median(found.params.tolist()) / params
    return [how, f"{found.near():.1%}", f"{mean:.1%}", f"{found.fewer_params():.1%}", f"{median:.1%}"]


def main() -> None:
    """Rewrite the tables that are asked for."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    makers = {"strategies": strategies, "figure-5": figure_5}
    made = {name: makers[name]().to_text("markdown") for name in sys.argv[1:] or makers}
    write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8"), made))


if __name__ == "__main__":
    main()
