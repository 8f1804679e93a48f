"""The proxy task: candidates that are trained and judged; a score repeats, and what a candidate dies of is no failure."""

import json
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial
from taught import DIGITS

from spinec import SearchError, SpecError, loads, lower
from spinec.backends.backend import backend
from spinec.compiler.resources.candidates import Space
from spinec.search import proxy as proxies
from spinec.search.evaluators import NoScoreError
from spinec.search.job import Job, work_alone
from spinec.search.plan import Plan
from spinec.search.proxy import STATISTICS, Proxy, proxy_of, score_of
from spinec.search.pruners import pruner_of
from spinec.search.run import search
from spinec.search.study import read
from spinec.spec.recipes.load import load_recipe
from spinec.train.data import forms

pytest.importorskip("torch")
pytest.importorskip("sklearn")

ROOT = Path(__file__).resolve().parent.parent
TINY = """
name: tiny
input: {size: 16}
stochastic_depth: {rate: 0.2}
blocks:
  stem: {kind: conv, level: 1, dim: 8, inputs: [image]}
  b1: {kind: mbconv, level: 2, dim: 16, inputs: [stem]}
  b2: {kind: mbconv, level: 3, dim: 24, inputs: [b1]}
  b3: {kind: mbconv, level: 3, dim: 32, inputs: [b2]}
outputs: {out: b3}
head: {kind: classification, classes: 1000}
"""
SHORT = (
    *("batch=16", "schedule={steps: 20, warmup: null}", "optimizer.rate=0.01", "data.hold_out=60"),
    *("evaluate.steps=10", "evaluate.statistics=2"),
)
DIVERGING = ("optimizer={kind: sgd, rate: 1e6, per: 1, clip: 0}", "schedule.warmup=null")
NAME = "the training by small-classification, in pytorch"
SPACE = Space(loads(TINY), values=(1, 5, 20))


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    from spinec.train.sets.made import make_set

    folder = tmp_path_factory.mktemp("digits") / "set"
    make_set("digits-classes", folder, size=16)
    return folder


@pytest.fixture(autouse=True)
def nothing_opened():
    proxies.OPENED.clear()


def short(digits, *settings, recipe="small-classification", **more):
    return proxy_of(recipe, [*SHORT, *settings], digits, **more)


def told(study):
    """What a study found, by what makes a candidate and not by when."""
    return [(each.params, each.values, each.intermediate_values, each.user_attrs["figures"]) for each in study.trials]


def study_of(digits, path, *settings, trials=3, **more):
    plan = Plan(SPACE, short(digits, *settings))
    return search(plan, str(path), trials=trials, strategy="random", seed=4, **more)


# --- scores


def test_a_search_repeats_to_the_last_bit_and_so_does_who_joins_it(digits, tmp_path):
    study = study_of(digits, tmp_path / "one.db")
    found = told(study)
    scores = [values[0] for _, values, *_ in found]
    assert len(set(scores)) == 3
    assert max(scores) > 0.4, "they have not learned, and what repeats says nothing"
    assert all([*reported] == [10, 20] and reported[20] == score for (_, (score,), reported, _) in found)
    assert all(figures["top-1"] == score for _, (score,), _, figures in found)
    again = told(study_of(digits, tmp_path / "two.db", trials=2))
    assert again == found[:2]
    proxies.OPENED.clear()  # as in a process of its own
    work_alone(Job(str(tmp_path / "two.db"), "tiny", 3, "random", 9, 0, "none"), 1)
    _, plan = read(str(tmp_path / "two.db"))
    assert plan.evaluator == short(digits)
    joined = read(str(tmp_path / "two.db"))[0].trials[2]
    spec = SPACE.candidate(SPACE.dims([joined.params[name] for name in SPACE.names]), "another-name")
    assert plan.judge(spec) == (joined.value,)


def test_the_data_is_opened_once_and_the_heads_have_its_classes(digits, monkeypatch):
    opened, build = [], backend("pytorch").learner
    heads = []
    look_at = forms.look_at
    monkeypatch.setattr(forms, "look_at", lambda *given: opened.append(given) or look_at(*given))
    monkeypatch.setattr(
        backend("pytorch"), "learner", lambda program, *given: heads.append(program.spec.head) or build(program, *given)
    )
    judge = short(digits, "schedule.steps=1")
    judge.check(SPACE.spec)
    first = len(opened)
    for betas in ([5, 5, 5], [1, 5, 20]):
        judge(SPACE.candidate(SPACE.dims(betas)))
    assert (first, len(opened)) == (2, 2)  # for the names of its classes, and to learn from
    assert [head.labels for head in heads] == [tuple("0123456789")] * 2


