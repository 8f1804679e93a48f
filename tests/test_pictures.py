"""Pictures as files: the same bytes every time, well-formed in every format, and text that stays text."""

import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_golden import GOLDEN
from test_layout import pyramid

from benchmarks.large import large_spec
from spinec import cost, draw, fit, load, loads, lower, names
from spinec.spec.files import write_whole
from spinec.spec.kinds.library import KINDS
from spinec.visualize.charts import Point, breakdown, candidates, distribution, published_points, trade_off
from spinec.visualize.diagram.heat import COLORS, heat_of
from spinec.visualize.diagram.layout import Look
from spinec.visualize.diagram.network import network_of
from spinec.visualize.difference import diff
from spinec.visualize.draw import FORMATS, writer_of
from spinec.visualize.formats.dot import write_dot
from spinec.visualize.formats.mermaid import MOST_CHARACTERS, MOST_EDGES, write_mermaid
from spinec.visualize.formats.tikz import write_tikz
from spinec.visualize.style.palette import DARK, LIGHT, SERIES, contrast, heat_fill, kind_colours, kind_shape, text_on

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "</title><script>alert(1)</script>",
    "</text></svg><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    '" onload="alert(1)',
    "' onclick='alert(1)",
    "&lt;b&gt;",
    "\\input{/etc/passwd}",
    "\\write18{touch x}",
    "$x^2$ %comment # & ~ _ { } ^^M",
    '"]; end; click n0 "javascript:alert(1)"',
    'a"; b -> c; //',
    'a\\"; b',
    "%%{init: {}}%%",
    "\u202eegnarts\u202c",
    "a\nb\rc\x00d\x1b[31m",
    "名前",
    "x" * 300,
]


def document(svg):
    return ElementTree.fromstring(svg.removeprefix("\ufeff"))


@pytest.mark.parametrize("name", names())
def test_library_pictures_are_what_they_were(golden, name):
    """Digests of every picture of the library; the pictures themselves are compared below for some."""
    program = lower(load(name))
    report = cost(program)
    texts = {
        "svg": draw(report).svg,
        "svg, macs, dark": draw(report, "macs", theme="dark").svg,
        "svg, unfolded, no labels": draw(report, unfold=True, labels=False, theme="light").svg,
        "tex": write_tikz(draw(report).picture),
        "mmd": write_mermaid(draw(report).network),
        "dot": write_dot(program),
        "dot, depth 2": write_dot(program, 2),
    }
    lines = [f"{hashlib.sha256(text.encode()).hexdigest()}  {form}\n" for form, text in texts.items()]
    golden(GOLDEN / "pictures" / "digests" / f"{name}.txt", "".join(lines))


def test_the_gallery_is_what_it_was(golden):
    """A digest of every picture of the library in either theme, in one file that `sha256sum` reads."""
    lines = []
    for name in names():
        report = cost(lower(load(name)))
        for theme in ("light", "dark"):
            digest = hashlib.sha256(draw(report, theme=theme).svg.encode()).hexdigest()
            lines.append(f"{digest}  {name}-{theme}.svg\n")
    assert len({line.split()[0] for line in lines}) == len(lines) >= 30, "no picture is another's"
    golden(GOLDEN / "pictures" / "gallery.sha256", "".join(lines))


def test_some_pictures_as_they_are(golden):
    report = cost(lower(load("eff-spinenet-d0")))
    golden(GOLDEN / "pictures" / "eff-spinenet-d0.svg", draw(report).svg)
    golden(GOLDEN / "pictures" / "eff-spinenet-d0.mmd", write_mermaid(draw(report).network))
    golden(GOLDEN / "pictures" / "eff-spinenet-d0.tex", write_tikz(draw(report).picture))
    golden(GOLDEN / "pictures" / "eff-spinenet-d0.dot", write_dot(report.program, 2))


