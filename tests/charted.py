"""One chart of every kind, for the tests that hold what charts show."""

from functools import cache

from spinec import cost, load, lower, names
from spinec.visualize.charts import Point, breakdown, candidates, distribution, published_points, trade_off
from spinec.visualize.curves import Curve, curves
from spinec.visualize.study import Search, Tried, choices, history, importance, pareto

STUDY = ("history", "histories", "importance", "importances", "pareto", "front", "choices")
CHARTS = ("distribution", "levels", "categories", "tradeoff", "candidates", "curves", *STUDY)


def learned(rate):
    """A loss that falls, in more steps than a line has places."""
    return [(step, 40 / (1 + rate * step)) for step in range(1, 500)]


def searched(number=60, objectives=1):
    """A search that gets better, some of whose candidates have no score."""
    values = (1, 5, 10, "mbconv", 0.5)
    tried = [
        Tried(
            i + i // 9,
            tuple(0.5 + i / 300 + (i * 37 % 11) / 40 * (1 - 2 * k) for k in range(objectives)) if i % 7 else (),
            {f"b{k}": values[(i * (k + 3) // (1 + i // 20)) % len(values)] for k in range(1, 5)},
            2e9 + (i * 53 % 17) * 4e7,
            4e6 + (i * 29 % 23) * 1e5,
        )
        for i in range(number)
    ]
    return Search("mine", tuple(k % 2 == 1 for k in range(objectives)), tried)


def of_studies():
    """A chart of every kind of one study, or of one with several objectives."""
    one, two = searched(), searched(objectives=2)
    found = {f"b{i}": 0.4 / i for i in range(1, 9)}
    return (
        history(one),
        history(two),
        importance(one, [found]),
        importance(two, [found, {name: 0.5 - share for name, share in found.items()}]),
        pareto(one, [5, 12, 31]),
        pareto(two, [1, 2, 44, 60]),
        choices(one, "b2"),
    )


@cache
def charts():
    """The charts by name."""
    d0, d1, b0 = (cost(lower(load(name))) for name in ("eff-spinenet-d0", "eff-spinenet-d1", "sp-efficientnet-b0"))
    tried = [Point(f"family {i % 3}", f"c{i}", 1e9 * (0.78 + 0.011 * i), 30 + (i * 7 % 13) / 4) for i in range(40)]
    published = published_points(cost(lower(load(name))) for name in names())
    made = (
        distribution([b0, d0, d1]),
        breakdown(d0),
        breakdown(d0, "category"),
        trade_off(published),
        candidates(tried),
        curves("loss", [Curve(f"runs/{name}", learned(rate)) for name, rate in (("a", 1.0), ("b", 0.2))]),
        *of_studies(),
    )
    return dict(zip(CHARTS, made, strict=True))
