"""The report on runs: whole ones, one that goes on, one that was cut off; what differs, and what is found."""

import html
import os
import re
from pathlib import Path

import numpy as np
import pytest
from taught import DIGITS
from test_report import browser, needs_browser, opened_in, whole_page_passes_axe  # noqa: F401  (a fixture)

from spinec import TrainError, loads, lower
from spinec.spec.recipes.load import load_recipe
from spinec.train.folder import Needs, RunFolder
from spinec.train.history import read_history
from spinec.train.page import write_runs

pytest.importorskip("safetensors")
pytest.importorskip("matplotlib")

STEPS = 40
EVERY = 10


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    pytest.importorskip("sklearn")
    from spinec.train.sets.made import make_set

    folder = tmp_path_factory.mktemp("data") / "digits"
    make_set("digits", folder, size=64, train=2, val=6)
    return folder


def told(path, *, data="none", done=STEPS, rate=0.1, spec=DIGITS, best=20, judged=True, settings=()):
    """A run's folder as `spinec train` writes it, of so many steps, the best evaluation after some step."""
    program = lower(loads(spec))
    recipe = load_recipe("small-detection", [f"schedule.steps={STEPS}", f"optimizer.rate={rate}", "batch=8", *settings])
    run = RunFolder(path)
    run.begin(program, recipe, Needs(str(data)), STEPS)
    for step in range(1, done + 1):
        run.tell({"step": step, "rate": rate, "loss": 4 / step, "box": 1 / step, "gradient": 1.0, "seconds": 0.25})
        if judged and step % EVERY == 0:
            run.tell({"step": step, "AP": 0.5 - abs(step - best) / 100, "AP50": 0.625, "APl": None})
            weights = {
                name: np.full(shape, 0.01, "float32") for name, shape in {**program.weights, **program.state}.items()
            }
            run.judged(program, weights, best=step == best)
    return str(path)


def cells(page):
    """The rows of all tables as text, by the tables' titles."""
    found = {}
    for table in re.findall("<table.*?</table>", page, re.DOTALL):
        title = html.unescape(re.search("<caption>(.*?)</caption>", table)[1])
        rows = re.findall("<tr>(.*?)</tr>", table, re.DOTALL)
        found[title] = [[html.unescape(each) for each in re.findall("<td[^>]*>(.*?)</td>", row)] for row in rows][1:]
    return found


