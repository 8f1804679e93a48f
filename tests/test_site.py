"""The documentation as a site: it builds without a warning, and its pages look and work as readers need them."""

import functools
import http.server
import re
import shutil
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from patience import HUNG
from test_report import browser, needs_browser  # noqa: F401  (a fixture)

ROOT = Path(__file__).parent.parent
PAGES = sorted(path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in ROOT.glob("docs/**/*.md"))
needs_zensical = pytest.mark.skipif(find_spec("zensical") is None, reason="no Zensical: pip install 'spinec[docs]'")
WIDTHS = (390, 1280)


def build(folder, added=""):
    """What building a copy of the documentation gives, with something added to a page; the site is in `folder`."""
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    with (folder / "docs" / "tutorial.md").open("a") as page:
        page.write(added)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(folder / "mkdocs.yml")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def pages_of(entry):
    match entry:
        case dict():
            return [page for value in entry.values() for page in pages_of(value)]
        case list():
            return [page for value in entry for page in pages_of(value)]
    return [entry]


def test_every_page_is_in_the_navigation_once():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert sorted(pages_of(config["nav"])) == sorted(f"{page}.md" for page in PAGES)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of the site, built and served."""
    folder = tmp_path_factory.mktemp("documentation")
    built = build(folder)
    assert built.returncode == 0, built.stdout + built.stderr

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder / "site")
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@needs_zensical
@pytest.mark.parametrize("link", ["no-such-page.md", "language.md#no-such-place"])
def test_a_broken_link_is_refused(tmp_path, link):
    assert build(tmp_path, f"\n[broken]({link})\n").returncode != 0


@pytest.fixture(params=["light", "dark"])
def reader(browser, site, request):  # noqa: F811
    """A page that nothing may be said on, and that may ask nothing of anybody but the site."""
    context = browser.new_context(color_scheme=request.param)
    opened, said, asked = context.new_page(), [], []
    opened.set_default_timeout(1000 * HUNG)
    opened.on("console", lambda message: message.type in ("error", "warning") and said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda asking: asked.append(asking.url))
    yield opened
    context.close()
    assert said == []
    assert {url for url in asked if not url.startswith(site)} == set()


def brightness(page):
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@needs_zensical
@needs_browser
def test_every_page_fits_every_screen_in_light_and_dark(reader, site, request):
    dark = request.node.callspec.params["reader"] == "dark"
    for name in PAGES:
        reader.goto(f"{site}/{name}.html")
        assert (brightness(reader) < 50) == dark, name
        missing = "[...document.images].filter(each => !each.complete || !each.naturalWidth).map(each => each.src)"
        assert reader.evaluate(missing) == [], name
        for width in WIDTHS:
            reader.set_viewport_size({"width": width, "height": 900})
            assert reader.evaluate("document.documentElement.scrollWidth") <= width, (name, width)


@needs_zensical
@needs_browser
def test_search_finds_a_field_of_the_language(reader, site):
    reader.goto(f"{site}/index.html")
    reader.locator(".md-search__button").click()
    reader.get_by_role("combobox").fill("squeeze_multiple")
    reader.locator('a:visible[href$="#mbconv"]').click()
    reader.wait_for_url("**#mbconv")
    assert "language.html" in reader.url
    assert reader.locator("#mbconv").is_visible()


@needs_zensical
@needs_browser
def test_pictures_follow_the_page_where_it_is_switched_to_dark(browser, site):  # noqa: F811
    """A picture says of itself whether it is light or dark: by the page that shows it, not by the system alone."""
    page = browser.new_page(color_scheme="light", viewport={"width": 1280, "height": 900})
    page.set_default_timeout(1000 * HUNG)
    page.goto(f"{site}/index.html")
    before = page.locator("img").first.screenshot()
    for _ in range(2):
        page.locator("label[for^=__palette]:visible").first.click()
    assert brightness(page) < 50
    assert page.locator("img").first.screenshot() != before
    page.close()


@needs_zensical
@needs_browser
@pytest.mark.parametrize("name", ["index", "language"])
def test_every_text_has_contrast(reader, site, name):
    from axe_playwright_python.sync_playwright import Axe

    reader.goto(f"{site}/{name}.html")
    found = Axe().run(reader, options={"runOnly": ["color-contrast"]})
    assert [node["html"] for each in found.response["violations"] for node in each["nodes"]] == []
