"""The report on a study: what it says is what the study holds, whatever that is; in a browser, light and dark."""

import html
import os
import re
from pathlib import Path

import pytest

pytest.importorskip("optuna")
pytest.importorskip("jinja2")

import searched
from hypothesis import given, settings
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial
from test_report import browser, needs_browser, opened_in, whole_page_passes_axe  # noqa: F401  (a fixture)
from test_run_report import cells
from test_study_charts import searches

from spinec import loads
from spinec.compiler.resources.candidates import Space
from spinec.search.page import DRAWN, write_study
from spinec.search.plan import Plan
from spinec.search.record import front, importances, record
from spinec.search.study import KEY, begin, read
from spinec.visualize.parallel import MOST_BEST, MOST_LINES, parallel

SMALL = Space(loads(searched.SMALL), values=(1, 5, 20))
CHOICE = CategoricalDistribution(SMALL.values)
COST = SMALL.cost_model


def told(path, number, objectives=1, why=""):
    """A study of so many trials, every fourth of them without a score, or all; begun, told and left."""
    directions = ("maximize", "minimize")[:objectives]
    study = begin(str(path), "mine", Plan(SMALL, "searched:two", directions), seed=5)
    for i in range(number):
        betas = {name: SMALL.values[(i + i // 3**k) % 3] for k, name in enumerate(SMALL.names)}
        dims = list(SMALL.dims(list(betas.values())).values())
        about = {KEY: dims, "macs": COST.macs([dims]).item(), "params": COST.params([dims]).item()}
        fails = why or i % 4 == 3
        scores = [i * 37 % 101 / 100, i * 53 % 97 / 10][:objectives]
        study.add_trial(
            create_trial(
                state=TrialState.PRUNED if fails else TrialState.COMPLETE,
                params=betas,
                distributions=dict.fromkeys(SMALL.names, CHOICE),
                values=None if fails else scores,
                user_attrs={**about, **({"why": why or "out of <memory>"} if fails else {})},
            )
        )
    return read(str(path))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("study")
    path = folder / "page.html"
    path.write_text(write_study(*told(folder / "study.db", 40)), encoding="utf-8")
    return path


def test_a_study_is_told_whole(tmp_path):
    study, plan = told(tmp_path / "study.db", 40)
    text = write_study(study, plan, charts=False)
    tables = cells(text)
    assert dict(tables["study"]) == {
        "began with": "small",
        "judged by": "searched:two",
        "scores": "maximize",
        "limits": "none",
        "seed": "5",
        "finished": "40",
        "with a score": "30",
        "under way": "0",
    }
    assert tables["without a score"] == [["out of <memory>", "10"]], "a reason is text, whatever it is"
    best = next(rows for title, rows in tables.items() if title.startswith("the best"))
    scores = [float(row[1]) for row in best]
    assert scores == sorted(scores, reverse=True)
    trials = study.get_trials()
    assert scores[0] == max(trial.value for trial in trials if trial.values)
    chosen = [trials[int(row[0])] for row in best]
    assert len({tuple(trial.user_attrs[KEY]) for trial in chosen}) == len(chosen), "no network is there twice"
    assert best[0][-1] == plan.space.told(chosen[0].params)
    assert re.findall("<h3>(trial .*?)</h3>", text) == [f"trial {row[0]}" for row in best[:DRAWN]]
    spec = html.unescape(re.sub("<[^>]+>", "", re.search("<summary>the spec</summary>(.*?)</pre>", text, re.DOTALL)[1]))
    assert loads(spec.strip()).origin.trial == chosen[0].number


def test_a_difference_has_the_rows_of_diff(spinec, tmp_path):
    study, plan = told(tmp_path / "study.db", 12)
    (tmp_path / "small.yaml").write_text(searched.SMALL)
    tables = cells(write_study(study, plan, charts=False))
    title, rows = next((title, rows) for title, rows in tables.items() if "→" in title)
    number = title.rpartition("-")[2]
    spinec("candidates", tmp_path / "study.db", "--trial", number, "-o", tmp_path / "best.yaml")
    _, out, _ = spinec("diff", tmp_path / "small.yaml", tmp_path / "best.yaml", "--format", "markdown")
    said = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines()[2:] if line]
    assert [row[2:] for row in rows] == [row[2:] for row in said]


def test_of_several_scores_the_front_is_shown(tmp_path):
    study, plan = told(tmp_path / "study.db", 60, objectives=2)
    tables = cells(write_study(study, plan, charts=False))
    (title,) = (title for title in tables if title.endswith("that none beats"))
    known = [(t.values[0], -t.values[1]) for t in study.get_trials() if t.values]
    for row in tables[title]:
        own = float(row[1]), -float(row[2])
        assert not any(other != own and other[0] >= own[0] and other[1] >= own[1] for other in known)


@pytest.mark.parametrize("charts", [False, True])
@pytest.mark.parametrize(("number", "why"), [(0, ""), (1, ""), (7, "pruned at step 3")])
@pytest.mark.parametrize("objectives", [1, 2])
def test_of_little_a_little_is_told(tmp_path, number, why, objectives, charts):
    if charts:
        pytest.importorskip("matplotlib")
    study, plan = told(tmp_path / "study.db", number, objectives, why)
    tables = cells(write_study(study, plan, charts=charts))
    assert dict(tables["study"])["finished"] == str(number)
    assert ("without a score" in tables) == bool(why)


def test_the_front_of_score_and_cost(tmp_path):
    study, _ = told(tmp_path / "study.db", 40)
    search = record(study)
    for cost in ("macs", "params"):
        found = set(front(study, search, cost))
        for each in search.scored:
            beaten = any(
                (getattr(other, cost) <= getattr(each, cost) and other.scores[0] >= each.scores[0])
                and (getattr(other, cost), other.scores) != (getattr(each, cost), each.scores)
                for other in search.scored
            )
            assert not (each.trial in found and beaten)
            same = (getattr(each, cost), each.scores)
            assert beaten or any(same == (getattr(o, cost), o.scores) for o in search.scored if o.trial in found)


def test_importances_are_of_what_decides(tmp_path):
    study = begin(str(tmp_path / "s.db"), "mine", Plan(SMALL, "x:y", ("maximize", "minimize")))
    for i in range(81):
        betas = {name: SMALL.values[i // 3**k % 3] for k, name in enumerate(SMALL.names)}
        first, second, *_ = SMALL.names
        study.add_trial(
            create_trial(
                params=betas,
                distributions=dict.fromkeys(SMALL.names, CHOICE),
                values=[betas[first] + i / 1e4, betas[second] + i / 1e4],
                user_attrs={KEY: [i]},
            )
        )
    one, two = importances(study)
    assert max(one, key=one.get) == first
    assert max(two, key=two.get) == second
    assert sum(one.values()) == pytest.approx(1)


@settings(max_examples=80, deadline=None)
@given(searches())
def test_lines_stay_within_their_picture(search):
    names = sorted({name for each in search.tried for name in each.choices})
    drawn = parallel(search, names)
    assert [axis.x for axis in drawn.axes] == sorted(axis.x for axis in drawn.axes)
    assert all(0 < axis.x < drawn.width for axis in drawn.axes)
    assert len(drawn.axes) == len(names) + len(search.minimize)
    for line in drawn.lines:
        assert len(line.ys) == len(drawn.axes)
        assert all(0 <= y <= drawn.height for y in line.ys)
    for axis in drawn.axes:
        assert all(0 <= y <= drawn.height for y, _ in axis.labels)
    assert sum(line.is_best for line in drawn.lines) <= MOST_BEST
    assert len(drawn.lines) <= MOST_BEST + MOST_LINES
    if search.scored:
        sign = 1 if search.minimize[0] else -1
        best = min(search.scored, key=lambda each: (sign * each.scores[0], each.trial))
        assert drawn.lines[-1].trial == best.trial, "the best is painted over all others"
    assert not re.search("nan|inf", re.sub(r">[^<]*<", "><", drawn.svg()))


def test_nothing_is_loaded_from_anywhere(page):
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in html.unescape(text)
    assert not re.search(r"(src|href)=[\"'](?!#)", text)
    assert "<memory>" not in text
    used = set(re.findall(r"url\(#([^)]+)\)", text))
    assert used <= set(re.findall(r' id="([^"]+)"', text)), "what is shared among charts is there"


def test_the_command_tells_studies_from_specs(spinec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told("study.db", 5)
    Path("small.yaml").write_text(searched.SMALL)
    code, out, _ = spinec("report", "study.db", "--study", "mine", "--no-charts", "-o", "page.html")
    assert (code, out.partition(",")[0]) == (0, "page.html: study.db")
    for line, said in {
        "study.db small.yaml": "one study at a time",
        "study.db --source pytorch": "--source does nothing on a study",
        "study.db --examples 2": "--examples does nothing",
        "small.yaml --study mine": "--study does nothing",
        "study.db --study other": "no study 'other'",
    }.items():
        code, out, err = spinec("report", *line.split(), "-o", "other.html")
        assert code in (1, 2)
        assert said in err
    assert not Path("other.html").exists()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_and_axe_finds_nothing(browser, page, scheme, tmp_path):  # noqa: F811
    folder = Path(os.environ.get("SPINEC_SCREENSHOTS", tmp_path))
    whole_page_passes_axe(browser, page, scheme, folder / f"study-{scheme}.png")


@needs_browser
def test_it_has_the_size_of_its_window(browser, page):  # noqa: F811
    for opened in opened_in(browser, page):
        for width in (1600, 700, 400):
            opened.set_viewport_size({"width": width, "height": 900})
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