def test_statistics_are_taken_anew_whatever_the_recipe_says(digits):
    assert proxy_of("classification", [], digits).document.evaluate.statistics == STATISTICS
    assert proxy_of("small-classification", [], digits).document.evaluate.statistics == 20
    judge = short(digits, "evaluate.statistics=3")
    untold = Proxy(judge.recipe.replace("statistics: 3", "statistics: 0"), judge.data)
    assert untold.document.evaluate.statistics == 0
    assert judge(SPACE.spec) != untold(SPACE.spec)


def test_what_networks_are_compared_by():
    assert score_of({"AP": 0.25, "AP50": 0.5}, None) == 0.25
    assert score_of({"AP": 0.25, "mask AP": 0.125}, None) == 0.125


def test_a_detector_is_judged_by_its_ap(tmp_path):
    from spinec.train.sets.made import make_set

    make_set("digits", tmp_path / "scenes", size=64, train=8, val=4)
    judge = proxy_of("proxy-small", ["batch=2", "schedule={steps: 2}", "evaluate.statistics=1"], tmp_path / "scenes")
    study = optuna.create_study(direction="maximize")
    trial = study.ask()
    assert judge(loads(DIGITS), trial) == (trial.user_attrs["figures"]["AP"],)
    assert "AP50" in trial.user_attrs["figures"]


def test_tensorflow_trains_candidates_too(digits):
    pytest.importorskip("tensorflow")
    judge = short(digits, "schedule={steps: 2}", backend="tensorflow")
    judge.check(SPACE.spec)
    (score,) = judge(SPACE.spec)
    assert 0 <= score <= 1


# --- pruning


def test_a_candidate_that_does_worse_is_pruned_and_says_when(digits):
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=2))
    trial = study.ask()
    with pytest.raises(optuna.TrialPruned, match=r"^pruned at step 10 of 20$"):
        short(digits)(SPACE.spec, trial)
    assert [*study.trials[0].intermediate_values] == [10]


def test_a_pruner_is_asked_and_its_reason_stays(digits, tmp_path, monkeypatch):
    study = study_of(digits, tmp_path / "s.db", trials=2)
    for _ in range(5):  # what the median is of
        best = create_trial(
            state=TrialState.COMPLETE,
            params=study.trials[0].params,
            distributions=study.trials[0].distributions,
            values=[1.0],
            intermediate_values={10: 1.0, 20: 1.0},
        )
        study.add_trial(best)
    job = Job(str(tmp_path / "s.db"), "tiny", 8, "random", 4, 0, "median")
    work_alone(job, 0)
    last = read(str(tmp_path / "s.db"))[0].trials[-1]
    assert last.state is TrialState.PRUNED
    assert last.user_attrs["why"] == "pruned at step 10 of 20"
    assert "failure" not in last.user_attrs


def test_pruners_are_optunas(digits):
    judge = short(digits)
    assert type(pruner_of("none", judge)) is optuna.pruners.NopPruner
    assert type(pruner_of("median", judge)) is optuna.pruners.MedianPruner
    hyperband = pruner_of("hyperband", judge)
    assert (hyperband._min_resource, hyperband._max_resource) == (10, 20)
    assert pruner_of("hyperband", "mine:score")._max_resource == "auto"
    with pytest.raises(SearchError, match="no pruner 'medium'; did you mean 'median'"):
        pruner_of("medium", judge)
    with pytest.raises(SearchError, match="the pruner median takes one score, and the evaluator gives 2"):
        pruner_of("median", "mine:score", 2)


# --- candidates that die


def test_a_candidate_that_diverges_has_no_score_and_the_search_goes_on(digits, tmp_path):
    study = study_of(digits, tmp_path / "s.db", *DIVERGING, trials=2)
    assert [each.state for each in study.trials] == [TrialState.PRUNED] * 2
    for trial in study.trials:
        assert trial.user_attrs["why"].startswith("diverged at step ")
        assert "is no number any more" in trial.user_attrs["why"]
        assert "failure" not in trial.user_attrs


def no_memory(name):
    if name == "torch":
        import torch

        return torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")
    if name == "cpu":
        return RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    return MemoryError()


@pytest.mark.parametrize("name", ["torch", "cpu", "any"])
def test_a_candidate_for_which_memory_is_too_small_has_no_score(digits, monkeypatch, name):
    def learner(*_):
        raise no_memory(name)

    monkeypatch.setattr(backend("pytorch"), "learner", learner)
    with pytest.raises(NoScoreError, match=r"^out of memory: ") as caught:
        short(digits)(SPACE.spec)
    assert "\n" not in str(caught.value)
    assert caught.value.__context__ is None  # which would hold what filled the memory


