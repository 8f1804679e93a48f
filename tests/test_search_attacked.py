"""Searches under attack: scores that are none, evaluators that misbehave, damaged databases, signals."""

import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from math import inf, isfinite, nan
from pathlib import Path

import optuna
import pytest
import searched
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState, create_trial
from patience import wait_for
from sessions import alive, shown_by, workers
from sqlalchemy.exc import OperationalError

from spinec import SearchError, loads
from spinec.compiler.resources.candidates import Space
from spinec.search import liveness, processes, worker
from spinec.search.controller import Controller
from spinec.search.job import Job
from spinec.search.liveness import beating, own_name
from spinec.search.plan import STRATEGIES, Plan
from spinec.search.results import front, reason_of, scoreless
from spinec.search.run import search
from spinec.search.signals import follow, held_back, interrupting
from spinec.search.storage import answering, open_storage, shown
from spinec.search.study import begin, read
from spinec.search.verdicts import evaluate

SMALL = Space(loads(searched.SMALL), values=(1, 5, 20))
SECRET = "s3cr3t"
LONG = 300  # seconds that a slow machine may take to start or end processes

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(searched.SMALL)
    return ("search", "small.yaml", "--values", "1,5,20", "--seed", 0)


def plan_of(evaluator="x", **more):
    return Plan(SMALL, evaluator, **more)


def states(study):
    return Counter(trial.state.name for trial in study.get_trials())


# --- scores that are none


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_learns_on_where_some_scores_are_infinite(kept, journal, strategy, direction):
    plan = plan_of("searched:sometimes_infinite", directions=(direction,))
    study = search(plan, kept, trials=16, strategy=strategy, seed=0)
    without = [trial for trial in study.get_trials() if trial.state is TrialState.PRUNED]
    assert {reason_of(trial) for trial in without} == {"the score is inf"}
    assert states(study)["COMPLETE"] == 16 - len(without) > 0
    assert len({tuple(trial.params.values()) for trial in study.get_trials()[6:]}) > 1
    (best,) = front(study)
    assert isfinite(best.value)
    assert "of 16 tried have no score: the score is inf" in scoreless(study)


def test_the_policy_is_finite_whatever_the_history_holds():
    space = {name: CategoricalDistribution((1, 5, 20)) for name in "ab"}
    study, controller = optuna.create_study(direction="minimize"), Controller(space, seed=0)
    for score in (inf, 1.0, -inf, 1.7e308, -1.7e308, 1.7e308, 5e-324, -5e-324, 0.0, 2.0, inf):
        study.add_trial(create_trial(value=score, params={"a": 1, "b": 20}, distributions=space))
        rows = controller.probabilities(study).values()
        assert all(isfinite(p) and p > 0 for row in rows for p in row.values())
        assert all(abs(sum(row.values()) - 1) < 1e-9 for row in rows)
    of_all = controller.probabilities(study)
    finite = optuna.create_study(direction="minimize")
    finite.add_trials([trial for trial in study.get_trials() if isfinite(trial.value)])
    assert Controller(space, seed=0).probabilities(finite) == of_all  # nothing is learned of the others


def test_advantages_do_not_depend_on_the_scale_of_scores():
    space = {"a": CategoricalDistribution((1, 5, 20))}

    def learned(scale):
        study = optuna.create_study()
        for beta, score in ((1, 3.0), (5, -1.0), (20, 0.5), (1, 2.0)):
            study.add_trial(create_trial(value=scale * score, params={"a": beta}, distributions=space))
        return Controller(space).probabilities(study)

    assert learned(1.0) == learned(2.0**1000) == learned(2.0**-1000)


@pytest.mark.parametrize("directions", [("maximize",), ("maximize", "minimize")])
def test_infinite_scores_that_a_study_holds_already_are_no_best(kept, journal, directions):
    """They were told before scores had to be finite, or by another program; a candidate equal to one has none."""
    plan = plan_of("searched:two" if len(directions) > 1 else "searched:quick", directions=directions)
    study = begin(kept, "small", plan)
    for betas in ((1, 1, 1), (20, 1, 1)):
        params = dict(zip(SMALL.names, betas, strict=True))
        attrs = {"dims": list(SMALL.dims(betas).values())}
        values = [inf, -inf][: len(directions)]
        study.add_trial(create_trial(values=values, params=params, distributions=plan.distributions, user_attrs=attrs))
    study.enqueue_trial(dict.fromkeys(SMALL.names, 1))
    study = search(plan, kept, trials=12, strategy="evolution", seed=0, resume=True)
    assert study.get_trials()[2].state is TrialState.PRUNED
    assert all(isfinite(value) for trial in front(study) for value in trial.values)
    assert "the score is inf" in scoreless(study)


