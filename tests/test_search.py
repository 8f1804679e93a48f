"""Studies: nothing is evaluated twice, nothing is lost, limits hold, and the result is a plain spec."""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import product
from math import nan
from pathlib import Path

import optuna
import pytest
import searched
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial
from patience import wait_for

from spinec import SearchError, SpecError, cost, load, loads, lower
from spinec.cli import main
from spinec.compiler.resources.candidates import Space, candidates
from spinec.compiler.resources.gate import Gate, Limits
from spinec.compiler.resources.redistribute import redistribute
from spinec.search import liveness, worker
from spinec.search.evaluators import find_evaluator
from spinec.search.liveness import Watch, beating, machine, own_name
from spinec.search.objectives import likeness
from spinec.search.plan import STRATEGIES, Plan
from spinec.search.results import candidates_of, front, origin_of, spec_of, text_of
from spinec.search.run import search
from spinec.search.study import begin, read, scored
from spinec.search.worker import work
from spinec.spec.dump import dump
from spinec.spec.format import format_text
from spinec.spec.model import Origin
from spinec.visualize.table.costs import candidate_table

SMALL = Space(loads(searched.SMALL), values=(1, 5, 20))
SP = "sp-efficientnet-b0"
DEAD = f"{machine()}/{2**22 + 1}/dead"  # no process has such a number


def plan_of(evaluator="searched:quick", **more):
    return Plan(SMALL, evaluator, **more)


def states(study):
    return Counter(trial.state.name for trial in study.get_trials())


def dims_of(trial):
    return ",".join(map(str, trial.user_attrs["dims"]))


# --- spaces and candidates


def test_a_candidate_is_what_redistribute_makes():
    spec = load(SP)
    settings = {"target": 2e9, "exact": False, "multiple": 4, "groups": (("b3", "b4"),), "frozen": ("b1",)}
    space = Space(spec, values=(1, 3.5, 7), **settings)
    assert space.size == 3 ** len(space.names) == 3**16
    for betas in space.draw(20, seed=1):
        assert set(betas) <= {1, 3.5, 7}
        assert space.candidate(space.dims(betas)).blocks == redistribute(spec, betas, **settings).blocks


def test_candidates_are_counted_as_one_by_one():
    space = Space(load(SP))
    found = candidates(space, space.draw(30), "profiler")
    for row, betas in enumerate(found.betas):
        report = cost(lower(redistribute(space.spec, betas)))
        assert (found.macs[row], found.params[row]) == (report.macs("profiler"), report.params)
    own = cost(lower(space.spec))
    assert found.own == (own.macs("profiler"), own.params)
    within = [abs(macs - found.own[0]) <= 0.05 * found.own[0] for macs in found.macs]
    assert found.near(0.05) == sum(within) / 30
    assert 0 < found.near(0.05) < 1
    assert found.near(0.05, 1e6) == 0
    assert found.fewer_params() == sum(params < own.params for params in found.params) / 30
    nothing = candidates(space, [])
    assert (nothing.near(), nothing.fewer_params(), len(nothing.macs)) == (0, 0, 0)


def test_the_paper_vector_is_the_optimum():
    learned = 10, 10, 5, 5, 15, 20, 20, 1, 20, 15, 5, 20, 10, 15, 15, 10, 10, 1
    space = Space(load(SP))
    assert likeness(space.candidate(space.dims(learned))) == 1
    assert max(likeness(space.candidate(space.dims(betas))) for betas in space.draw(50)) < 1


@pytest.mark.parametrize("values", [(), (1, 1), (0,), (-1, 2), (float("nan"),)])
def test_values_that_betas_cannot_have_are_refused(values):
    with pytest.raises(SpecError, match="expected"):
        Space(load(SP), values=values)


# --- plans and storages


