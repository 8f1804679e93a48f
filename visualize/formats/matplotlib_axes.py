"""Sheet -> a figure of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spinec.visualize.figure.panels import Axis, Bars, Panel, Place, Points, series_colour, series_cue
from spinec.visualize.figure.sheet import EDGE, Frame, Name, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
MARKERS = "osD^vP"
SIDES = {"start": "left", "middle": "center", "end": "right"}


def paint(figure: Figure, sheet: Sheet) -> None:
    """Paint every panel of a sheet onto a figure of its size."""
    for frame in sheet.frames:
        left, top, right, bottom = frame.area
        place = (left / sheet.width, 1 - bottom / sheet.height)
        axes = figure.add_axes((*place, (right - left) / sheet.width, (bottom - top) / sheet.height))
        _panel(axes, frame, sheet)
        label = figure.text(EDGE / sheet.width, 1 - (top + bottom) / 2 / sheet.height, frame.panel.y.label)
        label.set(rotation=90, ha="left", va="center", fontsize=sheet.size)
        title = figure.text((left + right) / 2 / sheet.width, 1 - frame.title / sheet.height, frame.panel.title)
        title.set(ha="center", va="baseline", fontsize=sheet.size)


def _panel(axes: Axes, frame: Frame, sheet: Sheet) -> None:
    panel = frame.panel
    if panel.band:
        axes.axvspan(panel.band.low, panel.band.high, color=series_colour(0), alpha=0.12, linewidth=0)
        axes.axvline(panel.band.middle, color=series_colour(0), linewidth=1, linestyle="--")
    painted = [
        _bars(axes, mark, panel, sheet) if isinstance(mark, Bars) else _points(axes, mark, panel)
        for mark in panel.marks
    ]
    _axis(axes, "x", panel.x, sheet)
    _axis(axes, "y", panel.y, sheet)
    if panel.lies:
        axes.invert_yaxis()
    for name in frame.names:
        if name.line:
            _joint(axes, name, name.line)
        axes.annotate(
            name.text, name.place, (name.across, name.up), textcoords="offset points", ha=SIDES[name.anchor],
            va="baseline", fontsize=sheet.small,
        )  # fmt: skip
    if panel.legend:
        handles = [handle for mark, handle in zip(panel.marks, painted, strict=True) if mark.is_explained]
        _legend(axes, handles, frame, sheet)


def _joint(axes: Axes, name: Name, line: tuple[Place, Place]) -> None:
    """The line from a point to its name; an annotation without text, since its ends are in points, not in data."""
    style = {"arrowstyle": "-", "color": series_colour(name.series), "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", name.place, line[1], textcoords="offset points", arrowprops=style)


def _bars(axes: Axes, mark: Bars, panel: Panel, sheet: Sheet) -> Any:
    style: dict[str, Any] = {"color": series_colour(mark.series), "hatch": HATCHES[series_cue(mark.series)]}
    paint_bars = axes.barh if panel.lies else axes.bar
    bars = paint_bars(mark.at, mark.values, mark.breadth, **style)
    if mark.notes:
        axes.bar_label(bars, mark.notes, padding=2, fontsize=sheet.small)
    return bars


def _points(axes: Axes, mark: Points, panel: Panel) -> Any:
    x, y = zip(*mark.places, strict=True)
    style: dict[str, Any] = {"color": series_colour(mark.series), "marker": MARKERS[series_cue(mark.series)]}
    style["markevery"] = mark.marked
    if panel.is_small:
        style |= {"markersize": 3.5, "alpha": 0.75, "markeredgewidth": 0}
    (line,) = axes.plot(x, y, linestyle="-" if mark.is_joined else "none", **style)
    return line


def _axis(axes: Axes, direction: Any, axis: Axis, sheet: Sheet) -> None:
    place = getattr(axes, f"{direction}axis")
    if axis.is_log:
        getattr(axes, f"set_{direction}scale")("log")
        place.set_minor_locator(_nowhere())
    place.set_ticks([tick for tick, _ in axis.ticks], labels=[text for _, text in axis.ticks], fontsize=sheet.small)
    getattr(axes, f"set_{direction}lim")(axis.low, axis.high)
    axes.grid(visible=axis.has_grid, axis=direction)
    if direction == "x":
        axes.set_xlabel(axis.label, fontsize=sheet.size)


def _nowhere() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


def _legend(axes: Axes, handles: list[Any], frame: Frame, sheet: Sheet) -> None:
    axes.legend(
        handles, frame.panel.legend, loc="lower left", bbox_to_anchor=(0, 1),
        ncols=frame.columns, fontsize=sheet.small, borderaxespad=0.3, borderpad=0.2, handlelength=1.8, columnspacing=1,
        handletextpad=0.5, labelspacing=0.35,
    )  # fmt: skip