class Unfloatable:
    def __float__(self):
        raise RuntimeError("a tensor with 2 elements cannot be converted")


@pytest.mark.parametrize(
    ("given", "why", "fails"),
    [
        (nan, "the score is nan", False),
        (10**400, "the score is inf", False),
        (-(10**400), "the score is -inf", False),
        ("x" * 500, "expected a number or several", True),
        ([10**5000, "x"], "expected a number or several", True),
        (Unfloatable(), "expected a number or several", True),
        ({}, "expected a number or several", True),
    ],
)
def test_what_cannot_be_compared_is_no_score(given, why, fails):
    verdict = evaluate(lambda spec: given, SMALL.spec, optuna.create_study().ask(), 1)
    assert (verdict.scores, bool(verdict.failure)) == ((), fails)
    assert why in verdict.why
    assert len(verdict.why) < 500


def test_reasons_are_told_where_nothing_has_a_score(kept, small, spinec):
    Path("mine.py").write_text("def nothing(spec):\n    return float('nan')\n")
    code, out, err = spinec(*small, "--evaluator", "mine:nothing", "--trials", 4)
    assert (code, out) == (1, "")
    assert "4 of 4 tried have no score: the score is nan (4)" in err
    code, out, _ = spinec("candidates", "small-search.db")
    assert code == 0
    assert "4 of 4 tried have no score: the score is nan (4)" in out
    code, out, err = spinec("candidates", "small-search.db", "--format", "json")
    assert (code, json.loads(out)["rows"]) == (0, [])
    assert "the score is nan (4)" in err
    assert "trial 2 has no score: the score is nan" in spinec("candidates", "small-search.db", "--trial", 2)[1]
    sys.modules.pop("mine")


# --- evaluators that fail


def test_failures_are_counted_shown_and_given_up(kept, journal, small, spinec):
    asked = (*small, "--evaluator", "searched:sometimes_broken")
    code, _, err = spinec(*asked, "--trials", 12, "--catch", 9, "--strategy", "random")
    assert code == 0
    study, _ = read("small-search.db")
    broken = [trial for trial in study.get_trials() if worker.FAILURE in trial.user_attrs]
    assert {trial.state for trial in broken} == {TrialState.PRUNED}
    assert states(study)["PRUNED"] + states(study)["COMPLETE"] == 12
    assert len(searched.noted("begun", journal)) // 3 == len(broken) == worker.failed(study) > 1
    assert f"MemoryError: out of memory ({states(study)['PRUNED']})" in err
    code, out, err = spinec("candidates", "small-search.db", "--trial", broken[0].number)
    assert "has no score: MemoryError: out of memory" in out
    assert 'raise MemoryError("out of memory")' in err


def test_a_search_ends_after_more_failures_than_are_allowed(kept):
    def broken(spec):
        raise RuntimeError("the disk is full")

    with pytest.raises(SearchError, match=r"(?s)failed on trial 2:.*the disk is full\n\(more than the 2 that --catch"):
        search(plan_of(), kept, trials=9, evaluator=broken, catch=2, seed=0)
    assert states(read(kept)[0]) == {"PRUNED": 2, "FAIL": 1, "WAITING": 1}
    with pytest.raises(SearchError, match=r"--catch N goes on"):
        search(plan_of(), f"{kept}.2", evaluator=broken, seed=0)
    with pytest.raises(SearchError, match="no fewer than 0 failures"):
        search(plan_of(), f"{kept}.2", evaluator=broken, catch=-1)


def test_an_evaluator_that_leaves_python_has_failed(kept):
    """In this process as in a worker: `sys.exit(0)` is no success."""
    with pytest.raises(SearchError, match="SystemExit: 0"):
        search(plan_of(), kept, evaluator=lambda spec: sys.exit(0))
    study = search(
        plan_of(), kept, evaluator=lambda spec: sys.exit(0), resume=True, trials=3, catch=3, strategy="random"
    )
    assert states(study)["PRUNED"] == 3


