"""Sheet -> PGFPlots, for a paper: `\\usepackage{pgfplots}`, then `\\input` it. The numbers stay, to be edited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spinec.visualize.figure.panels import Axis, Bars, Mark, Panel, Place, Points, series_colour, series_cue
from spinec.visualize.figure.sheet import EDGE, Frame, Name, Sheet
from spinec.visualize.formats.paint import colours_of
from spinec.visualize.formats.tex import colour, escaped
from spinec.visualize.style.palette import Colours, Theme

HATCHES = ("", "north east lines", "dots", "crosshatch", "north west lines", "grid")
MARKERS = ("*", "square*", "diamond*", "triangle*", "triangle*,mark options={rotate=180}", "pentagon*")
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
TEX_SIZE = 10  # of the font that is scaled


def write_pgfplots(sheet: Sheet, title: str, theme: Theme = "light") -> str:
    """The sheet as a tikzpicture of its width, an `axis` per panel."""
    colours = colours_of(theme)
    page = f"(0,0) rectangle ({sheet.width:.1f}bp,{sheet.height:.1f}bp)"
    lines = [
        f"% {escaped(title)}",
        r"% In the preamble: \usepackage{pgfplots} \usetikzlibrary{patterns} \pgfplotsset{compat=1.16}",
        r"\begin{tikzpicture}",
        rf"\path[use as bounding box,fill={colour(colours.paper)}] {page};",
        *(line for frame in sheet.frames for line in _frame(frame, sheet, colours)),
    ]
    return "\n".join([*lines, r"\end{tikzpicture}", ""])


def _frame(frame: Frame, sheet: Sheet, colours: Colours) -> Iterator[str]:
    panel, (left, top, right, bottom) = frame.panel, frame.area
    yield r"\begin{axis}["
    yield f"  at={{({left:.1f}bp,{sheet.height - bottom:.1f}bp)}}, anchor=south west, scale only axis,"
    yield f"  width={right - left:.1f}bp, height={bottom - top:.1f}bp,"
    yield from _style(frame, sheet, colours)
    yield from _axis("x", panel.x)
    yield from _axis("y", panel.y)
    if panel.lies:
        yield "  y dir=reverse,"
    yield "]"
    if panel.band:
        yield from _band(panel, panel.band.low, panel.band.middle, panel.band.high)
    for mark in panel.marks:
        yield from _mark(mark, panel, sheet, colours)
    for name in frame.names:
        if name.line:
            ends = " -- ".join(_beside(name, end) for end in name.line)
            yield rf"\draw[draw={colour(series_colour(name.series))},line width=0.7bp] {ends};"
        style = f"anchor={ANCHORS[name.anchor]},inner sep=0,shift={{({name.across:.1f}bp,{name.up:.1f}bp)}}"
        place = f"(axis cs:{name.place[0]:.10g},{name.place[1]:.10g})"
        yield rf"\node[{style},{_font(sheet.small, colours)}] at {place} {{{escaped(name.text)}}};"
    yield r"\end{axis}"
    usual, middle = f"inner sep=0,{_font(sheet.size, colours)}", sheet.height - (top + bottom) / 2
    if panel.y.label:
        yield rf"\node[rotate=90,anchor=north,{usual}] at ({EDGE:g}bp,{middle:.1f}bp) {{{escaped(panel.y.label)}}};"
    if panel.title:
        place = f"({(left + right) / 2:.1f}bp,{sheet.height - frame.title:.1f}bp)"
        yield rf"\node[anchor=base,{usual}] at {place} {{{escaped(panel.title)}}};"


def _beside(name: Name, end: Place) -> str:
    """A place some way off the point of a name."""
    return f"([xshift={end[0]:.1f}bp,yshift={end[1]:.1f}bp]axis cs:{name.place[0]:.10g},{name.place[1]:.10g})"


def _style(frame: Frame, sheet: Sheet, colours: Colours) -> Iterator[str]:
    ink, grid = f"draw={colour(colours.ink)}", f"draw={colour(colours.muted)},opacity=0.35"
    small, usual = _font(sheet.small, colours), _font(sheet.size, colours)
    yield "  axis lines*=left, tick align=outside, major tick length=3bp, xminorticks=false, enlargelimits=false,"
    yield "  clip=false, scaled ticks=false,"
    yield f"  axis line style={{{ink}}}, tick style={{{ink}}}, grid style={{{grid}}},"
    yield f"  tick label style={{{small},align=center}},"
    yield f"  label style={{{usual}}},"
    place = "at={(0,1)},anchor=south west,draw=none,fill=none,inner sep=1bp,cells={anchor=west}"
    place += ",/tikz/every even column/.append style={column sep=6bp}"
    yield f"  legend style={{{place},nodes={{{small}}}}}, legend columns={frame.columns},"


def _font(size: float, colours: Colours) -> str:
    return rf"font=\normalfont\sffamily,scale={size / TEX_SIZE:.2f},text={colour(colours.ink)}"


def _axis(direction: str, axis: Axis) -> Iterator[str]:
    yield f"  {direction}min={axis.low:.10g}, {direction}max={axis.high:.10g},"
    if axis.is_log:
        yield f"  {direction}mode=log,"
    if axis.has_grid:
        yield f"  {direction}majorgrids,"
    yield f"  {direction}tick={{{','.join(f'{tick:.10g}' for tick, _ in axis.ticks)}}},"
    yield f"  {direction}ticklabels={{{','.join(f'{{{_lines(text)}}}' for _, text in axis.ticks)}}},"
    if direction == "x" and axis.label:
        yield f"  xlabel={{{escaped(axis.label)}}},"


def _lines(text: str) -> str:
    return r"\\".join(map(escaped, text.split("\n")))


def _band(panel: Panel, low: float, middle: float, high: float) -> Iterator[str]:
    fill = colour(series_colour(0))
    bottom = [f"(axis cs:{x:.10g},{panel.y.low:.10g})" for x in (low, middle)]
    top = [f"(axis cs:{x:.10g},{panel.y.high:.10g})" for x in (high, middle)]
    yield rf"\path[fill={fill},fill opacity=0.12] {bottom[0]} rectangle {top[0]};"
    yield rf"\draw[draw={fill},dashed,line width=1bp] {bottom[1]} -- {top[1]};"


def _mark(mark: Mark, panel: Panel, sheet: Sheet, colours: Colours) -> Iterator[str]:
    style = _bars(mark, panel, sheet, colours) if isinstance(mark, Bars) else _points(mark, panel)
    if isinstance(mark, Points):
        places: Iterable[str] = (f"({x:.10g},{y:.10g})" for x, y in mark.places)
    else:
        pairs = zip(mark.values, mark.at, strict=True) if panel.lies else zip(mark.at, mark.values, strict=True)
        notes = mark.notes or [""] * len(mark.at)
        meta = [f" [{{{escaped(note)}}}]" if note else "" for note in notes]
        places = (f"({x:.10g},{y:.10g}){note}" for (x, y), note in zip(pairs, meta, strict=True))
    explained = "" if mark.is_explained else ",forget plot"
    yield rf"\addplot[{style}{explained}] coordinates {{{' '.join(places)}}};"
    if mark.is_explained:
        yield rf"\addlegendentry{{{escaped(mark.name)}}}"


def _bars(mark: Bars, panel: Panel, sheet: Sheet, colours: Colours) -> str:
    hatch, fill = HATCHES[series_cue(mark.series)], colour(series_colour(mark.series))
    style = f"{'xbar' if panel.lies else 'ybar'},bar width={mark.breadth:.4g},bar shift=0pt,area legend"
    style += f",fill={fill},draw={fill},line width=0.1pt"
    if hatch:
        style += f",postaction={{pattern={hatch},pattern color={colour(colours.paper)}}}"
    if mark.notes:
        style += ",nodes near coords,point meta=explicit symbolic"
        style += f",nodes near coords style={{anchor=west,inner sep=2bp,{_font(sheet.small, colours)}}}"
    return style


def _points(mark: Points, panel: Panel) -> str:
    stroke = colour(series_colour(mark.series))
    size, faint = ("1.5bp", ",opacity=0.75") if panel.is_small else ("2.5bp", "")
    lines = ",line width=1.2bp" if mark.is_joined else ",only marks"
    repeat = f",mark repeat={mark.marked}" if mark.marked > 1 else ""
    return f"color={stroke},mark={MARKERS[series_cue(mark.series)]},mark size={size}{repeat}{faint}{lines}"