def test_other_errors_are_failures(digits, monkeypatch):
    def learner(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(backend("pytorch"), "learner", learner)
    with pytest.raises(RuntimeError, match="a bug"):
        short(digits)(SPACE.spec)


def test_tensorflow_knows_when_memory_is_too_small():
    tf = pytest.importorskip("tensorflow")
    lacks = backend("tensorflow").lacks_memory
    assert lacks(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"))
    assert not lacks(tf.errors.InternalError(None, None, "a bug"))


# --- plans, and what a user says


def test_a_plan_keeps_the_recipe_as_a_document(digits):
    plan = Plan(SPACE, short(digits, backend="tensorflow", readers=2))
    kept = json.loads(json.dumps(plan.to_json()))
    assert Plan.from_json(kept) == plan
    assert "hold_out: 60" in kept["proxy"]["recipe"]
    old = Plan(SPACE, "mine:score").to_json()
    assert "proxy" not in old
    assert Plan.from_json(old).evaluator == "mine:score"


def test_a_study_goes_on_with_the_same_training_only(digits, tmp_path):
    study_of(digits, tmp_path / "s.db", "schedule={steps: 1}", trials=1)
    with pytest.raises(SearchError, match=r"was begun otherwise: another recipe$"):
        study_of(digits, tmp_path / "s.db", "schedule={steps: 2}", trials=1, resume=True)
    with pytest.raises(SearchError, match=r"backend pytorch, now tensorflow$"):
        search(
            Plan(SPACE, short(digits, "schedule={steps: 1}", backend="tensorflow")), str(tmp_path / "s.db"), resume=True
        )
    with pytest.raises(
        SearchError, match=r"was begun otherwise: evaluator the training by .*, in pytorch, now spinec.*likeness$"
    ):
        search(Plan(SPACE, "spinec.search.objectives:likeness"), str(tmp_path / "s.db"), resume=True)


def test_a_recipe_that_is_kept_is_whole(digits):
    recipe = load_recipe("proxy", ["evaluate.statistics=20"])
    assert proxy_of("proxy", [], digits).document == recipe
    with pytest.raises(SpecError):
        _ = Proxy("recipe: broken", str(digits)).document


SEARCH = ("search", "tiny.yaml", "--storage", "s.db", "--trials", "1")
WRONG = {
    (): (2, "expected --evaluator MODULE:FUNCTION, or --proxy RECIPE and --data DIR"),
    ("--proxy", "proxy-small"): (2, "expected --evaluator MODULE:FUNCTION, or --proxy RECIPE and --data DIR"),
    ("--proxy", "proxy-small", "--data", ".", "--evaluator", "a:b"): (2, "--evaluator does nothing with --proxy"),
    ("--evaluator", "a:b", "--data", ".", "--set", "batch=1"): (2, "--data and --set do nothing without --proxy"),
    ("--proxy", "proxy-smal", "--data", "."): (1, "no recipe 'proxy-smal'"),
    ("--proxy", "proxy-small", "--data", "nowhere"): (1, "nowhere: no such file or folder"),
    ("--proxy", "proxy-small", "--data", "DIGITS"): (1, "a data set for classification, and the head is for"),
    ("--proxy", "proxy", "--data", "DIGITS"): (1, "has no split 'train2017', which the recipe learns from"),
}


@pytest.mark.parametrize("given", WRONG, ids=" ".join)
def test_wrong_input_is_one_line_and_nothing_is_written(spinec, digits, tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(DIGITS)
    code, out, err = spinec(*SEARCH, *(str(digits) if word == "DIGITS" else word for word in given))
    expected, line = WRONG[given]
    assert (code, out) == (expected, "")
    assert line in " ".join(err.split())
    assert not Path("s.db").exists()


def test_the_command_trains_candidates(spinec, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    words = [word for setting in SHORT for word in ("--set", setting)]
    proxy = ("--proxy", "small-classification", "--data", digits, *words, "--pruner", "median")
    code, _, err = spinec(*SEARCH, *proxy, "--strategy", "random", "--seed", "1", "-o", "best.yaml")
    assert code == 0, err
    best = loads(Path("best.yaml").read_text())
    assert (best.origin.evaluator, best.origin.recipe) == (NAME, "small-classification")
    assert best.head.classes == 1000  # the search is for the spec's own head


def test_the_search_knows_of_training_in_one_file_alone():
    files = [path.name for path in (ROOT / "search").glob("*.py") if "spinec.train" in path.read_text()]
    assert files == ["proxy.py"]


# --- zero-cost proxies

PLAIN = """
name: plain
input: {size: 12}
defaults: {kind: conv, kernel: 3, activation: relu}
blocks:
  b1: {level: 1, dim: 5, inputs: [image]}
  b2: {level: 2, dim: 6, inputs: [b1]}
  b3: {level: 3, dim: 7, inputs: [b2]}
outputs: {out: b3}
head: {kind: classification, classes: 4, dropout: 0, smoothing: 0}
"""


class Naive:
    """What the network is, written down anew: its fresh weights, and every value on the way."""

    def __init__(self, positive=False):
        import torch

        self.program = lower(loads(PLAIN))
        self.recipe = load_recipe("small-classification", ["batch=4", "seed=3"])
        weights = backend("pytorch").learner(self.program, self.recipe).weights()
        tensors = {name: torch.from_numpy(array).double() for name, array in weights.items()}
        self.kernels = {name: each for name, each in tensors.items() if name.endswith(".kernel")}
        self.positive, self.codes = positive, []
        draw = np.random.default_rng(0)
        self.images = draw.standard_normal((4, 12, 12, 3)).astype(np.float32)
        self.targets = {"classes": np.array([0, 3, 1, 1])}

    def conv(self, x, name, norm=True):
        from torch.nn import functional

        kernel = self.kernels[name]
        kernel = kernel.abs() if self.positive else kernel
        x = functional.conv2d(x, kernel, stride=2 if kernel.shape[2] == 3 else 1, padding=kernel.shape[2] // 2)
        if norm and not self.positive:
            mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, correction=0)
            x = (x - mean) / (variance + self.program.spec.norm.epsilon).sqrt()
        self.codes.append((x > 0).flatten(1))
        return functional.relu(x)

    def logits(self, x):
        *convs, last = self.kernels
        for name in convs:
            x = self.conv(x, name)
        kernel = self.kernels[last]
        return x.mean((2, 3)) @ (kernel.abs() if self.positive else kernel).flatten(1).T

    def measured(self, name):
        return backend("pytorch").MEASURES[name](self.program, self.recipe, self.images, self.targets)


def test_synflow_is_conserved_from_layer_to_layer():
    """Without norms and biases every layer passes on the same flow (arXiv 2006.05467, Theorem 2): R, each time."""
    import torch

    naive = Naive(positive=True)
    flow = naive.logits(torch.ones(1, 3, 12, 12).double()).sum().item()
    assert naive.measured("synflow") == pytest.approx(len(naive.kernels) * flow, rel=1e-12)


def test_naswot_counts_the_units_that_two_images_share():
    import torch

    naive = Naive()
    naive.logits(torch.from_numpy(naive.images).permute(0, 3, 1, 2).double())
    codes = torch.cat(naive.codes, 1).tolist()
    alike = [[sum(a == b for a, b in zip(one, other, strict=True)) for other in codes] for one in codes]
    assert alike[0][0] == len(codes[0]) == 6 * 6 * 5 + 3 * 3 * 6 + 2 * 2 * 7
    assert naive.measured("naswot") == pytest.approx(np.linalg.slogdet(np.array(alike, float)).logabsdet, rel=1e-9)


def test_grad_norm_sums_the_norms_of_the_gradients():
    import torch
    from torch.nn import functional

    naive = Naive()
    for kernel in naive.kernels.values():
        kernel.requires_grad_()
    logits = naive.logits(torch.from_numpy(naive.images).permute(0, 3, 1, 2).double())
    functional.cross_entropy(logits, torch.from_numpy(naive.targets["classes"])).backward()
    expected = sum(kernel.grad.norm().item() for kernel in naive.kernels.values())
    assert naive.measured("grad-norm") == pytest.approx(expected, rel=1e-4)


def test_zero_cost_proxies_are_further_objectives(spinec, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    words = [word for setting in (*SHORT, "schedule={steps: 1}") for word in ("--set", setting)]
    proxy = ("--proxy", "small-classification", "--data", digits, *words, "--also", "synflow,naswot,grad-norm")
    code, _, err = spinec(*SEARCH, *proxy, "--strategy", "random", "--seed", "1")
    assert code == 0, err
    trial = read("s.db")[0].trials[0]
    assert trial.values[0] == trial.user_attrs["figures"]["top-1"]
    assert len(trial.values) == 4
    assert len({*trial.values}) == 4
    code, _, err = spinec(*SEARCH, *proxy[:-1], "synflo", "--resume")
    assert (code, err.strip()) == (1, "pytorch has no zero-cost proxy 'synflo': did you mean 'synflow'?")
    with pytest.raises(SearchError, match=r"^tensorflow has no zero-cost proxy 'synflow': it has none$"):
        short(digits, backend="tensorflow", also=("synflow",)).check(SPACE.spec)