def test_a_plan_is_kept_with_the_study(kept):
    space = Space(load(SP), values=(1, 2.5), target=2e9, exact=False, multiple=4, keep=0.5, groups=(("b3", "b4"),))
    plan = Plan(space, "a:b", ("minimize", "maximize"), Limits(macs=3e9, latency=7.5, convention="profiler"))
    begin(kept, "mine", plan)
    study, found = read(kept)
    assert (study.study_name, found) == ("mine", plan)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"evaluator": "searched:slow"}, "evaluator searched:quick, now searched:slow"),
        ({"directions": ("minimize",)}, r"directions \['maximize'\], now \['minimize'\]"),
        ({"limits": Limits(params=1e6)}, "params None, now 1000000.0"),
        ({"space": Space(SMALL.spec, values=(1, 5))}, r"values \[1, 5, 20\], now \[1, 5\]"),
        ({"space": Space(load(SP), values=SMALL.values)}, "another spec"),
    ],
)
def test_a_study_of_another_plan_is_not_resumed(kept, change, told):
    begin(kept, "small", plan_of())
    begin(kept, "small", plan_of(), resume=True)
    other = Plan(**{"space": SMALL, "evaluator": "searched:quick", **change})
    with pytest.raises(SearchError, match=told):
        begin(kept, "small", other, resume=True)
    with pytest.raises(SearchError, match="--resume continues it"):
        begin(kept, "small", plan_of())


def test_storages_that_cannot_be_used_are_told(kept, tmp_path):
    text = tmp_path / "text.db"
    text.write_text("not a database\n" * 100)
    optuna.create_study(storage=f"sqlite:///{kept}", study_name="foreign").add_trial(create_trial(value=1))
    for storage, name, told in (
        (str(text), "x", "file is not a database"),
        (str(tmp_path / "no" / "folder.db"), "x", "unable to open"),
        ("nosuch://user:secret@host/db", "x", r"nosuch://user:\*\*\*@host/db: not a storage"),
        (kept, "foreign", "not one of spinec"),
    ):
        with pytest.raises(SearchError, match=told):
            begin(storage, name, plan_of(), resume=True)
    with pytest.raises(SearchError, match="no such file"):
        read(str(tmp_path / "none.db"))
    with pytest.raises(SearchError, match="not one of spinec"):
        read(kept)
    begin(kept, "mine", plan_of())
    with pytest.raises(SearchError, match="holds 2 studies; name one: foreign, mine"):
        read(kept)
    with pytest.raises(SearchError, match="no study 'min'; did you mean 'mine'"):
        read(kept, "min")


def test_evaluators_that_are_not_there_are_told():
    for name, told in {
        "searched": "expected module:function",
        ":f": "expected module:function",
        "no_such_module:f": "no module 'no_such_module'",
        "searched.deeper:f": "no module 'searched.deeper'",
        "searched:quik": "no function 'quik'; did you mean 'quick'",
        "searched:JOURNAL": "no function 'JOURNAL'",
    }.items():
        with pytest.raises(SearchError, match=re.escape(told)):
            find_evaluator(name)


def test_plans_that_cannot_be_are_told(kept):
    with pytest.raises(SearchError, match="'maximise': did you mean 'maximize'"):
        plan_of(directions=("maximise",))
    with pytest.raises(SearchError, match="expected a direction"):
        plan_of(directions=())
    with pytest.raises(SearchError, match="no strategy 'reinforced'; did you mean 'reinforce'"):
        search(plan_of(), kept, strategy="reinforced")
    with pytest.raises(SearchError, match="reinforce takes one score"):
        search(plan_of("searched:two", directions=("maximize", "minimize")), kept)
    with pytest.raises(SearchError, match="needs a measurement"):
        search(plan_of(limits=Limits(latency=1)), kept)
    with pytest.raises(SearchError, match="at least one trial"):
        search(plan_of(), kept, trials=0)
    with pytest.raises(SearchError, match="evaluator that they can import"):
        search(plan_of(), kept, workers=2, evaluator=searched.slow.__get__(1))
    assert not Path(kept).exists() or not optuna.get_all_study_names(f"sqlite:///{kept}")


