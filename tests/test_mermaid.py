"""Mermaid's own parser and renderer, in a browser, on what is written for it: `make mermaid` fetches them."""

import os
from pathlib import Path

import pytest
from patience import HUNG
from test_golden import GOLDEN
from test_pictures import HOSTILE, hostile_network
from test_report import BROWSER, browser  # noqa: F401  (a fixture)

from benchmarks.large import large_spec
from spinec import draw, load, loads, names
from spinec.visualize.formats.mermaid import write_mermaid

SCRIPT = Path(__file__).parent.parent / ".cache" / "mermaid" / "mermaid.min.js"
pytestmark = pytest.mark.skipif(
    not (SCRIPT.is_file() and BROWSER) and not os.environ.get("SPINEC_NEEDS_MERMAID"),
    reason="no Mermaid or no Chromium: make mermaid, apt-get install chromium",
)
PARSE = "text => mermaid.parse(text).then(found => found.diagramType, error => 'refused: ' + error.message)"
RENDER = """async text => {
  const {svg} = await mermaid.render('chart', text);
  const document = new DOMParser().parseFromString(svg, 'text/html');
  const texts = [...document.querySelectorAll('.node')].map(node => node.textContent);
  return [texts, document.querySelectorAll('script, a, [onclick], [onload]').length, svg.includes('Syntax error')];
}"""


@pytest.fixture(scope="module")
def mermaid(browser):  # noqa: F811  (the fixture that is imported)
    """A page with Mermaid in it, as a README shows charts: strictly, with its own limits."""
    page = browser.new_page()
    page.set_default_timeout(1000 * HUNG)
    page.add_script_tag(path=SCRIPT)
    page.evaluate("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")
    yield page
    page.close()


@pytest.mark.parametrize("path", sorted((GOLDEN / "pictures").glob("*.mmd")), ids=lambda path: path.name)
def test_goldens_are_read(mermaid, path):
    assert mermaid.evaluate(PARSE, path.read_text(encoding="utf-8")).startswith("flowchart")


def test_the_parser_refuses_what_is_wrong(mermaid):
    assert mermaid.evaluate(PARSE, "flowchart LR\n  a --> [").startswith("refused")


def test_every_chart_of_the_library_is_read(mermaid):
    for name in names():
        assert mermaid.evaluate(PARSE, write_mermaid(draw(load(name)).network)).startswith("flowchart"), name


@pytest.mark.parametrize(
    "make", [lambda: load("eff-spinenet-d0"), lambda: loads(large_spec(1000))], ids=["d0", "a thousand blocks"]
)
def test_charts_are_drawn_within_the_limits(mermaid, make):
    network = draw(make()).network
    texts, _, failed = mermaid.evaluate(RENDER, write_mermaid(network))
    assert not failed
    assert len(texts) > 20
    assert any("image" in text for text in texts)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_drawn_as_text(mermaid, text):
    texts, active, failed = mermaid.evaluate(RENDER, write_mermaid(hostile_network(text)))
    plain, _, _ = mermaid.evaluate(RENDER, write_mermaid(hostile_network("b1")))
    assert not failed
    assert not active, "nothing that runs"
    assert len(texts) == len(plain), "no node of its own"