def test_an_interrupt_that_becomes_another_exception_is_no_failure(kept):
    """Training loops of libraries take Ctrl-C and leave by `sys.exit`."""

    def tidy(spec):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(1)

    with pytest.raises(KeyboardInterrupt):
        search(plan_of(), kept, evaluator=tidy, catch=9)
    assert states(read(kept)[0]) == {"FAIL": 1, "WAITING": 1}  # it is tried again


def test_a_worker_whose_trial_was_taken_away_goes_on(kept, journal, monkeypatch):
    monkeypatch.setattr(worker, "PAUSES", (0.0, 0.0))
    taken = []

    def slow(spec, trial):
        if not taken:
            taken.append(trial.number)
            trial.study.tell(trial.number, state=TrialState.FAIL)  # by somebody who thought it dead
            trial.report(1.0, 1)
        return searched.value(spec)

    study = search(plan_of(), kept, trials=3, evaluator=slow, strategy="random", seed=0)
    assert states(study) == {"FAIL": 1, "COMPLETE": 3}


@needs_proc
def test_evaluators_may_have_children_print_and_end_their_process(kept, journal, small):
    """In one search: data loaders, chatter beside JSON, a forked child that leaves, and an end with code 0 too early."""
    command = [*small, "--evaluator", "searched:unruly", "--trials", 4, "--workers", 2, "--format", "json"]
    found = subprocess.run([sys.executable, "-m", "spinec", *map(str, command)], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert len(json.loads(found.stdout)["rows"]) == 1
    assert {"chatter", "chatter of a program"} <= set(found.stderr.splitlines())
    study, _ = read("small-search.db")
    assert states(study)["COMPLETE"] == 4
    assert states(study)["FAIL"] >= 1  # what the process that ended was at
    different = [trial for trial in study.get_trials() if trial.value and "equal_to" not in trial.user_attrs]
    assert len(searched.noted("left-3", journal)) == len(different)  # by parents, once each


def test_workers_that_end_as_if_they_were_done_do_not_end_a_search(kept, monkeypatch):
    """Neither with many trials left, nor for ever."""
    started = []

    class Ended:
        exitcode, pid = 0, None

        def terminate(self): ...

        kill = terminate

        def join(self, timeout=None): ...

    class Silent:
        def poll(self):
            return False

    def start(crew, job, index):
        started.append(index)
        crew[index] = processes.Worker(Ended(), Silent())

    monkeypatch.setattr(processes, "_start", start)
    monkeypatch.setattr(processes, "POLL", 0.0)
    study = begin(kept, "small", plan_of())
    job = Job(kept, "small", 5, "random", 0, 0)
    with pytest.raises(SearchError, match="21 workers ended, and not one trial was finished"):
        processes.work_in_processes(job, 2, study, lambda: None)
    assert Counter(started) == {0: 11, 1: 11}


# --- storages


@pytest.mark.parametrize("name", ["feature%2Fsearch", "what?", "a#b", "{curly}", "100%", "it's; here", "ü&=+ x"])
def test_names_of_files_are_taken_as_they_are(tmp_path, monkeypatch, spinec, name):
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("small.yaml").write_text(searched.SMALL)
    asked = ("search", "small.yaml", "--evaluator", "searched:value", "--trials", 2)
    code, _, err = spinec(*asked)
    assert (code, Path("small-search.db").is_file()) == (0, True)
    storage = f"{name}.db"
    code, _, err = spinec(*asked, "--storage", storage, "--study", "one's own")
    assert (code, Path(storage).is_file()) == (0, True)
    assert {path.name for path in tmp_path.iterdir()} == {name}
    printed = subprocess.run(["sh", "-c", f"printf '%s\n' {err.partition('see: ')[2]}"], capture_output=True, text=True)
    said = printed.stdout.splitlines()
    assert said == ["spinec", "candidates", storage, "--study", "one's own"]
    assert spinec(*said[1:])[0] == 0


def test_reading_makes_no_files(tmp_path):
    for storage in (str(tmp_path / "none.db"), f"sqlite:///{tmp_path}/none.db"):
        with pytest.raises(SearchError, match="no such file"):
            read(storage)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url",
    [
        f"nosuch://user:{SECRET}@host/db",
        f"nosuch://user:{SECRET}@host:port/db",
        f"sqlite:////no/such/folder/x.db?password={SECRET}",
        f"sqlite://user:{SECRET}@/{{place}}/x.db",
        f"mssql+pyodbc:///?odbc_connect=UID%3Du%3BPWD%3D{SECRET}",
        f"postgresql://user:{SECRET}%40x@host/db",
    ],
)
def test_passwords_are_not_shown(tmp_path, small, spinec, url):
    url = url.format(place=tmp_path)
    for command in (("candidates", url), (*small, "--evaluator", "searched:value", "--storage", url)):
        code, out, err = spinec(*command)
        assert (code, SECRET in out + err, "Traceback" in err) == (1, False, False)
    assert SECRET not in shown(url)
    assert SECRET not in repr(Job(url, "x", 1, "random", None, 0))