# --- evaluating


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_candidate_is_evaluated_once_and_kept(kept, journal, strategy):
    """Of 27 vectors some give equal dims: those take the score that is there."""
    study = search(plan_of(), kept, trials=32, strategy=strategy, seed=0)
    assert states(study) == {"COMPLETE": 32}
    asked = searched.noted("begun", journal)
    assert len(asked) == len(set(asked)) < 27
    assert set(asked) == {dims_of(trial) for trial in study.get_trials()}
    for trial in study.get_trials():
        spec = spec_of(plan_of(), trial)
        report = cost(lower(spec))
        assert trial.user_attrs["dims"] == [block.dim for block in spec.blocks.values()]
        assert (trial.user_attrs["macs"], trial.user_attrs["params"]) == (report.macs(), report.params)
        assert trial.value == searched.value(spec)
        assert ("equal_to" in trial.user_attrs) == (dims_of(trial) in map(dims_of, study.get_trials()[: trial.number]))


def test_a_study_is_resumed_where_it_ended(kept, journal):
    first = [trial.params for trial in search(plan_of(), kept, trials=10, seed=3, strategy="random").get_trials()]
    study = search(plan_of(), kept, trials=25, seed=3, strategy="random", resume=True)
    assert states(study) == {"COMPLETE": 25}
    assert [trial.params for trial in study.get_trials()][:10] == first
    assert [trial.params for trial in study.get_trials()][10:20] != first  # not the same draws again
    assert len(searched.noted("begun", journal)) == len(set(searched.noted("begun", journal)))
    search(plan_of(), kept, trials=25, resume=True)
    assert len(study.get_trials()) == 25


def test_any_callable_evaluates(kept):
    study = search(plan_of("anything"), kept, trials=3, evaluator=lambda spec: len(spec.blocks))
    assert study.best_value == 4


def test_pruned_trials_pass_through_and_are_not_tried_again(kept, journal):
    study = search(plan_of("searched:pruned"), kept, trials=20, strategy="random", seed=0)
    assert states(study) == {"PRUNED": 20}
    asked = searched.noted("begun", journal)
    assert len(asked) == len(set(asked))
    with pytest.raises(SearchError, match="no candidate with a score"):
        front(study)


def test_a_score_that_is_no_number_counts_as_pruned(kept):
    study = search(plan_of("x"), kept, trials=5, evaluator=lambda spec: nan)
    assert states(study) == {"PRUNED": 5}
    assert study.get_trials()[0].user_attrs["why"] == "the score is nan"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("text", "gave 'text': expected a number"),
        (None, "gave None"),
        ((1.0, 2.0), "gave 2 scores, expected 1"),
        ((), "0"),
    ],
)
def test_what_is_no_score_is_told(kept, given, told):
    with pytest.raises(SearchError, match=told):
        search(plan_of("x"), kept, trials=5, evaluator=lambda spec: given)


def test_a_candidate_whose_evaluation_failed_is_tried_again(kept, journal, tmp_path):
    (tmp_path / "broken").touch()
    with pytest.raises(SearchError, match=r"(?s)the evaluator failed on trial 0:\n.*RuntimeError: the disk is full"):
        search(plan_of("searched:fragile"), kept, trials=8, seed=0)
    (failed,) = searched.noted("begun", journal)
    (tmp_path / "broken").unlink()
    study = search(plan_of("searched:fragile"), kept, trials=8, resume=True)
    assert states(study) == {"FAIL": 1, "COMPLETE": 8}
    assert searched.noted("begun", journal)[1] == failed  # first of all


