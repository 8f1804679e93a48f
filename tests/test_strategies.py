"""The controller and evolution: the mathematics, the state that a study gives, and that both beat chance."""

from datetime import datetime, timedelta
from itertools import product

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

from spinec.search.controller import Controller, _Policy
from spinec.search.evolution import Evolution
from spinec.search.plan import STRATEGIES

SPACE = {f"b{i}": CategoricalDistribution((1, 5, 10, 15, 20)) for i in range(6)}
RAGGED = {
    "a": CategoricalDistribution((1, 2)),
    "b": CategoricalDistribution((1,)),
    "c": CategoricalDistribution((3, 1, 2)),
}
optuna.logging.set_verbosity(optuna.logging.ERROR)
EXAMPLES = settings(deadline=None, derandomize=True, database=None, max_examples=60)
START = datetime(2020, 1, 1)


def study_of(scores, space=SPACE, direction="maximize", order=None, seed=0):
    """A study whose trials have random choices and these scores, and finished in an order of their own."""
    random = np.random.default_rng(seed)
    study = optuna.create_study(directions=direction if isinstance(direction, list) else [direction])
    for number, score in enumerate(scores):
        finished = START + timedelta(seconds=int(order[number] if order is not None else number))
        values = {"values": list(score)} if isinstance(score, tuple) else {"value": score}
        params = {name: each.choices[random.integers(len(each.choices))] for name, each in space.items()}
        trial = create_trial(state=TrialState.COMPLETE, params=params, distributions=space, **values)
        trial.datetime_start, trial.datetime_complete = START, finished
        study.add_trial(trial)
    return study


def drawn(sampler, study, space=SPACE):
    study.sampler = sampler
    return study.ask(space).params


def probabilities(study, space=SPACE, **settings):
    return np.array([list(row.values()) for row in Controller(space, **settings).probabilities(study).values()])


@EXAMPLES
@given(st.data())
def test_a_step_is_the_gradient_of_the_policy_and_its_entropy(data):
    """By finite differences of advantage * log p(chosen) + entropy * H(p)."""
    policy = _Policy([3, 5])
    finite = np.isfinite(policy._logits)
    policy._logits[finite] = data.draw(st.lists(st.floats(-2, 2), min_size=8, max_size=8))
    chosen = [data.draw(st.integers(0, 2)), data.draw(st.integers(0, 4))]
    policy._mean, policy._deviation, policy._learned = 0.3 / 4, np.sqrt(0.5) / 4, 1000  # of quarters of scores
    score, rate, entropy = data.draw(st.floats(-3, 3)), 0.1, 0.7
    before = policy._logits.copy()

    def objective(logits, advantage):
        policy._logits = logits
        p = policy.probabilities()
        logs = np.log(p, where=p > 0, out=np.zeros_like(p))
        return advantage * sum(logs[row, i] for row, i in enumerate(chosen)) - entropy * (p * logs).sum()

    difference = score - 0.3
    advantage = difference / np.sqrt(0.95 * (0.5 + 0.05 * difference**2))
    wanted = np.zeros_like(before)
    for at in zip(*np.nonzero(finite), strict=True):
        step = np.zeros_like(before)
        step[at] = 1e-6
        wanted[at] = (objective(before + step, advantage) - objective(before - step, advantage)) / 2e-6
    policy._logits = before
    policy.learn(chosen, score, rate, entropy, memory=0.95)
    assert np.allclose(policy._logits[finite] - before[finite], rate * wanted[finite], atol=1e-6)


def test_a_policy_starts_even_and_draws_what_it_says():
    policy = _Policy([2, 1, 3])
    assert policy.probabilities().tolist() == [[0.5, 0.5, 0], [1, 0, 0], [pytest.approx(1 / 3)] * 3]
    policy._logits[0, 1] = np.log(4)
    random = np.random.default_rng(0)
    found = np.array([policy.draw(random) for _ in range(20_000)])
    shares = np.array([[(found[:, row] == i).mean() for i in range(3)] for row in range(3)])
    assert np.abs(shares - policy.probabilities()).max() < 0.02


SCORES = st.floats(-5, 5).map(lambda x: round(x, 6))  # finer differences drown in the rounding of a shift by 100


@EXAMPLES
@given(st.lists(SCORES, min_size=2, max_size=30), st.floats(0.01, 100), st.floats(-100, 100))
def test_scores_of_any_scale_give_one_policy(scores, scale, shift):
    if np.ptp(scores) < 1e-3:
        return
    plain, scaled = probabilities(study_of(scores)), probabilities(study_of([scale * s + shift for s in scores]))
    assert np.allclose(plain, scaled, atol=1e-5)
    assert np.allclose(plain, probabilities(study_of([-s for s in scores], direction="minimize")))


def test_the_study_is_the_whole_state_of_the_controller():
    """One that learned trial by trial, one that reads all at once, and one that saw another order of finishing first."""
    scores, order = np.random.default_rng(1).normal(size=60), np.random.default_rng(2).permutation(60)
    study = study_of(scores, order=order)
    step_by_step, whole = Controller(SPACE, seed=0), Controller(SPACE, seed=0)
    for number in np.argsort(order):
        partial = study_of(scores[: number + 1], order=order[: number + 1])
        step_by_step.probabilities(partial)
    assert step_by_step.probabilities(study) == whole.probabilities(study)
    assert not np.allclose(probabilities(study), probabilities(study_of(scores)))  # the order does count
    growing = study_of([])
    one = Controller(SPACE, seed=0)
    for trial in study_of(scores).get_trials():
        growing.add_trial(trial)
        one.probabilities(growing)
    assert one.probabilities(growing) == Controller(SPACE).probabilities(growing)


