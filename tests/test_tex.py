"""What TeX makes of the files for papers: every chart and a gallery of diagrams, set by the real program."""

import os
import re
import shutil
import subprocess

import pytest
from charted import CHARTS, charts
from patience import HUNG
from test_golden import GOLDEN
from test_pictures import HOSTILE, hostile_network

from spinec import draw, load
from spinec.visualize.chart import WIDTHS
from spinec.visualize.charts import Point, candidates, trade_off
from spinec.visualize.diagram.layout import Look
from spinec.visualize.draw import Drawing
from spinec.visualize.formats.tikz import write_tikz

HAS_TEX = shutil.which("pdflatex") and subprocess.run(["kpsewhich", "pgfplots.sty"], capture_output=True).stdout
needs_tex = pytest.mark.skipif(
    not HAS_TEX and not os.environ.get("SPINEC_NEEDS_TEX"),
    reason="no pdflatex with PGFPlots: apt-get install texlive-latex-base texlive-pictures",
)
GALLERY = [
    "eff-spinenet-d0", "eff-spinenet-m0", "eff-spinenet-d0-segmentation", "efficientdet-d0", "efficientnet-b0",
    "efficientnet-b0-fpn", "mnasnet-a1-ssdlite", "mobilenet-v2-mnasfpn", "resnet-50-fpn", "spinenet-49",
]  # fmt: skip
SHOW = (
    r"\def\show#1{\setbox0\hbox{\input{#1}\unskip}\typeout{>> #1 \the\wd0 \space\the\dimexpr\ht0+\dp0\relax}"
    r"\pdfpagewidth\wd0 \pdfpageheight\dimexpr\ht0+\dp0\relax \pdfhorigin0pt \pdfvorigin0pt \shipout\box0}"
)
PGFPLOTS = r"\usepackage{pgfplots} \usetikzlibrary{patterns} \pgfplotsset{compat=1.16}"
TIKZ = r"\usepackage{tikz}"


def set_in_tex(folder, preamble, sources):
    """Width and height of every source in TeX's points, each on a page of its own; the preamble is all it may ask for."""
    for name, source in sources.items():
        assert preamble in source, "the file says what it needs"
        (folder / f"{name}.tex").write_text(source, encoding="utf-8")
    shown = "\n".join(rf"\show{{{name}.tex}}" for name in sources)
    document = f"\\documentclass{{article}}\n{preamble}\n{SHOW}\n\\begin{{document}}\n{shown}\n\\end{{document}}\n"
    (folder / "all.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=HUNG)
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said[-2000:]
    assert "Overfull" not in said
    found = re.findall(r">> (.+?)\.tex ([\d.]+)pt ([\d.]+)pt", said.replace("\n", ""))
    assert [name for name, _, _ in found] == list(sources)
    return {name: (float(width), float(height)) for name, width, height in found}


@pytest.mark.parametrize("name", CHARTS)
def test_charts_as_they_are(golden, name):
    golden(GOLDEN / "pictures" / "charts" / f"{name}.tex", charts()[name].tex(width="column"))


@needs_tex
def test_every_chart_is_set(tmp_path):
    sources = {
        f"{name}-{width}-{theme}": chart.tex(theme, width)
        for name, chart in charts().items()
        for width, theme in (("column", "light"), ("page", "dark"))
    }
    sizes = set_in_tex(tmp_path, PGFPLOTS, sources)
    for name, (width, height) in sizes.items():
        inches = WIDTHS[name.split("-")[-2]]
        assert width == pytest.approx(72.27 * inches, abs=0.1), name
        assert height > 100


@needs_tex
def test_a_gallery_of_diagrams_is_set(tmp_path):
    drawings = {name: draw(load(name)) for name in GALLERY}
    sources = {
        f"{name}-{theme}": write_tikz(drawing.picture, theme)
        for name, drawing in drawings.items()
        for theme in ("light", "dark")
    }
    for name, (width, height) in set_in_tex(tmp_path, TIKZ, sources).items():
        picture = drawings[name.rpartition("-")[0]].picture
        assert (width, height) == pytest.approx((1.00375 * picture.width, 1.00375 * picture.height), abs=6), name


@needs_tex
def test_hostile_names_are_set_as_text(tmp_path):
    points = [Point(text, text, 1e9 + i * 1e8, float(i), text[:30]) for i, text in enumerate(HOSTILE)]
    near = [point._replace(family=text, cost=1e9) for point, text in zip(points, reversed(HOSTILE), strict=True)]
    charts = {"trade-off": trade_off(points), "candidates": candidates(near, cost=HOSTILE[7])}
    set_in_tex(tmp_path, PGFPLOTS, {name: chart.tex() for name, chart in charts.items()})
    drawings = [Drawing(hostile_network(text), Look()) for text in HOSTILE if set(text) & set("\\{}$&#%^~_")]
    set_in_tex(tmp_path, TIKZ, {f"hostile-{i}": write_tikz(drawing.picture) for i, drawing in enumerate(drawings)})
    assert not (tmp_path / "x").exists(), "nothing was run"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_no_commands(text):
    def points(name):
        return [Point(name, name, 1.0, 2.0, name), Point(name, "b", 2.0, 3.0, name), Point("c", "d", 2.0, 3.0, name)]

    source, expected = trade_off(points(text), text, text).tex(), trade_off(points("a")).tex()
    assert source.count("\n") == expected.count("\n"), "no line of its own"
    known = {
        *re.findall(r"\\[a-zA-Z]+", expected),
        *re.findall(r"\\text[a-z]+", source),
        r"\ldots",
        r"\times",
        r"\cdot",
    }
    assert set(re.findall(r"\\[a-zA-Z]+", source)) <= known
    assert source.count("{") - source.count(r"\{") == source.count("}") - source.count(r"\}")