def test_a_candidate_that_fails_always_is_given_up(kept, journal, tmp_path):
    (tmp_path / "broken").touch()
    for _ in range(worker.MOST_TRIES):
        with pytest.raises(SearchError, match="the disk is full"):
            search(plan_of("searched:fragile"), kept, trials=8, seed=0, resume=True)
    (hopeless,) = set(searched.noted("begun", journal))
    (tmp_path / "broken").unlink()
    study = search(plan_of("searched:fragile"), kept, trials=8, resume=True)
    assert states(study)["FAIL"] == worker.MOST_TRIES - 1
    assert states(study)["PRUNED"] + states(study)["COMPLETE"] == 8
    assert {dims_of(trial) for trial in study.get_trials() if trial.state is TrialState.PRUNED} == {hopeless}
    assert searched.noted("begun", journal).count(hopeless) == worker.MOST_TRIES


# --- limits


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_candidate_beyond_the_limits_is_evaluated(kept, journal, strategy):
    own = cost(lower(SMALL.spec))
    limits = Limits(macs=1.05 * own.macs(), params=own.params, memory=1.2 * own.peak_bytes)

    def kept_by(report):
        return [report.macs() <= limits.macs, report.params <= limits.params, report.peak_bytes <= limits.memory]

    every = [kept_by(cost(lower(SMALL.candidate(SMALL.dims(betas))))) for betas in product(SMALL.values, repeat=3)]
    assert not any(map(all, zip(*every, strict=True)))  # each limit does refuse something
    study = search(plan_of(limits=limits), kept, trials=20, strategy=strategy, seed=0)
    for trial in study.get_trials():
        assert all(kept_by(cost(lower(spec_of(plan_of(), trial)))))


def test_a_strategy_that_insists_on_what_is_refused_is_helped_by_chance(kept, monkeypatch):
    """Few candidates are within these limits, and the best ones are not: nothing that was ever told leads there."""
    own = cost(lower(SMALL.spec))
    limits = Limits(params=0.7 * own.params)
    monkeypatch.setattr("spinec.search.limits.MOST_DRAWS", 200)
    study = search(plan_of("x", limits=limits), kept, trials=14, strategy="tpe", seed=0, evaluator=searched.value)
    assert states(study) == {"COMPLETE": 14}


def test_memory_and_latency_are_looked_at_last_and_once():
    asked = []

    def measure(spec):
        asked.append(tuple(block.dim for block in spec.blocks.values()))
        return spec.blocks["b1"].dim

    vectors = ((1, 1, 1), (20, 1, 1), (1, 20, 1), (1, 1, 20))
    chosen = [dict(zip(SMALL.names, betas, strict=True)) for betas in vectors]
    own = cost(lower(SMALL.made(chosen[0])))
    gate = Gate(SMALL, Limits(macs=own.macs(), latency=23), measure)
    over = [gate.excess(each) for each in (*chosen, *chosen)]
    assert over[0] == "latency"
    assert {"macs", ""} & set(over)
    assert len(asked) == len(set(asked)) == sum(excess != "macs" for excess in over[:4])
    assert Gate(SMALL, Limits(memory=own.peak_bytes - 1)).excess(chosen[0]) == "memory"
    assert Gate(SMALL, Limits(memory=own.peak_bytes)).excess(chosen[0]) == ""
    assert Gate(SMALL, Limits(params=own.params - 1)).excess(chosen[0]) == "params"
    profiler = own.macs("profiler")
    assert Gate(SMALL, Limits(macs=profiler - 1, convention="profiler")).excess(chosen[0]) == "macs"
    assert Gate(SMALL, Limits(macs=profiler, convention="profiler")).excess(chosen[0]) == ""


def test_limits_that_nothing_keeps_are_told(kept, monkeypatch):
    monkeypatch.setattr("spinec.search.limits.MOST_DRAWS", 50)
    with pytest.raises(SearchError, match="none of 50 candidates is within the limits; over the limit of: params 50"):
        search(plan_of(limits=Limits(params=10)), kept)
    assert not states(read(kept)[0])["RUNNING"]


# --- workers that die


