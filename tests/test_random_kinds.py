"""Random kinds, valid by construction: what is said, counted, written and computed of them agrees.

A few of them run always. SPINEC_KINDS=10 runs ten parts of a hundred kinds, which `-k part07` tells apart; a part has the
same kinds in every run.
"""

from __future__ import annotations

import os
import pickle
import random
from copy import deepcopy

import pytest
import yaml

torch = pytest.importorskip("torch")

from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402  (after the skip)
from kind_grammar import grammar, whole_grammar  # noqa: E402
from random_kinds import OF_PRIMITIVE, kind_specs  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import spinec  # noqa: E402
from spinec.backends.backend import backend  # noqa: E402
from spinec.backends.sample import sample  # noqa: E402
from spinec.compiler.graph.program import Program  # noqa: E402
from spinec.spec.kinds.steps import PRIMITIVES  # noqa: E402
from spinec.spec.model import with_dims  # noqa: E402

PARTS = int(os.environ.get("SPINEC_KINDS", "0"))
OF_A_PART = 100
in_parts = pytest.mark.parametrize("part", range(1, PARTS + 1) or [0], ids="part{:02}".format)
IMAGES = 2  # PyTorch refuses a group norm of a single value, as one image of one pixel may give
torch.set_num_threads(1)


def kinds(few: int):
    """Run a test on so many kinds, or on a hundred in each part."""

    def decorated(test):
        @in_parts
        def of_part(part):
            with_kinds(part, OF_A_PART if PARTS else few, test)

        of_part.__name__ = test.__name__
        return of_part

    return decorated


def with_kinds(number: int, many: int, test) -> None:
    """Call a test with random kinds, the same for a number in every run."""

    @seed(number)
    @settings(
        max_examples=many,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(kind_specs())
    def each(drawn):
        test(drawn)

    each()


def test_every_primitive_is_drawn():
    assert set(PRIMITIVES) <= set(OF_PRIMITIVE)


def test_the_whole_grammar_is_drawn():
    missing = set(whole_grammar())
    for number in range(12):  # what is rare may be missing in one series: choices within an example go together
        with_kinds(number, 300, lambda drawn: missing.difference_update(grammar(yaml.safe_load(drawn.text))))
        if not missing:
            break
    assert not missing


@kinds(30)
def test_a_kind_is_written_copied_and_counted_as_pytorch_counts(drawn):
    spec = spinec.loads(drawn.text)
    assert spinec.loads(text := spinec.dump(spec)) == spec
    assert spinec.dump(spinec.loads(text)) == text
    assert pickle.loads(pickle.dumps(spec)) == deepcopy(spec) == spec
    assert spinec.check(spec) == spec

    program = spinec.lower(spec)
    report = spinec.cost(program)
    with torch.device("meta"):
        model = spinec.build(program).eval()
    assert sum(parameter.numel() for parameter in model.parameters()) == report.params
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*[torch.empty(IMAGES * each.times, *each.shape, device="meta") for each in program.inputs.values()])
    assert counter.get_total_flops() == 2 * IMAGES * report.macs("conv")


@in_parts
def test_candidates_are_counted_as_one_by_one_or_refused(part):
    """Refused are they where what is computed depends on the dims, and where a number is made of two dims."""
    refused: list[bool] = []

    def each(drawn):
        spec = spinec.loads(drawn.text)
        found = refusal(spec)
        assert found in (None, "SPN-704")
        if drawn.plain:
            refused.append(found is not None)
        if not found:
            compare_candidates(spec)

    with_kinds(part, OF_A_PART if PARTS else 25, each)
    assert sum(refused) <= len(refused) / 2, f"{sum(refused)} of {len(refused)}"


def refusal(spec: spinec.ModelSpec) -> str | None:
    """The code with which many candidates cannot be counted at once."""
    try:
        spinec.CostModel(spec)
    except spinec.SpecError as error:
        return error.faults[0].code
    return None


def compare_candidates(spec: spinec.ModelSpec) -> None:
    """Random dims, as far as all blocks can have them."""
    model, dice = spinec.CostModel(spec), random.Random(0)
    for _ in range(3):
        dims = {name: dice.choice([3, 4, 5, 7, 8, 12]) for name in spec.blocks}
        try:
            report = spinec.cost(spinec.lower(with_dims(spec, dims, {})))
        except spinec.SpecError:
            continue
        row = [list(dims.values())]
        assert (model.macs(row)[0], model.params(row)[0]) == (report.macs("conv"), report.params)


@kinds(8)
def test_both_frameworks_compute_the_same(drawn):
    pytest.importorskip("tensorflow")
    from spinec.backends.verify import compare

    program = spinec.lower(spinec.loads(drawn.text))
    found = compare(program, "float64")
    if found.worst.error > found.bar:  # TensorFlow's ELU is exp(x) - 1, which keeps few digits of an x near zero
        largest = largest_values(program)
        above = [each for each in found.found if each.error > found.bar]
        assert all(each.error * largest[each.value] < TINY for each in above), found.worst


TINY = 1e-15  # beside one: what ELU loses at most


def largest_values(program: Program) -> dict[str, float]:
    """The largest size of every value between blocks, for the inputs and weights that the frameworks are given."""
    given, framework = sample(program), backend("pytorch")
    with framework.precision("float64"):
        model = framework.build(program)
        framework.write_weights(model, program, given.weights)
        values = framework.observe(model, program, given.inputs)
    return {name: float(abs(value).max()) for name, value in values.items()}
