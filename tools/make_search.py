"""Writes the tables of docs/search.md: strategies against random choice, and how sampled candidates scatter.

python tools/make_search.py         from the runs in search.csv
python tools/make_search.py runs    first runs what search.csv lacks: 20 seeds of every strategy take half an hour
"""

from __future__ import annotations

import csv
import statistics
import sys
from itertools import accumulate, product
from pathlib import Path

import optuna
from make_tables import filled

from spinec import load
from spinec.compiler.resources.candidates import Candidates, Space, candidates
from spinec.search.objectives import likeness_of
from spinec.search.plan import STRATEGIES, Plan
from spinec.spec.files import write_whole
from spinec.visualize.table.table import Table

PAGE, RUNS = (Path(__file__).resolve().parent.parent / "docs" / name for name in ("search.md", "search.csv"))
SEEDS, TRIALS, AFTER = range(20), 2_000, (100, 500, 2_000)
SAMPLED = 5_000


SPACE = Space(load("sp-efficientnet-b0"))


def plan() -> Plan:
    """Sharing out the work of SP-EfficientNet-B0, judged by how like Eff-SpineNet-D0 it becomes."""
    return Plan(SPACE, "spinec.search.objectives:likeness")


def search(strategy: str, seed: int, trials: int = TRIALS) -> optuna.Study:
    """A study in memory, scored by dims alone: nothing is built or written."""
    wanted = plan()
    study = optuna.create_study(direction="maximize", sampler=STRATEGIES[strategy](wanted.distributions, seed))
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, likeness_of(SPACE.dims(SPACE.betas(wanted.suggest(trial)))))
    return study


def strategies() -> Table:
    """A row for every strategy: the best score after some candidates, mean and spread over the seeds."""
    runs, rows = read_runs(), []
    for strategy in STRATEGIES:
        shown = [[run[i] for (name, _), run in runs.items() if name == strategy] for i in range(len(AFTER))]
        cells = [f"{statistics.mean(found):.3f} ± {statistics.stdev(found):.3f}" for found in shown]
        rows.append([strategy, *cells, f"{sum(found == 1 for found in shown[-1])} of {len(shown[-1])}"])
    columns = ["strategy", *(f"best of {after:,}" for after in AFTER), "reached the optimum"]
    return Table("strategies", columns, rows)


def read_runs() -> dict[tuple[str, int], list[float]]:
    """Strategy and seed: the best score after some candidates."""
    with RUNS.open(encoding="utf-8", newline="") as lines:
        return {(row[0], int(row[1])): [float(score) for score in row[2:]] for row in list(csv.reader(lines))[1:]}


def run_missing() -> None:
    """Run every strategy with every seed that is not in the file of runs yet."""
    known = read_runs()
    for strategy, seed in product(STRATEGIES, SEEDS):
        if (strategy, seed) not in known:
            scores = [trial.value for trial in search(strategy, seed).get_trials(deepcopy=False)]
            best = list(accumulate(scores, max))
            with RUNS.open("a", encoding="utf-8") as lines:
                print(strategy, seed, *(f"{best[after - 1]:.4f}" for after in AFTER), sep=",", file=lines, flush=True)


def figure_5() -> Table:
    """How candidates scatter around the budget: drawn evenly, and as the controller draws them while it learns."""
    learned = [tuple(trial.params.values()) for trial in search("reinforce", 0, SAMPLED).get_trials(deepcopy=False)]
    drawn = {"every beta as likely": SPACE.draw(SAMPLED), "drawn by the controller while it learns": learned}
    return Table(
        "figure 5",
        ["candidates", "multiply-adds within 10 %", "multiply-adds, mean", "fewer parameters", "parameters, median"],
        [_scatter(how, candidates(SPACE, betas, "profiler")) for how, betas in drawn.items()],
    )


def _scatter(how: str, found: Candidates) -> list[str]:
    assert found.own
    macs, params = found.own
    mean, median = found.macs.mean() / macs, statistics.median(found.params.tolist()) / params
    return [how, f"{found.near():.1%}", f"{mean:.1%}", f"{found.fewer_params():.1%}", f"{median:.1%}"]


def main() -> None:
    """Rewrite the tables."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if sys.argv[1:] == ["runs"]:
        run_missing()
    made = {"strategies": strategies().to_text("markdown"), "figure-5": figure_5().to_text("markdown")}
    write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8"), made))


if __name__ == "__main__":
    main()