def test_what_a_dead_worker_was_at_is_tried_again(kept, journal):
    study = begin(kept, "small", plan_of())
    params = dict.fromkeys(SMALL.names, 5)
    for tries in (1, worker.MOST_TRIES):
        trial = study.ask()
        trial.set_user_attr("worker", DEAD)
        trial.set_user_attr("tries", tries)
        for name in SMALL.names:
            trial.suggest_categorical(name, SMALL.values)
        trial.set_user_attr("dims", list(SMALL.dims([5] * 3).values()) if tries == 1 else [8, 8, 8, 8])
    study.enqueue_trial(params, user_attrs={"worker": DEAD})
    search(plan_of(), kept, trials=10, resume=True, seed=0)
    assert study.get_trials()[0].state is TrialState.FAIL
    assert study.get_trials()[1].state is TrialState.PRUNED  # it has killed workers before
    retried = [trial for trial in study.get_trials() if trial.user_attrs.get("tries") == 2]
    assert [trial.params for trial in retried] == [study.get_trials()[0].params]
    assert states(study) == {"FAIL": 1, "PRUNED": 1, "COMPLETE": 9}
    assert len(searched.noted("begun", journal)) == len(set(searched.noted("begun", journal)))


def test_a_candidate_under_way_elsewhere_is_left_alone(kept, journal, monkeypatch):
    """With one candidate in all, and that one in the hands of a live worker, this one steps back until it is told."""
    monkeypatch.setattr(worker, "PAUSES", (0.01, 0.02))
    monkeypatch.setattr(worker, "WAIT", 0.02)
    plan = Plan(Space(SMALL.spec, values=(5,)), "searched:quick")
    study = begin(kept, "small", plan)
    other = study.ask()
    other.set_user_attr("worker", "elsewhere/1/alive")
    for name in SMALL.names:
        other.suggest_categorical(name, (5,))
    other.set_user_attr("dims", list(plan.space.dims([5] * 3).values()))
    turns = []

    def wanted():
        turns.append(len(study.get_trials()))
        if len(turns) == 4:
            study.tell(other, 123.0)
        return True

    work(study, plan, searched.quick, 3, wanted=wanted)
    assert searched.noted("begun", journal) == []
    assert states(study) == {"COMPLETE": 3, "FAIL": 3}
    assert {trial.value for trial in study.get_trials() if trial.value is not None} == {123.0}


def test_no_more_is_done_than_is_wanted(kept, journal, monkeypatch):
    """Also when all that is left is in the hands of others, one of whom then dies."""
    monkeypatch.setattr(worker, "PAUSES", (0.01, 0.02))
    monkeypatch.setattr(worker, "WAIT", 0.02)
    study = begin(kept, "small", plan_of())
    for name in (f"{machine()}/1/alive", "elsewhere/1/dies"):  # process 1 always runs
        study.ask().set_user_attr("worker", name)
    turns = []

    def wanted():
        turns.append(states(study))
        if len(turns) == 5:
            study.tell(0, 1.0)
        return True

    work(study, plan_of(), searched.quick, 2, wanted=wanted, watch=Watch(patience=2.0))
    assert turns[4] == {"RUNNING": 2}  # it waited, and began nothing
    assert states(study) == {"COMPLETE": 2, "FAIL": 1}
    assert len(searched.noted("begun", journal)) == 1


def test_a_trial_that_nobody_took_is_closed(kept, journal):
    study = begin(kept, "small", plan_of())
    study.ask()
    work(study, plan_of(), searched.quick, 2, watch=Watch(birth=0.2))
    assert states(study) == {"FAIL": 1, "COMPLETE": 2}