@pytest.fixture(scope="module")
def page(digits, tmp_path_factory):
    """Two runs of networks that differ, of which one is cut off in a line of its metrics."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("runs")
    names = [
        told(folder / "whole", data=digits),
        told(folder / "<cut>", data=digits, done=25, rate=0.3, best=10, spec=DIGITS.replace("relu", "swish")),
    ]
    with (folder / "<cut>" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 26, "lo')
    path = folder / "page.html"
    path.write_text(write_runs([read_history(name) for name in names], examples=3), encoding="utf-8")
    return path


def test_what_runs_have_come_to(page):
    tables = cells(page.read_text(encoding="utf-8"))
    whole, cut = tables["runs"]
    assert whole[1:7] == ["tiny", "small-detection", "pytorch", "40", "40", "8"]
    assert cut[4:7] == ["25", "40", "8"]
    assert cut[0].endswith("<cut>"), "a name is text, whatever it is"
    assert whole[9:11] == ["0.25", "32"], "seconds of a step, images a second"
    assert float(whole[7]) == pytest.approx(np.mean([4 / step for step in range(1, 41)]), rel=1e-3)
    evaluations = [row[1:] for row in tables["evaluations"]]
    assert evaluations == [
        ["best", "20", "0.5", "0.625"],
        ["last", "40", "0.3", "0.625"],
        ["best", "10", "0.5", "0.625"],
        ["last", "20", "0.4", "0.625"],
    ], "what no evaluation has, such as APl, has no column"


def test_what_differs_is_listed_and_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    settings = {row[0]: row[1:] for row in cells(text)["settings"]}
    assert settings["optimizer.rate"] == ["0.1", "0.3"]
    assert settings["head.activation"] == ["relu", "swish"]
    assert not {"batch", "schedule.steps", "parameters", "backend", "python"} & set(settings)
    assert "diagram of the difference" in text


def test_curves_are_of_all_that_was_told(page):
    labels = re.findall('<svg class="spinec-chart" role="img" aria-label="(.*?)"', page.read_text(encoding="utf-8"))
    assert labels == [f"{name} by step" for name in ("loss", "AP", "rate", "box", "gradient", "AP50")]


def test_examples_are_labelled_and_of_every_run(page):
    text = page.read_text(encoding="utf-8")
    captions = re.findall("<figcaption>(.*?)</figcaption>", text)
    assert len(captions) == len(re.findall('<img src="data:image/jpeg;base64,', text)) == 9
    assert [caption.partition(": ")[0].rpartition("/")[2] for caption in captions[:2]] == ["as it is labelled", "whole"]
    assert re.match(r"as it is labelled: \d", captions[0])
    assert re.findall("<h3>(.*?)</h3>", text) == ["val/000001.jpg", "val/000003.jpg", "val/000005.jpg"]


def test_runs_of_one_network_are_compared_field_by_field(tmp_path):
    names = [
        told(tmp_path / name, spec=DIGITS.replace("dim: 8", f"dim: {dim}", 1))
        for name, dim in (("a", 8), ("b", 16), ("c", 8))
    ]
    settings = {
        row[0]: row[1:]
        for row in cells(write_runs([read_history(name) for name in names], examples=0, charts=False))["settings"]
    }
    assert settings["spec.blocks.stem.dim"] == ["8", "16", "8"]
    assert len(settings["parameters"]) == 3


def test_what_is_missing_is_said_on_the_page(tmp_path, digits):
    names = [told(tmp_path / "a", data=digits), told(tmp_path / "new", done=3, judged=False)]
    pytest.importorskip("torch")
    text = html.unescape(write_runs([read_history(name) for name in names], charts=False))
    assert f"{names[1]} is left out: it has not been judged yet" in text
    (tmp_path / "a" / "best.safetensors").write_bytes(b"damaged")
    text = html.unescape(write_runs([read_history(name) for name in names], charts=False))
    assert f"{names[0]} is left out: {tmp_path / 'a' / 'best.safetensors'}" in text
    text = html.unescape(write_runs([read_history(names[1])], charts=False))
    assert "There are no examples: none: no such file or folder" in text
    assert "evaluations" not in cells(text)


def test_of_a_small_set_every_picture_is_shown_once(tmp_path, digits):
    run = read_history(told(tmp_path / "a", data=digits, judged=False))
    names = re.findall("<h3>(.*?)</h3>", write_runs([run], charts=False, examples=9))
    assert names == [f"val/{number:06}.jpg" for number in range(1, 7)]


def test_what_is_held_out_is_what_is_shown(tmp_path, digits):
    run = read_history(told(tmp_path / "a", data=digits, judged=False, settings=["data.hold_out=2", "data.train=val"]))
    names = re.findall("<h3>(.*?)</h3>", write_runs([run], charts=False, examples=9))
    assert len(names) == 2


def test_nothing_is_loaded_from_anywhere(page):
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in html.unescape(text)
    assert not re.search(r"(src|href)=[\"'](?!#|data:image/jpeg;base64,)", text)
    assert "<cut>" not in text


def test_wrong_runs_are_said_in_a_line(spinec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    told(Path("begun"), done=0)
    told(Path("good"))
    told(Path("odd"))
    Path("odd/metrics.jsonl").write_text('{"step": 1, "loss": "much"}\n')
    Path("spec.yaml").write_text(DIGITS)
    for line, said in {
        "empty": "empty: expected the folder of a run, which 'spinec train' writes; there is no run.json in it",
        "good begun": "begun: no step of this run is done yet",
        "good spec.yaml": "spec.yaml: expected the folder of a run",
        "good absent": "absent: expected the folder of a run",
        "odd": "odd/metrics.jsonl:1: expected a line of a run: step, rate, loss, seconds as numbers",
    }.items():
        code, out, err = spinec("report", *line.split(), "-o", "page.html")
        assert (code, out) == (1, "")
        assert err.startswith(said)
        assert err.count("\n") == 1
    assert not Path("page.html").exists()
    code, out, _ = spinec("report", "good", "--examples", "0", "-o", "page.html")
    assert (code, out.partition(",")[0]) == (0, "page.html: good")
    with pytest.raises(TrainError, match="no step"):
        read_history("begun")


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_and_axe_finds_nothing(browser, page, scheme, tmp_path):  # noqa: F811
    folder = Path(os.environ.get("SPINEC_SCREENSHOTS", tmp_path))
    whole_page_passes_axe(browser, page, scheme, folder / f"runs-{scheme}.png")


@needs_browser
def test_its_pictures_are_shown_and_it_has_the_size_of_its_window(browser, page):  # noqa: F811
    for opened in opened_in(browser, page):
        widths = opened.eval_on_selector_all("figure img", "found => found.map(each => each.naturalWidth)")
        assert widths == [256] * 9
        for width in (1600, 700, 400):
            opened.set_viewport_size({"width": width, "height": 900})
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