def test_passwords_are_not_shown_by_drivers():
    storage = f"postgresql://u:{SECRET}@h/db"
    with pytest.raises(SearchError) as told, answering(storage):
        raise StorageInternalError("x") from OperationalError("", {}, Exception(f"no {SECRET} for {storage}\nmore"))
    assert str(told.value) == "postgresql://u:***@h/db: the study cannot be read or written: no *** for ***"


def test_passwords_are_not_shown_where_all_goes_well(tmp_path, small, spinec):
    url = f"sqlite:///{tmp_path}/kept.db?timeout=60"
    code, _, err = spinec(*small, "--evaluator", "searched:value", "--storage", url, "--trials", 2)
    assert (code, url in err) == (0, True)  # as `shown` shows it, which hides what is secret


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished study in one file."""
    path = tmp_path_factory.mktemp("finished") / "study.db"
    search(Plan(SMALL, "searched:value"), str(path), trials=4, strategy="random", seed=0)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def damaged(finished, tmp_path, statement):
    path = tmp_path / "damaged.db"
    path.write_bytes(finished.read_bytes())
    database = sqlite3.connect(path)
    database.execute(statement)
    database.commit()
    database.close()
    return path


TABLES = ["studies", "study_directions", "study_user_attributes", "trials", "trial_params", "trial_values"]


@pytest.mark.parametrize("table", [*TABLES, "trial_user_attributes", "version_info", "alembic_version"])
def test_a_dropped_table_is_told_in_a_line(finished, tmp_path, small, spinec, table):
    kept = damaged(finished, tmp_path, f"DROP TABLE {table}")
    asked = (*small, "--evaluator", "searched:value", "--storage", kept, "--resume", "--trials", 5)
    for command in (("candidates", kept, "--trial", 1), ("candidates", kept), asked):
        code, _, err = spinec(*command)
        assert code in (0, 1)
        assert "Traceback" not in err
        assert code == 0 or "damaged" in err or "no study" in err or "no candidate" in err or "not one of" in err


def test_a_table_that_is_dropped_while_a_search_runs_is_told_in_a_line(kept):
    def dropping(spec):
        with sqlite3.connect(kept) as database:
            database.execute("DROP TABLE trial_values")
        return 1.0

    with pytest.raises(SearchError, match=r"study\.db: the study cannot be read or written: no such table: trial_val"):
        search(plan_of(), kept, trials=2, evaluator=dropping)


PLAN = "UPDATE study_user_attributes SET value_json = {} WHERE key = 'plan'"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("'{'", "the study cannot be read or written: Expecting"),
        ("'5'", "a damaged plan: missing or of another type: all of it"),
        ("json_remove(value_json, '$.limits', '$.spec')", "a damaged plan: missing or of another type: limits, spec"),
        ("json_set(value_json, '$.limits.macs', 'x')", "a damaged plan: missing or of another type: limits.macs"),
        ("json_set(value_json, '$.spec', 'name: x')", "a damaged plan: "),
        ("json_set(value_json, '$.values', json_array())", "a damaged plan: .*values: expected some"),
        ("json_set(value_json, '$.directions', json_array('minimize'))", "other directions than its plan"),
    ],
)
def test_a_damaged_plan_is_told_in_a_line(finished, tmp_path, value, told):
    kept = str(damaged(finished, tmp_path, PLAN.format(value)))
    with pytest.raises(SearchError, match=told):
        read(kept)
    with pytest.raises(SearchError, match=told):
        begin(kept, "small", Plan(SMALL, "searched:value"), resume=True)


def test_a_heart_that_misses_a_beat_beats_on(kept, monkeypatch):
    study = begin(kept, "small", plan_of())
    tell, beats = study.set_user_attr, []

    def failing(name, count):
        beats.append(count)
        if count in (1, 3):
            raise OperationalError("", {}, Exception("database is locked"))
        tell(name, count)

    monkeypatch.setattr(study, "set_user_attr", failing)
    with beating(study, period=0.01):
        wait_for(lambda: len(beats) > 4)
    assert read(kept)[0].user_attrs[f"beat of {own_name()}"] >= 4
    assert liveness.PATIENCE > 5 * liveness.PERIOD  # some may be missed


def test_connections_that_a_database_closed_are_made_anew(monkeypatch):
    made = []
    monkeypatch.setattr(
        "spinec.search.storage.RDBStorage", lambda url, engine_kwargs: made.append((url, engine_kwargs))
    )
    open_storage("postgresql://u:p%40{x@h/db")
    assert made == [("postgresql://u:p%40%7Bx@h/db", {"pool_pre_ping": True})]


# --- signals


def test_what_ends_a_process_interrupts_a_search():
    before = signal.SIG_DFL
    ignored = signal.signal(signal.SIGHUP, before)  # by nohup
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with pytest.raises(KeyboardInterrupt) as told, interrupting():
            signal.raise_signal(number)
        assert told.value.args == (number,)
    assert signal.getsignal(signal.SIGHUP) is before
    signal.signal(signal.SIGHUP, ignored)


def test_an_interrupt_that_python_drops_is_raised_anew(monkeypatch):
    class Late:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    dropped = []
    monkeypatch.setattr(sys, "unraisablehook", dropped.append)
    with interrupting() as interrupted:
        interrupted()
        Late()
        assert dropped[0].exc_type is KeyboardInterrupt
        with pytest.raises(KeyboardInterrupt) as told:
            interrupted()
    assert told.value.args == (signal.SIGINT,)


def test_signals_wait_while_a_worker_starts():
    done = []

    def interrupted():
        with held_back():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("started")
            blocked = subprocess.run(["sh", "-c", "kill -INT $$; echo alive"], capture_output=True, text=True)
            done.append(blocked.stdout.strip())
        done.append("not reached")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["started", "alive"]


def busy_search(small):
    """`spinec search` with two workers that never finish, in a session of its own."""
    command = [*small, "--evaluator", "searched:endless", "--workers", 2, "--trials", 9, "--strategy", "random"]
    return subprocess.Popen(
        [sys.executable, "-m", "spinec", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


INTERRUPTED = "interrupted: the same command with --resume goes on from here"


def said(text):
    """Every line but that of the progress bar."""
    return [line for line in text.splitlines() if line.strip() and not line.rstrip().endswith("to go")]


def stubborn(path):
    """A worker that ends for nothing but SIGKILL, and has a child."""
    follow(None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    Path(path).write_text(str(child.pid))
    time.sleep(3600)


@needs_proc
def test_what_a_worker_started_is_killed_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.1)
    context, started = multiprocessing.get_context("spawn"), tmp_path / "child"
    process = context.Process(target=stubborn, args=(str(started),))
    process.start()
    wait_for(lambda: (started.exists() and started.read_text()) or not process.is_alive())
    processes._end([processes.Worker(process, None)])
    assert process.exitcode == -signal.SIGKILL
    wait_for(lambda: shown_by(started.read_text(), "stat").rpartition(")")[2].split()[:1] in ([], ["Z"]))


@needs_proc
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_busy_workers_end_with_the_first_process(small, journal, number, code):
    running = busy_search(small)
    wait_for(lambda: len(searched.noted("busy", journal)) == 2)
    if number is signal.SIGINT:
        os.killpg(running.pid, number)  # as a terminal sends it
    else:
        os.kill(running.pid, number)
    out, err = running.communicate(timeout=LONG)
    assert (running.returncode, out) == (code, "")
    busy = {number for line in searched.noted("busy", journal) for number in line.split(",")}
    wait_for(lambda: not busy & set(map(str, alive(running.pid))))
    assert said(err) == ([] if number is signal.SIGKILL else [INTERRUPTED])
    study, _ = read("small-search.db")
    found = states(study)  # given back, unless a slow machine takes longer for that than workers are given
    assert (found["FAIL"] + found["RUNNING"], found["WAITING"]) == (2, found["FAIL"])


@needs_proc
def test_ctrl_c_while_workers_start_ends_in_a_line(small, journal):
    running = busy_search(small)
    wait_for(lambda: workers(running.pid))
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=LONG)
    assert (running.returncode, out) == (130, "")
    assert said(err) == [INTERRUPTED]
    wait_for(lambda: not alive(running.pid))