def test_who_is_dead(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(liveness.time, "monotonic", lambda: now[0])
    watch = Watch(patience=60)
    assert watch.is_dead(DEAD, {})
    assert not watch.is_dead(own_name(), {})
    assert watch.is_dead(own_name()[:-8] + "formerly", {})  # of the same number, before the machine came up again
    far = "far/ns/17/abc"
    for seconds, beat, dead in (
        (0, 1, False),
        (50, 1, False),
        (59, 2, False),
        (118, 2, False),
        (120, 2, True),
        (121, 3, False),
    ):
        now[0] = seconds
        assert watch.is_dead(far, {f"beat of {far}": beat}) is dead


def test_workers_beat(kept):
    study = begin(kept, "small", plan_of())
    with beating(study, period=0.02):
        first = read(kept)[0].user_attrs.get(f"beat of {own_name()}", 0)
        wait_for(lambda: read(kept)[0].user_attrs.get(f"beat of {own_name()}", 0) > first + 1)


# --- results


def test_the_best_is_a_spec_that_needs_nothing_of_the_search(kept, tmp_path):
    plan = plan_of("x")
    study = search(plan, kept, trials=15, evaluator=searched.value, seed=0)
    (best,) = front(study)
    assert best.value == max(trial.value for trial in study.get_trials())
    file = tmp_path / "best.yaml"
    file.write_text(text_of(study, plan, best, "best"))
    assert load(file).name == "best"
    assert load(file).blocks == redistribute(SMALL.spec, [best.params[name] for name in SMALL.names]).blocks
    code = "import sys, spinec; spinec.lower(spinec.load(sys.argv[1])); print('optuna' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


def test_a_spec_says_where_it_comes_from(kept):
    plan = plan_of("searched:two", directions=("maximize", "minimize"))
    study = search(plan, kept, trials=6, strategy="random", seed=11, name='a "study": of {mine}, №1')
    for trial in study.get_trials():
        text = text_of(study, plan, trial, f"c{trial.number}")
        assert format_text(text) == text
        spec = loads(text)
        assert dump(spec) == text
        assert spec.origin == Origin(
            study=study.study_name,
            trial=trial.number,
            spec="small",
            scores=tuple(trial.values),
            evaluator="searched:two",
            seed=11,
            choices=trial.params,
        )
        assert spec.model_copy(update={"origin": None}) == spec_of(plan, trial, f"c{trial.number}")


def test_where_a_spec_comes_from_survives_what_a_study_may_hold(kept):
    study = begin(kept, "small", plan_of())
    trial = study.ask({name: CategoricalDistribution(["5", 0.5, True, 10**20]) for name in SMALL.names})
    for name, given in (("macs", 1), ("dims", [8, 8, 8, 8]), ("recipe", "x" * 999)):
        trial.set_user_attr(name, given)
    (frozen,) = study.get_trials()
    origin = origin_of(study, replace(plan_of(), evaluator="x" * 999), frozen)
    assert (origin.seed, origin.scores, len(origin.evaluator), len(origin.recipe)) == (None, (), 500, 500)
    spec = SMALL.spec.model_copy(update={"origin": origin})
    assert loads(dump(spec)) == spec


def test_the_seed_is_that_of_the_beginning(kept):
    begin(kept, "small", plan_of(), seed=3)
    assert begin(kept, "small", plan_of(), resume=True, seed=4).user_attrs["seed"] == 3
    assert "seed" not in begin(kept, "other", plan_of(), seed=10**18 + 1).user_attrs


def test_a_front_is_beaten_by_none_and_beats_the_rest(kept):
    plan = plan_of("searched:two", directions=("maximize", "minimize"))
    study = search(plan, kept, trials=30, strategy="evolution", seed=0)
    found = [(trial.values[0], -trial.values[1]) for trial in front(study)]
    every = {(trial.values[0], -trial.values[1]) for trial in study.get_trials()}

    def beats(a, b):
        return a != b and a[0] >= b[0] and a[1] >= b[1]

    assert len(found) == len(set(found)) > 1
    assert set(found) == {own for own in every if not any(beats(other, own) for other in every)}


def test_candidates_of_a_study_have_their_figures(kept):
    plan = plan_of("x")
    study = search(plan, kept, trials=10, evaluator=searched.value, seed=0)
    found = candidates_of(plan, study.get_trials())
    for row, trial in enumerate(study.get_trials()):
        assert (found.macs[row], found.params[row]) == (trial.user_attrs["macs"], trial.user_attrs["params"])
        assert (found.scores[row], found.numbers[row]) == ((trial.value,), trial.number)


# --- commands


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(searched.SMALL)
    (tmp_path / "mine.py").write_text("def area(spec):\n    return sum(block.dim for block in spec.blocks.values())\n")

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["spinec", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    yield command
    sys.modules.pop("mine", None)


def test_command_search_finds_a_function_of_the_folder_and_writes_the_best(run, tmp_path):
    arguments = ("search", "small.yaml", "--evaluator", "mine:area", "--values", "1,20", "--seed", 0)
    code, out, err = run(*arguments, "--trials", 6, "-o", "best.yaml")
    assert code == 0
    assert "best.yaml: best, of trial" in out
    assert "small-search.db: 6 trials" in err
    best = load(tmp_path / "best.yaml")
    every = [Space(SMALL.spec, values=(1, 20)).dims(betas) for betas in Space(SMALL.spec, values=(1, 20)).draw(99)]
    assert sum(block.dim for block in best.blocks.values()) <= max(sum(dims.values()) for dims in every)
    assert run(*arguments, "--trials", 6)[0] == 1
    code, out, err = run(*arguments, "--trials", 9, "--resume", "--format", "json")
    assert (code, len(json.loads(out)["rows"])) == (0, 1)
    code, out, _ = run("candidates", "small-search.db", "--format", "csv")
    assert (code, out.count("\n")) == (0, 10)
    code, out, _ = run("candidates", "small-search.db", "--top", 2)
    assert "2 of 9 candidates" in out
    code, out, _ = run("candidates", "small-search.db", "--trial", 3, "-o", "-")
    assert loads(out).name == "small-3"
    assert run("candidates", "small-search.db", "--trial", 99)[0] == 1


@pytest.mark.parametrize("form", ["study", "json", "csv", "markdown"])
def test_a_chart_shows_the_candidates_of_a_study_from_every_form(run, tmp_path, form):
    run("search", "small.yaml", "--evaluator", "mine:area", "--trials", 7, "--seed", 0)
    _, text, _ = run("candidates", "small-search.db", *(() if form == "study" else ("--format", form)))
    Path("kept").write_text(text)
    study, plan = read("small-search.db")
    found = candidates_of(plan, scored(study))
    for measure, figures, own in (("macs", found.macs, found.own[0]), ("params", found.params, found.own[1])):
        source = "small-search.db" if form == "study" else "kept"
        assert run("chart", "candidates", source, "--cost", measure, "-o", "shown.json")[0] == 0
        shown = json.loads(Path("shown.json").read_text())
        assert [row[measure] for row in shown["rows"]] == figures.tolist()
        assert shown["about"]["centre"] == (own if form in ("study", "json") else pytest.approx(figures.mean()))
        assert run("chart", "candidates", "shown.json", "--cost", measure, "-o", "again.json")[0] == 0
        assert json.loads(Path("again.json").read_text()) == shown


def test_a_chart_leaves_out_candidates_without_a_score_and_says_so(run):
    Path("c.csv").write_text("name,macs,score\na,1,2\nb,1,\n")
    code, _, err = run("chart", "candidates", "c.csv", "-o", "c.json", "--centre", "3")
    assert (code, err) == (0, "c.csv: 1 of 2 candidates left out: no score\n")
    assert json.loads(Path("c.json").read_text())["about"]["centre"] == 3
    Path("c.csv").write_text("name,macs,score\nb,1,\n")
    code, _, err = run("chart", "candidates", "c.csv", "-o", "c.svg")
    assert (code, err) == (1, "c.csv: no candidate with a score\n")


def test_figures_of_all_are_of_all(run):
    """However few are shown: what is said of all is said of every candidate that was evaluated."""
    _, out, _ = run("search", "small.yaml", "--evaluator", "mine:area", "--trials", 8, "--seed", 0)
    _, of_all, _ = run("candidates", "small-search.db")
    said = of_all.partition("of all, ")[2].strip()
    for shown in (
        out,
        *(run("candidates", "small-search.db", *more)[1] for more in (["--trial", 3], ["-o", "x.yaml"])),
    ):
        assert "1 of 8 candidates" in shown
        assert said in shown


def test_command_search_writes_a_front(run, tmp_path):
    code, out, _ = run(
        *("search", "small.yaml", "--evaluator", "searched:two", "--directions", "maximize,minimize"),
        *("--trials", 20, "--strategy", "evolution", "--seed", 0, "-o", "front"),
    )
    assert code == 0
    files = sorted((tmp_path / "front").iterdir())
    assert len(files) == len(front(read("small-search.db")[0])) > 1
    for file in files:
        assert f"front/{file.name}: {file.stem}, of trial" in out
        assert load(file).name == file.stem


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--evaluator", "mine:are"), 1, "no function 'are'; did you mean 'area'"),
        (("--evaluator", "mine:area", "--values", "1,x"), 2, "expected numbers"),
        (("--evaluator", "mine:area", "--values", ""), 1, "values: expected some"),
        (("--evaluator", "mine:area", "--macs", "lots"), 2, "expected a figure"),
        (("--evaluator", "mine:area", "--strategy", "luck"), 2, "luck"),
        (("--evaluator", "mine:area", "--frozen", "b9"), 1, "no block 'b9' takes part"),
        (("--evaluator", "mine:area", "--directions", "maximize,minimize"), 1, "reinforce takes one score"),
        ((), 2, "--evaluator"),
    ],
)
def test_command_search_says_what_is_wrong(run, tmp_path, arguments, code, told):
    found, out, err = run("search", "small.yaml", *arguments)
    assert (found, out) == (code, "")
    assert told in err
    assert not list(tmp_path.glob("*.db"))


