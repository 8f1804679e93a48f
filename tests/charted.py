"""One chart of every kind, for the tests that hold what charts show."""

from functools import cache

from spinec import cost, load, lower, names
from spinec.visualize.charts import Point, breakdown, candidates, distribution, published_points, trade_off
from spinec.visualize.curves import Curve, curves

CHARTS = ("distribution", "levels", "categories", "tradeoff", "candidates", "curves")


def learned(rate):
    """A loss that falls, in more steps than a line has places."""
    return [(step, 40 / (1 + rate * step)) for step in range(1, 500)]


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
    )
    return dict(zip(CHARTS, made, strict=True))
