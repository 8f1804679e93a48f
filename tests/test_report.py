"""The report as its readers meet it: in a browser, with a mouse, with a keyboard, with a screen reader; and as a file."""

import html
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from patience import HUNG

from spinec import SpecError, cost, diff, draw, emit, load, lower
from spinec.spec.conventions import CONVENTIONS
from spinec.visualize.report import Source, write_report

BROWSER = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
needs_browser = pytest.mark.skipif(
    BROWSER is None and not os.environ.get("SPINEC_NEEDS_BROWSER"), reason="no Chromium: apt-get install chromium"
)


def report_on(*names, **options):
    reports = [cost(lower(load(name))) for name in names]
    sources = {each.program.name: [Source("as source for pytorch", "python", emit(each.program))] for each in reports}
    return write_report(reports, sources, **options)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_on("eff-spinenet-d0", "eff-spinenet-d1"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert BROWSER, "SPINEC_NEEDS_BROWSER is set, and there is no Chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS, timeout=1000 * HUNG)
        yield launched
        launched.close()


@pytest.fixture
def page(browser, page_file):
    """The report, opened."""
    yield from opened_in(browser, page_file)


@pytest.fixture
def drawn_page(browser, tmp_path):
    """The page of a drawing, opened."""
    draw(load("eff-spinenet-d0"), fold=True).save(path := tmp_path / "d0.html")
    yield from opened_in(browser, path)


def whole_page_passes_axe(browser, page_file, scheme, picture):
    """A page with all that can be unfolded open, in one colour scheme; its picture is kept where one is asked for."""
    from axe_playwright_python.sync_playwright import Axe

    opened = browser.new_page(color_scheme=scheme, bypass_csp=True)
    opened.goto(page_file.as_uri())
    for details in opened.locator("details").all():
        details.evaluate("each => each.open = true")
    found = Axe().run(opened)
    opened.screenshot(path=picture, full_page=True)
    opened.close()
    assert found.violations_count == 0, found.generate_report()


def opened_in(browser, page_file):
    """A page; nothing may be said on its console, and nothing be asked of the network."""
    opened = browser.new_page(viewport={"width": 1600, "height": 1000})
    opened.set_default_timeout(1000 * HUNG)
    said, asked = [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(page_file.as_uri())
    yield opened
    opened.close()
    assert said == []
    assert asked == [page_file.as_uri()]


def card(page):
    return page.locator("#spec-1 .card").inner_text()


def box(page, name):
    return page.locator(f"#spec-1 [data-name='{name}']")


def column(page, place):
    return page.locator(f"#spec-1 table.sortable >> nth=0 >> tbody tr:visible td:nth-child({place})").all_inner_texts()


@needs_browser
def test_diagrams_open_whole(page):
    for diagram in page.locator(".diagram").all():
        inner, outer = diagram.locator("svg").bounding_box(), diagram.bounding_box()
        assert inner["width"] <= outer["width"]
        assert inner["height"] <= outer["height"]


@needs_browser
def test_one_convention_is_shown_and_the_others_when_asked_for(page):
    def heads():
        shown = page.locator("#spec-1 table.sortable >> nth=0 >> thead th:visible").all_inner_texts()
        return [text.split(" ↕")[0] for text in shown]

    usual = ["block", "kind", "level", "dim", "repeats", "inputs"]
    rest = ["parameters", "activation bytes"]
    assert heads() == [*usual, "multiply-adds, conv", "% of multiply-adds, conv", *rest]
    page.locator("#spec-1 .convention").select_option("thop")
    assert heads() == [*usual, "multiply-adds, thop", "% of multiply-adds, thop", *rest]
    page.locator("#spec-1 .convention").select_option("")
    assert len(heads()) == len(usual) + 2 * len(CONVENTIONS) + len(rest)
    box(page, "b10").click()
    usual, others = page.locator("#spec-1 .card dl").nth(1), page.locator("#spec-1 .card details dl")
    assert "parameters" in usual.inner_text()
    assert not others.is_visible()
    page.locator("#spec-1 .card summary").click()
    assert "multiply-adds, thop" in others.inner_text()


@needs_browser
def test_pointing_at_a_block_shows_what_it_is(page):
    box(page, "b10").hover()
    shown = card(page)
    for text in (
        "b10",
        "mbconv",
        "168 × 16 × 16",
        "5, stride 32",
        "sees",
        "kernel",
        "parameters",
        "s2d",
        "space_to_depth",
    ):
        assert text in shown, text
    report = cost(lower(load("eff-spinenet-d0")))
    assert f"{report.by('block')['b10'].macs():,}" in shown
    box(page, "b5").hover()
    assert "104 × 32 × 32" in card(page)


@needs_browser
def test_a_click_pins_a_block_and_isolates_its_paths(page):
    box(page, "b8").click()
    box(page, "b1").hover()
    assert card(page).startswith("b8"), "a pinned block stays"
    faded = set(page.eval_on_selector_all("#spec-1 [data-name].faded", "found => found.map(each => each.dataset.name)"))
    assert faded == {"b9"}, "b8 neither reads b9 nor feeds it; it depends on, or feeds, all others"
    assert box(page, "b8").get_attribute("aria-pressed") == "true"
    box(page, "b8").click()
    assert page.locator("#spec-1 .faded").count() == 0
    box(page, "b1").hover()
    assert card(page).startswith("b1")


@needs_browser
def test_the_keyboard_reaches_everything(page):
    box(page, "image").focus()
    for expected in ("stem", "b1", "b2"):
        page.keyboard.press("ArrowRight")
        assert card(page).startswith(expected)
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    assert card(page).startswith("b2"), "pinned"
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    assert card(page).startswith("b3")


@needs_browser
def test_tables_sort_by_every_column(page):
    table = page.locator("#spec-1 table.sortable").first
    header = table.locator("th", has_text="parameters")
    header.locator("button").click()
    titles = table.locator("th").all_inner_texts()
    place = next(i for i, title in enumerate(titles, 1) if title.startswith("parameters"))
    values = [int(text.replace(",", "")) for text in column(page, place)]
    assert values == sorted(values, reverse=True)
    assert header.get_attribute("aria-sort") == "descending"
    header.locator("button").click()
    values = [int(text.replace(",", "")) for text in column(page, place)]
    assert values == sorted(values)
    table.locator("th", has_text="block").locator("button").click()
    table.locator("th", has_text="block").locator("button").click()
    names = column(page, 1)
    assert names.index("b2") < names.index("b10"), "names sort as people count"
    assert header.get_attribute("aria-sort") == "none"


@needs_browser
def test_filtering_keeps_what_matches(page):
    page.locator("#spec-1 .filter").fill("b16")
    assert column(page, 1) == ["b16", "b17", "b18"], "b16 itself, and those that read it"
    assert page.locator("#spec-1 .found").inner_text().startswith("3 of")
    assert page.locator("#spec-1 [data-name='b16'].faded").count() == 0
    assert page.locator("#spec-1 [data-name='b2'].faded").count() == 1
    page.locator("#spec-1 .filter").fill("")
    assert page.locator("#spec-1 .faded").count() == 0


@needs_browser
def test_colours_switch_to_a_heat_map_and_back(page):
    first = box(page, "b1").locator("text").last.text_content()
    page.locator("#spec-1 .metric").select_option("macs")
    assert box(page, "b1").locator("text").last.text_content().endswith("%")
    assert "%" in page.locator("#spec-1 .scale").inner_text()
    assert box(page, "b1").locator(".box").last.evaluate("each => each.style.fill") != ""
    page.locator("#spec-1 .metric").select_option("kind")
    assert box(page, "b1").locator("text").last.text_content() == first
    assert box(page, "b1").locator(".box").last.evaluate("each => each.style.fill") == ""


@needs_browser
def test_zoom_and_theme(page):
    width = "document.querySelector('#spec-1 .diagram svg').getBoundingClientRect().width"
    before = page.evaluate(width)
    page.locator("#spec-1 .closer").click()
    assert page.evaluate(width) == pytest.approx(1.25 * before, rel=0.01)
    page.locator("#spec-1 .whole").click()
    assert page.evaluate(width) <= page.evaluate("document.querySelector('#spec-1 .diagram').clientWidth")
    paper = "getComputedStyle(document.body).backgroundColor"
    inner = "getComputedStyle(document.querySelector('#spec-1 .paper')).fill"
    light = page.evaluate(paper)
    page.locator("#theme").click()
    assert page.evaluate(paper) != light
    assert page.evaluate(inner) == page.evaluate(paper)


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, page_file, scheme):
    from axe_playwright_python.sync_playwright import Axe

    opened = browser.new_page(color_scheme=scheme, bypass_csp=True)
    opened.set_default_timeout(1000 * HUNG)
    opened.goto(page_file.as_uri())
    opened.evaluate("document.querySelector('details').open = true")  # the longer source takes axe a minute
    box(opened, "b10").hover()
    rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else None  # all else is the same in the dark
    found = Axe().run(opened, options=rules)
    opened.close()
    assert found.violations_count == 0, found.generate_report()


@needs_browser
def test_it_has_the_size_of_its_window(page):
    for width in (1600, 700, 400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_diagram_part_is_small():
    text = report_on("eff-spinenet-d0", charts=False)
    (svg,) = re.findall("<svg.*?</svg>", text, re.DOTALL)
    (data,) = re.findall('<script type="application/json">.*?</script>', text, re.DOTALL)
    style = re.search("<style>.*?</style>", text, re.DOTALL)[0]
    script = re.findall("<script>.*?</script>", text, re.DOTALL)[-1]
    assert len((svg + data + style + script).encode()) <= 100_000


def test_the_page_of_a_drawing_is_small(tmp_path):
    draw(load("eff-spinenet-d0"), theme="dark").save(path := tmp_path / "d0.html")
    assert path.stat().st_size <= 130_000  # a third of it is the table of blocks, in every convention
    text = path.read_text(encoding="utf-8")
    assert 'data-theme="dark"' in text
    assert "Source" not in text, "an empty part has no heading"


@needs_browser
def test_the_page_of_a_drawing_can_be_pointed_at(drawn_page):
    box(drawn_page, "b4").hover()
    assert all(part in card(drawn_page) for part in ("b4: mbconv", "70,779,456", "1×1", "b6"))
    drawn_page.locator(".filter").fill("b12")
    faded = set(drawn_page.eval_on_selector_all("#spec-1 .faded", "found => found.map(each => each.dataset.name)"))
    assert "b4" in faded
    assert "b12" not in faded


def test_a_page_shows_one_network_and_lets_its_reader_choose_colours(tmp_path):
    d0, d1 = load("eff-spinenet-d0"), load("eff-spinenet-d1")
    with pytest.raises(SpecError, match="its reader chooses what colours mean"):
        draw(d0, "macs").save(tmp_path / "x.html")
    with pytest.raises(SpecError, match="'spinec report A B' does that"):
        diff(d0, d1).draw().save(tmp_path / "x.html")
    assert not list(tmp_path.iterdir())


def test_nothing_is_loaded_from_anywhere():
    text = report_on("eff-spinenet-d0")
    assert "default-src 'none'" in html.unescape(text)
    assert not re.search(r"(src|href)=[\"'](?!#)", text), "nothing refers to another file"
    assert not re.search(r"url\((?!#)", text), "but for clip paths of the page itself"
    assert "@import" not in text


def test_the_same_bytes_in_every_run():
    assert report_on("eff-spinenet-m0") == report_on("eff-spinenet-m0")


def test_figures_are_those_of_the_report():
    report = cost(lower(load("eff-spinenet-d0")))
    text = write_report([report], charts=False)
    data = json.loads(re.search('<script type="application/json">(.*?)</script>', text, re.DOTALL)[1])
    for name, count in report.by("block").items():
        if name in report.program.spec.blocks:
            shown = dict(zip(data["costs"], data["nodes"][name]["cost"], strict=True))
            assert shown["multiply-adds, conv"] == f"{count.macs():,}"
            assert sum(op[3] for op in data["nodes"][name]["ops"]) == count.macs()
            height, width = report.receptive_fields[name]
            assert dict(data["nodes"][name]["fields"])["sees"] == f"{height} × {width} pixels"


@needs_browser
def test_screenshots(page, tmp_path):
    """Something is drawn: pictures of the page in both themes, kept where CI can find them."""
    folder = Path(os.environ.get("SPINEC_SCREENSHOTS", tmp_path))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=folder / f"report-{scheme}.png")
        assert (folder / f"report-{scheme}.png").stat().st_size > 50_000