def test_command_sample_gives_the_figures_of_what_it_draws(run):
    code, out, _ = run("sample", SP, "-n", 40, "--format", "json")
    shown, space = json.loads(out), Space(load(SP))
    found = candidates(space, space.draw(40))
    assert code == 0
    assert [row["macs"] for row in shown["rows"]] == found.macs.tolist()
    assert [row["betas"] for row in shown["rows"]] == [list(betas) for betas in found.betas]
    assert shown["about"]["near_budget"] == found.near()
    _, out, _ = run("sample", SP, "-n", 40)
    assert f"10 of 40 candidates; of all, {found.near():.1%} within 10 %" in out


def test_without_optuna_it_is_said_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    code, out, err = run("candidates", "small-search.db")
    assert (code, out) == (1, "")
    assert "pip install 'spinec[search]'" in err


def test_the_table_of_candidates(golden):
    found = candidates(SMALL, SMALL.draw(4), scores=[(0.5, 3.0), (-1.25, 1e-7), (1234567.5, 0.0), (1 / 3, 2.0)])
    folder = Path(__file__).parent / "golden" / "tables"
    golden(folder / "candidates.md", candidate_table(found).to_text("markdown") + "\n")
    golden(folder / "candidates.json", candidate_table(found, [2]).to_text("json") + "\n")


def test_latency_is_measured_and_limits(kept, monkeypatch):
    pytest.importorskip("torch")
    from spinec.latency import latency

    assert 0 < latency(SMALL.spec) < 60_000
    monkeypatch.setattr("spinec.search.limits.MOST_DRAWS", 2)
    plan = plan_of("x", limits=Limits(latency=1e-6))
    with pytest.raises(SearchError, match="over the limit of: latency 2"):
        search(plan, kept, evaluator=searched.value, measure_latency=latency)
    plan = plan_of("spinec.latency:latency", directions=("minimize",), limits=Limits(latency=60_000))
    study = search(plan, f"{kept}.all", trials=3, measure_latency=latency, strategy="random", seed=0)
    assert all(0 < trial.value < 60_000 for trial in study.get_trials())