def test_documentation_shows_what_the_command_makes():
    docs = Path(__file__).parent.parent / "docs"
    sys.path.insert(0, str(docs.parent / "tools"))
    from make_pictures import pictures

    made = pictures()
    by_graphviz = {name.replace(".dot", ".svg") for name in made}
    learned = {"detected.jpg"}  # docs/how-to/detect.md says by what
    assert {path.name for path in (docs / "pictures").iterdir()} == {*made, *by_graphviz, *learned}
    for name, text in made.items():
        assert (docs / "pictures" / name).read_text(encoding="utf-8") == text, f"{name}: run 'make pictures'"
    readme = (docs.parent / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\(docs/pictures/([\w-]+\.svg)\)", readme), "the README shows pictures"


def test_raster_files_are_what_they_say(tmp_path):
    from PIL import Image

    drawing = draw(load("eff-spinenet-m0"), theme="dark")
    drawing.save(tmp_path / "x.png")
    picture = Image.open(tmp_path / "x.png")
    assert picture.size == pytest.approx((2 * drawing.picture.width, 2 * drawing.picture.height), abs=2)
    corner = "#" + "".join(f"{part:02x}" for part in picture.convert("RGB").getpixel((1, 1)))
    assert corner == DARK.paper
    drawing.save(tmp_path / "x.pdf")
    data = (tmp_path / "x.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert b"/FontFile2" in data, "fonts are embedded"


def test_a_picture_is_not_too_large_for_a_png(tmp_path):
    draw(loads(large_spec(250)), labels=False).save(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 10_000


def test_an_unknown_format_is_refused_before_anything_is_drawn(tmp_path):
    from spinec import SpecError

    with pytest.raises(SpecError, match=r"no picture is written as '.gif'"):
        writer_of(tmp_path / "x.gif")


# What pictures say


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("color", [color for color in COLORS if color not in ("kind", "intensity")])
def test_shares_add_up_to_a_hundred(name, color):
    network = network_of(cost(lower(load(name))))
    notes = heat_of(network, color, "conv").notes
    assert sum(int(note.removesuffix(" %").replace(".", "")) for note in notes.values()) == 1000


def test_a_block_that_does_nothing_is_drawn():
    text = """
name: still
blocks:
  stem: {kind: conv, level: 1, dim: 8, inputs: [image]}
  same: {kind: identity, level: 1, dim: 8, activation: none, inputs: [stem]}
outputs: {P1: same}
"""
    still = network_of(cost(lower(loads(text), 64))).blocks[1]
    assert (still.name, still.cost.macs(), still.cost.params) == ("same", 0, 0)


def test_costs_of_boxes_and_arrows_are_those_of_the_report():
    report = cost(lower(load("eff-spinenet-d1")))
    costs = report.by("block")
    for unfold in (False, True):
        network = network_of(report, unfold=unfold)
        macs = {}
        for node in network.blocks:
            macs[node.block] = macs.get(node.block, 0) + node.cost.macs()
        for name, count in macs.items():
            part = report.by("part")
            assert count <= costs[name].macs()
            if not unfold:
                assert count == costs[name].macs()
        resample = sum(
            edge.cost.macs() for edge in network.edges if edge.cost and edge.target not in report.program.spec.outputs
        )
        assert resample == part["resample"].macs()
    unfolded = network_of(report, unfold=True)
    assert len(unfolded.blocks) == sum(block.repeats for block in report.program.spec.blocks.values())
    assert sum(node.repeats for node in network_of(report).blocks) == len(unfolded.blocks)


def test_arrows_say_what_lowering_does():
    steps = {
        (edge.source, edge.target): [step.short for step in edge.steps]
        for edge in draw(load("eff-spinenet-d0")).network.edges
    }
    assert steps["b7", "b17"] == ["s2d", "dw s2 ×2", "1×1"]
    assert steps["b12", "b15"] == ["1×1", "up ×4"]
    assert steps["b3", "b4"] == []
    assert steps["b2", "b3"] == ["1×1"]
    assert steps["image", "stem"] == ["stride 2"]
    assert steps["b15", "P3"] == ["1×1"]
    ways = {"depthwise": ["dw s2", "1×1"], "conv": ["3×3 s2"], "max_pool": ["1×1", "max pool s2"]}
    for way, expected in ways.items():
        text = (
            "name: t\ninput: {size: 65}\nblocks:\n  a: {level: 1, kind: conv, dim: 8, inputs: [image]}\n"
            "  b: {level: 2, kind: conv, dim: 8, inputs: [a]}\n"
            f"  c: {{level: 2, kind: conv, dim: 16, inputs: [{{from: a, down: {way}}}, b]}}\noutputs: {{P2: c}}\n"
        )
        edges = draw(loads(text)).network.edges
        assert [
            step.short for step in next(edge for edge in edges if (edge.source, edge.target) == ("a", "c")).steps
        ] == expected


def steps_of(name, size=None):
    return [[step.short for step in edge.steps] for edge in network_of(cost(lower(load(name), size))).edges]


@pytest.mark.parametrize("name", names())
def test_arrows_say_the_same_at_every_size_but_for_what_is_padded_or_cropped(name):
    own, other = (
        [[step for step in steps if step not in {"pad", "crop"}] for steps in steps_of(name, size)]
        for size in (None, 96)
    )
    assert own == other


def test_arrows_say_what_is_padded_and_cropped():
    assert {("pad", "s2d", "dw s2", "1×1"), ("1×1", "up ×4", "crop")} <= {*map(tuple, steps_of("eff-spinenet-m0", 96))}
    assert ("1×1", "up ×2", "crop", "1×1") in {*map(tuple, steps_of("spinenet-49", 96))}


def test_repeats_outputs_and_head_are_marked():
    svg = draw(load("eff-spinenet-d2")).svg
    assert ">b10 ×2<" in svg
    assert svg.count('class="k0 out"') >= 5
    assert "retinanet head" in svg


def test_chains_of_equal_blocks_fold_into_one():
    report = cost(lower(load("efficientnet-b0")))
    plain, folded = draw(report).network, draw(report, fold=True).network
    assert [(node.name, node.repeats) for node in folded.blocks] == [
        ("stem", 1), ("b1", 1), ("b2 … b3", 2), ("b4 … b5", 2), ("b6 … b8", 3), ("b9 … b11", 3), ("b12 … b15", 4), ("b16", 1),
    ]  # fmt: skip
    assert sum(node.cost.macs() for node in folded.blocks) == sum(node.cost.macs() for node in plain.blocks)
    assert len(folded.edges) == len(plain.edges) - (len(plain.blocks) - len(folded.blocks))
    permuted = cost(lower(load("eff-spinenet-d2")))
    assert draw(permuted, fold=True).network == draw(permuted).network, "nothing to fold where scales are permuted"


def test_own_values_are_painted():
    drawing = draw(load("eff-spinenet-d0"), values={"b1": 2.5, "b2": 5.0})
    boxes = {box.name: box for box in drawing.picture.boxes}
    assert (boxes["b1"].heat, boxes["b2"].heat, boxes["b3"].heat) == (0.5, 1.0, None)
    assert boxes["b1"].texts[1].text == "2.5"
    with pytest.raises(ValueError, match="no such block; did you mean 'b18'"):
        draw(load("eff-spinenet-d0"), values={"b188": 1.0})


def test_every_kind_is_told_apart_without_colour():
    kinds = list(KINDS)
    looks = [(kind_shape(kind), kind_colours(LIGHT, kind)) for kind in kinds]
    assert len(set(looks)) == len(kinds)


# Accessibility


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_enough(colours):
    for ground in (colours.paper, colours.band):
        for text in (
            colours.ink,
            colours.muted,
            colours.down,
            colours.up,
            colours.output,
            colours.added,
            colours.changed,
        ):
            assert contrast(text, ground) >= 4.5, (text, ground)
        for mark in (colours.line, *(stroke for _, stroke in colours.kinds), *SERIES):
            assert contrast(mark, ground) >= 3, (mark, ground)
    for fill, _ in colours.kinds:
        assert contrast(colours.ink, fill) >= 4.5, fill


def test_text_reads_on_every_heat():
    luminances = []
    for i in range(101):
        fill = heat_fill(i / 100)
        assert contrast(text_on(fill), fill) >= 4.5, fill
        luminances.append(contrast(fill, "#000000"))
    assert luminances == sorted(luminances, reverse=True), "the order survives without colour"


def test_svg_says_what_it_is():
    root = document(draw(load("eff-spinenet-d0")).svg)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "eff-spinenet-d0"
    words = root.find(f"{SVG}desc").text
    assert "19 blocks from level 1 to level 7" in words
    assert "P7 (64 × 4 × 4)" in words
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert "b10: mbconv, level 5, 168 × 16 × 16" in titles
    assert "b8 to b10: 1×1 convolution, nearest upsampling by 2" in titles


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_themes(theme):
    svg = draw(load("eff-spinenet-m0"), theme=theme).svg
    assert ("prefers-color-scheme" in svg) == (theme == "auto")
    assert (DARK.paper in svg) == (theme != "light")
    assert (LIGHT.paper in svg) == (theme != "dark")


# Hostile text


def hostile_network(text):
    network = network_of(cost(lower(load("eff-spinenet-m0"))))
    nodes = [node._replace(name=text) if node.name == "b1" else node for node in network.nodes]
    edges = [
        edge._replace(
            source=text if edge.source == "b1" else edge.source, target=text if edge.target == "b1" else edge.target
        )
        for edge in network.edges
    ]
    from dataclasses import replace

    return replace(network, name=text, nodes=tuple(nodes), edges=tuple(edges))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(text):
    from spinec.visualize.draw import Drawing
    from spinec.visualize.formats.svg import write_svg

    clean = hostile_network("b1")
    network = hostile_network(text)
    look = Look(wrap=False)  # a name of 300 letters makes a picture so wide that it would be cut
    drawing, plain = Drawing(network, look), Drawing(clean, look)
    for interactive in (False, True):
        root = document(write_svg(drawing.picture, "auto", interactive=interactive))
        expected = document(write_svg(plain.picture, "auto", interactive=interactive))
        assert [each.tag for each in root.iter()] == [each.tag for each in expected.iter()], "no element of its own"
        assert [sorted(each.attrib) for each in root.iter()] == [sorted(each.attrib) for each in expected.iter()]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", drawing.svg)
    chart = write_mermaid(network)
    assert chart.count("\n") == write_mermaid(clean).count("\n"), "no line of its own"
    for label in re.findall(r'"(.*?)"', chart):
        assert re.fullmatch(r"[\w .,:\-×·#;]*", label), label
    source = write_tikz(drawing.picture)
    assert source.count("\n") == write_tikz(plain.picture).count("\n")
    assert set(re.findall(r"\\[a-zA-Z]+", source)) <= {
        *re.findall(r"\\[a-zA-Z]+", write_tikz(plain.picture)), r"\textbackslash", r"\textasciicircum", r"\textasciitilde",
        r"\textless", r"\textgreater", r"\textbar", r"\textasciigrave", r"\ldots", r"\cdot",
    }  # fmt: skip
    assert source.count("{") - source.count(r"\{") == source.count("}") - source.count(r"\}")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text_in_dot(text):
    import graphviz

    from spinec.visualize.formats.dot import _label

    drawn = graphviz.Digraph()
    drawn.node("a", _label(text))
    drawn.edge("b", "c")
    (line,) = [line for line in drawn.source.splitlines() if "label" in line]
    assert re.fullmatch(r'\ta \[label=("([^"\\\x00-\x1f]|\\["\\n])*"|\w+)\]', line), line
    if shutil.which("dot"):
        source = drawn.source
        found = json.loads(
            subprocess.run(["dot", "-Tjson"], input=source.encode(), capture_output=True, check=True).stdout
        )
        assert [node["name"] for node in found["objects"]] == ["a", "b", "c"]


@pytest.mark.filterwarnings("ignore:Glyph")  # the font that ships with matplotlib has no ideographs
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text_in_charts(text):
    root = document(trade_off([Point(text, text, 1.0, 2.0, text), Point("b", "c", 2.0, 3.0, text)]).svg())
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert not [name for each in root.iter() for name in each.attrib if name.startswith("on")]


def test_hostile_text_in_a_report():
    from spinec.visualize.report import Source, write_report

    report = cost(lower(load("eff-spinenet-m0")))
    spec = report.program.spec.model_copy(update={"source": "</script><script>alert(1)</script><!--"})
    object.__setattr__(report.program, "spec", spec)
    text = write_report(
        [report], {spec.name: [Source("<b>", "python", "x = '</pre><script>alert(2)</script>'")]}, charts=False
    )
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert text.count("</script>") == 2, "the data and the page's own"


def test_data_in_a_report_cannot_end_its_element():
    from spinec.visualize.page.section import _json

    text = str(_json({"</script><script>alert(1)</script>": "<!--&"}))
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"</script><script>alert(1)</script>": "<!--&"}


# Mermaid


@pytest.mark.parametrize(
    "make", [lambda: loads(large_spec(1000)), lambda: loads(pyramid(40)), lambda: load("eff-spinenet-d2")]
)
def test_mermaid_stays_within_its_limits(make):
    network = draw(make()).network
    chart = write_mermaid(network)
    assert chart.count(" --> ") + chart.count(" -->|") < MOST_EDGES
    assert len(chart) < MOST_CHARACTERS
    assert ("%% folded" in chart) == (len(network.edges) >= MOST_EDGES)
    declared = set(re.findall(r"^  (n\d+)[\[(]", chart, re.MULTILINE))
    used = set(re.findall(r"\bn\d+\b", "\n".join(line for line in chart.splitlines() if "-->" in line)))
    assert used <= declared


def test_dot_is_read_by_graphviz():
    if not shutil.which("dot"):
        pytest.skip("no Graphviz: apt-get install graphviz")
    program = lower(load("eff-spinenet-d0"))
    for depth, clusters in ((1, 0), (2, len(program.graph.nodes)), (99, None)):
        source = write_dot(program, depth)
        found = json.loads(
            subprocess.run(["dot", "-Tdot_json"], input=source.encode(), capture_output=True, check=True).stdout
        )
        named = {each["name"] for each in found["objects"]}
        if depth == 99:
            assert {step.path for step in program.steps} <= named, "every op"
        assert clusters is None or sum(name.startswith("cluster ") for name in named) == clusters


# Charts


def test_charts_show_the_tables_behind_them():
    reports = [cost(lower(load(name))) for name in ("sp-efficientnet-b0", "eff-spinenet-d0")]
    table = distribution(reports).table
    assert len(table.rows) == 38
    by_name = {(row[0], row[1]): row for row in table.rows}
    assert by_name["eff-spinenet-d0", "b10"][2:4] == [5, 168]
    for report in reports:
        assert sum(round(10 * row[4]) for row in table.rows if row[0] == report.program.name) == 1000
    levels = breakdown(reports[1]).table
    assert sum(row[1] for row in levels.rows) == reports[1].macs()
    assert sum(row[3] for row in levels.rows) == reports[1].params


def test_published_points_are_those_of_the_library():
    points = {point.name: point for point in published_points(cost(lower(load(name))) for name in names())}
    assert points["eff-spinenet-d0"] == Point("eff-spinenet-d", "eff-spinenet-d0", 2.5e9, 34.7, "AP, COCO")
    root = document(trade_off(points.values()).svg())
    shown = {each.text for each in root.iter(f"{SVG}text")}
    assert {point.name for point in points.values()} <= shown, "every point is named"


def test_candidates_near_the_centre_are_counted():
    points = [Point("", f"c{i}", cost_, 30.0) for i, cost_ in enumerate((0.85, 0.9, 1.0, 1.1, 1.15))]
    assert candidates(points, 1.0).table.about == {"centre": 1.0, "near_centre": 3, "candidates": 5}


# Notebooks and the command line


def test_notebooks_show_everything():
    spec = load("eff-spinenet-m0")
    program = lower(spec)
    report = cost(program)
    assert spec._repr_svg_() == program._repr_svg_() == draw(spec)._repr_svg_()
    assert "<table>" in report._repr_html_()
    assert report._repr_html_().count("<svg") == 1
    assert diff(spec, load("eff-spinenet-m1"))._repr_svg_().startswith("<svg")
    assert distribution([report])._repr_svg_().startswith("<svg")


@pytest.fixture(scope="module")
def shown():
    """What notebooks show, of a wide network, and its values by what they are."""
    spec = load("efficientdet-d0")
    program = lower(spec)
    report = cost(program)
    fitted = fit(load("eff-spinenet-m0"), macs=1e8)
    return {
        "spec": spec, "program": program, "report": report, "drawing": draw(spec, "macs"), "fitted": fitted,
        "difference": diff(spec, load("eff-spinenet-d0")), "chart": distribution([report]), "parts": report.by("block"),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["spec", "program", "report", "drawing", "fitted", "difference", "chart"])
def test_no_picture_is_wider_than_a_cell(shown, name):
    value = shown[name]
    text = value._repr_html_() if name == "report" else value._repr_svg_()
    root = text[text.index("<svg") :].partition(">")[0]
    assert 'style="max-width:100%;height:auto"' in root
    assert float(re.search(r'viewBox="0 0 ([\d.]+)', root)[1]) < 1500, "to be read at the width of a cell"


@pytest.mark.parametrize("name", ["spec", "program", "report", "drawing", "fitted", "difference", "chart"])
def test_values_say_what_they_are_in_a_line(shown, name):
    assert len(repr(shown[name])) < 160
    assert "\n" not in repr(shown[name])


def test_parts_of_a_report_are_a_table_of_counts(shown):
    parts = shown["parts"]
    assert repr(parts["b1"]) == (
        f"Count(macs={parts['b1'].macs()}, params={parts['b1'].params}, activations={parts['b1'].activations})"
    )
    page = parts._repr_html_()
    assert page.count("<tr>") == len(parts) + 2
    assert f"<td>{parts['b1'].macs():,}</td>" in page
    assert pickle.loads(pickle.dumps(dict(parts))) == parts


def test_blocks_without_a_value_are_plain():
    picture = draw(load("eff-spinenet-m0"), values={"b5": 3.0}).picture
    assert {box.name for box in picture.boxes if box.heat is not None} == {"b5"}
    assert {box.kind for box in picture.boxes if box.heat is None} <= {"plain", "image", "output"}
    assert "no value" in {text.text for text in picture.texts}
    full = draw(load("eff-spinenet-m0"), "macs").picture
    assert "no value" not in {text.text for text in full.texts}


def test_what_differs_beside_blocks_looks_changed():
    difference = diff(load("eff-spinenet-d0"), load("eff-spinenet-d1"))
    assert {change.field for change in difference.settings} == {"input.size", "endpoints.dim", "head.dim"}
    picture = difference.draw().picture
    statuses = {box.name: box.status for box in picture.boxes}
    assert {name: statuses[name] for name in ("image", "P3", "P7", "b16")} == {
        "image": "changed", "P3": "changed", "P7": "changed", "b16": "same",
    }  # fmt: skip
    assert next(text for text in picture.texts if text.text == "dim 64 → 88").role == "changed"
    assert next(box for box in picture.boxes if box.name == "P3").texts[1].text == "dim 64 → 88"
    same = diff(load("eff-spinenet-d0"), load("eff-spinenet-d0")).draw().picture
    assert {box.status for box in same.boxes} == {"same"}


def test_an_output_of_another_block_looks_changed():
    before = load("eff-spinenet-m0")
    after = before.model_copy(update={"outputs": dict(before.outputs) | {"P5": "b13"}})
    statuses = {box.name: box.status for box in diff(before, after).draw().picture.boxes if box.kind == "output"}
    assert {name for name, status in statuses.items() if status == "changed"} == {"P5"}


def test_every_format_from_the_command_line(spinec, tmp_path):
    for suffix in FORMATS:
        code, out, _ = spinec("draw", "eff-spinenet-m0", "-o", tmp_path / f"x{suffix}")
        assert (code, out) == (0, f"{tmp_path}/x{suffix}: 19 blocks, 41 arrows\n")
    assert spinec("draw", "eff-spinenet-m0", "-o", tmp_path / "x.dot", "--depth", "1")[0] == 0
    assert len(list(tmp_path.iterdir())) == len(FORMATS) + 1


def test_diff_from_the_command_line(spinec, tmp_path):
    code, out, _ = spinec("diff", "eff-spinenet-d0", "eff-spinenet-d1", "-o", tmp_path / "x.svg")
    assert code == 0
    assert "repeats 1 → 2" in out
    code, out, _ = spinec("diff", "eff-spinenet-d0", "eff-spinenet-d1", "--format", "json")
    assert [json.loads(out)["total"][f"params_{each}"] for each in ("before", "after")] == [3720200, 5176819]
    assert "no difference" in spinec("diff", "eff-spinenet-d0", "eff-spinenet-d0")[1]


def test_charts_from_the_command_line(spinec, tmp_path):
    (tmp_path / "results.csv").write_text("name,macs,score\na,1e9,30\nb,1.05e9,31\n")
    runs = [
        ("distribution", "eff-spinenet-m0", "eff-spinenet-m1"),
        ("levels", "eff-spinenet-m0"),
        ("categories", "eff-spinenet-m0"),
        ("tradeoff",),
        ("candidates", tmp_path / "results.csv"),
    ]
    for i, arguments in enumerate(runs):
        for suffix in ("svg", "tex", "json"):
            assert spinec("chart", *arguments, "-o", tmp_path / f"{i}.{suffix}")[0] == 0
        assert json.loads((tmp_path / f"{i}.json").read_text())["rows"]
    assert spinec("chart", "candidates", tmp_path / "none.csv", "-o", tmp_path / "x.svg")[0] == 1
    assert spinec("chart", "levels", "-o", tmp_path / "x.svg")[0] == 2
    assert not (tmp_path / "x.svg").exists()


def test_without_matplotlib_all_but_charts_and_rasters_work(spinec, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for suffix in (".svg", ".tex", ".mmd"):
        assert spinec("draw", "eff-spinenet-m0", "-o", tmp_path / f"x{suffix}")[0] == 0
    for suffix in (".tex", ".csv"):
        assert spinec("chart", "levels", "eff-spinenet-m0", "-o", tmp_path / f"chart{suffix}")[0] == 0
    assert spinec("report", "eff-spinenet-m0", "--no-charts", "-o", tmp_path / "x.html")[0] == 0
    for arguments in (
        ("draw", "eff-spinenet-m0", "-o", tmp_path / "x.png"),
        ("report", "eff-spinenet-m0", "-o", tmp_path / "y.html"),
    ):
        code, _, err = spinec(*arguments)
        assert (code, err) == (1, "matplotlib is not installed: pip install 'spinec[pictures]'\n")
        assert not Path(arguments[-1]).exists()


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "all of it")
    reader.join(10)
    assert read == ["all of it"]
    assert pipe.is_fifo()


def test_nothing_is_written_where_nothing_can_be(spinec, tmp_path):
    code, _, err = spinec("draw", "eff-spinenet-m0", "-o", tmp_path / "no" / "x.svg")
    assert code == 1
    assert "cannot be written" in err