def test_trials_without_scores_or_of_other_parameters_teach_nothing():
    study = study_of([1.0, 2.0, 0.5])
    before = probabilities(study)
    study.add_trial(create_trial(state=TrialState.FAIL, params={}, distributions={}))
    study.add_trial(create_trial(state=TrialState.PRUNED, params={}, distributions={}))
    study.add_trial(create_trial(value=9.0, params={"x": 1}, distributions={"x": CategoricalDistribution((1, 2))}))
    assert (probabilities(study) == before).all()


def test_pruned_trials_teach_by_their_last_report():
    study = study_of([1.0, 2.0, 0.5])
    before = probabilities(study)
    study.sampler = Controller(SPACE, seed=0)
    trial = study.ask(SPACE)
    trial.report(-7.0, 1)
    study.tell(trial, state=TrialState.PRUNED)
    after = probabilities(study)
    for row, (name, each) in enumerate(SPACE.items()):
        i = each.choices.index(trial.params[name])
        assert after[row, i] < before[row, i]


def test_entropy_keeps_a_policy_from_settling():
    scores = [float(trial.params["b0"] == 5) for trial in study_of([0.0] * 400).get_trials()]
    settled, spread = (probabilities(study_of(scores), entropy=entropy)[0].max() for entropy in (0, 2))
    assert settled > 0.95
    assert spread < settled - 0.1


def test_children_have_one_value_of_a_living_parent_changed():
    study = study_of([100.0] * 10 + list(np.random.default_rng(0).normal(size=20)))
    living = [trial.params for trial in study.get_trials()[10:]]
    sampler = Evolution(SPACE, population=20, tournament=5, seed=7)
    for _ in range(50):
        child = drawn(sampler, study)
        assert min(sum(child[name] != parent[name] for name in SPACE) for parent in living) == 1


def test_who_is_old_has_no_children_however_fit():
    scores = np.random.default_rng(0).normal(size=20)
    study = study_of([100.0] * 10 + list(scores))
    parent = study.get_trials()[10 + int(scores.argmax())].params
    sampler = Evolution(SPACE, population=20, tournament=20, seed=7)
    for _ in range(50):
        child = drawn(sampler, study)
        assert sum(child[name] != parent[name] for name in SPACE) == 1


@pytest.mark.parametrize(("direction", "best"), [("maximize", 17), ("minimize", 4)])
def test_the_fittest_of_a_whole_tournament_is_the_parent(direction, best):
    scores = [*range(18), 0.5, 0.6]
    scores[4] = -3
    study = study_of([float(score) for score in scores], direction=direction)
    sampler = Evolution(SPACE, population=20, tournament=20, seed=0)
    parent = study.get_trials()[best].params
    for _ in range(30):
        child = drawn(sampler, study)
        assert sum(child[name] != parent[name] for name in SPACE) == 1


def test_with_several_objectives_a_parent_is_beaten_by_none():
    scores = [(1.0, 1.0), (3.0, 5.0), (2.0, 0.5), (0.5, 9.0), (1.0, 0.4)]
    study = study_of(scores, direction=["maximize", "minimize"])
    sampler = Evolution(SPACE, population=5, tournament=5, seed=0)
    front = [study.get_trials()[i].params for i in (1, 2, 4)]
    for _ in range(30):
        child = drawn(sampler, study)
        assert min(sum(child[name] != parent[name] for name in SPACE) for parent in front) == 1


def test_evolution_starts_at_random():
    sampler, study = Evolution(SPACE, population=50, seed=7), study_of([1.0] * 49)
    found = [tuple(drawn(sampler, study).values()) for _ in range(40)]
    parents = [tuple(trial.params.values()) for trial in study.get_trials()[:49]]
    assert max(min(sum(map(int.__ne__, a, b)) for b in parents) for a in found) > 1


@pytest.mark.parametrize("make", [Controller, Evolution])
def test_parameters_of_few_choices_are_drawn_too(make):
    study = study_of(list(np.arange(60.0)), space=RAGGED)
    sampler = make(RAGGED, seed=0)
    found = {tuple(drawn(sampler, study, RAGGED).values()) for _ in range(200)}
    assert found <= set(product((1, 2), (1,), (3, 1, 2)))
    assert len(found) > 2


@pytest.mark.parametrize("make", [Controller, Evolution])
def test_what_a_strategy_does_not_know_is_refused(make):
    study = optuna.create_study(sampler=make(SPACE, seed=0))
    with pytest.raises(ValueError, match="knows no parameter 'x', only b0"):
        study.ask().suggest_int("x", 0, 3)


@pytest.mark.parametrize("make", [Controller, Evolution])
def test_a_seed_fixes_what_is_drawn(make):
    study = study_of(list(np.arange(60.0)))
    first, again, other = (
        [drawn(sampler, study) for _ in range(5)] for sampler in (make(SPACE, seed=s) for s in (1, 1, 2))
    )
    assert first == again != other


def test_strategies_beat_chance():
    """A target of six choices among 5^6, told by how near one is; 150 candidates, the mean of 5 seeds."""
    target = dict(zip(SPACE, (1, 20, 10, 5, 15, 20), strict=True))
    best = {}
    for strategy in ("reinforce", "evolution", "random"):
        runs = []
        for seed in range(5):
            study = optuna.create_study(direction="maximize", sampler=STRATEGIES[strategy](SPACE, seed))
            for _ in range(150):
                trial = study.ask(SPACE)
                study.tell(trial, -sum(abs(value - target[name]) for name, value in trial.params.items()))
            runs.append(study.best_value)
        best[strategy] = np.mean(runs)
    assert best["reinforce"] > best["random"] + 5
    assert best["evolution"] > best["random"] + 5
