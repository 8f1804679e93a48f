"""Every two values of any two fields meet in some spec, and what PyTorch builds of it is what its program says."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from field_values import STRUCTURE, VALUES, fields_of, models, parts_of, values_of
from hypothesis import HealthCheck, Phase, given, settings
from paired import FEW, all_specs
from pydantic import BaseModel
from strategies import heads, specs

torch = pytest.importorskip("torch")

from test_properties import inputs_of, interpret, randomise, shapes, torch_name  # noqa: E402  (after the skip)
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import spinec  # noqa: E402
from spinec.spec.heads import Head  # noqa: E402

THOROUGH = os.environ.get("SPINEC_PAIRS")  # every spec of heads, too: minutes
HEAVY = [
    *Head.kinds,
    "whole",
]  # subjects whose networks are large; of these, one in five is built where not all are asked for
TEXTS = all_specs()
SUBJECTS = sorted(TEXTS)
WITHIN = {part for model in Head.kinds.values() for field in model.model_fields for part in parts_of(model, field)}
HEADS = {model.__name__ for model in (*Head.kinds.values(), *WITHIN)}
NEVER_IN_PAIRS = ("Published", "Origin")  # what a publication printed, or a search found, changes nothing


@cache
def programs(subject: str) -> list[spinec.Program]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", spinec.SpecWarning)
        return [spinec.lower(spinec.loads(text)) for text in TEXTS[subject]]


def parts(value: Any) -> Iterator[BaseModel]:
    """Every model in a loaded spec."""
    if isinstance(value, BaseModel):
        yield value
        value = dict(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ():
        yield from parts(inner)


def seen_in(loaded: list[spinec.ModelSpec]) -> dict[str, list[BaseModel]]:
    """Every model in some specs, by name."""
    found: dict[str, list[BaseModel]] = {name: [] for name in models()}
    for spec in loaded:
        for part in parts({**dict(spec), "blocks": dict(spec.blocks), "spec": (spec,)}):
            found[type(part).__name__].append(part)
    return found


@cache
def loaded() -> dict[str, list[BaseModel]]:
    return seen_in([program.spec for subject in SUBJECTS for program in programs(subject)])


def test_every_field_has_values_and_every_value_a_field():
    named = {(name, field) for name, model in models().items() for field in fields_of(model)}
    for name, field in named:
        assert values_of(models()[name], field), f"tests/field_values.py: {name}.{field} is never varied"
    known = {field for _, field in named} | {f"{name}.{field}" for name, field in named}
    assert set(VALUES) <= known
    every = {name for model in models().values() for name in {each.__name__ for each in model.__mro__}}
    assert set(STRUCTURE) <= every


VARIED = settings(
    max_examples=800,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_random_specs_vary_every_field():
    loaded: list[spinec.ModelSpec] = []

    @VARIED
    @given(specs(most_blocks=12))
    def collect(text: str) -> None:
        loaded.append(spinec.loads(text))

    collect()
    seen = seen_in(loaded)
    assert_varied({name: parts for name, parts in seen.items() if name not in HEADS})


def test_random_heads_vary_every_field():
    """By themselves: a spec has one head at most, so few specs have one of a kind."""
    seen: dict[str, list[BaseModel]] = {name: [] for name in HEADS}

    @settings(VARIED, max_examples=1500)
    @given(heads())
    def collect(head: dict[str, Any]) -> None:
        for part in parts(Head.kinds[head["kind"]].model_validate(head)):
            seen[type(part).__name__].append(part)

    collect()
    assert_varied(seen)


def assert_varied(seen: dict[str, list[BaseModel]]) -> None:
    for name, parts in seen.items():
        for field in models()[name].model_fields:
            few = (field == "kind" and name not in ("Fuse", "Norm", "BlockNorm")) or (
                name == "Published" and field == "table"
            )
            # What divides dims; for kinds: random_kinds.py; for labels: test_classes.py.
            few = few or field in ("groups", "group_width", "kinds", "labels")
            assert few or len({repr(getattr(part, field)) for part in parts}) > 1, f"{name}.{field}"


@pytest.mark.parametrize("name", sorted(set(models()) - {"ModelSpec", "Image", *NEVER_IN_PAIRS}))
def test_every_two_values_meet(name):
    """In loaded specs: whatever a table of values and a maker of rows say."""
    fields = fields_of(models()[name])
    found = {tuple(getattr(part, field) for field in fields) for part in loaded()[name]}
    rows = [dict(zip(fields, row, strict=True)) for row in found]
    for field in fields:
        values = FEW[:-1] if field == "activation" else values_of(models()[name], field)
        assert set(values) <= {row[field] for row in rows}, field
    for one, other in combinations(fields, 2):
        met = {(row[one], row[other]) for row in rows}
        firsts, seconds = {a for a, _ in met}, {b for _, b in met}
        assert len(met) == len(firsts) * len(seconds), f"{name}: {one} and {other}"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_pytorch_builds_and_computes_what_the_program_says(subject):
    """Not on the device "meta", whose norms and initial weights take ten times as long as those of such small networks."""
    torch.manual_seed(0)
    step = 1 if THOROUGH or subject not in HEAVY else 5
    for program in programs(subject)[::step]:
        report, model = spinec.cost(program), spinec.build(program).double().eval()
        randomise(model)
        inputs = inputs_of(program, batch=1, dtype=torch.float64)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            given = model(*inputs)
        assert shapes(program, given) == program.outputs
        assert counter.get_total_flops() == 2 * report.macs("conv")
        parameters = dict(model.named_parameters())
        assert {name: tuple(each.shape) for name, each in parameters.items()} == {
            torch_name(name): shape for name, shape in program.weights.items()
        }
        assert sum(each.numel() for each in parameters.values()) == report.params
        with torch.no_grad():
            expected = interpret(program, parameters | dict(model.named_buffers()), inputs)
        for name, value in program.named(given).items():
            torch.testing.assert_close(value, expected[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_source_for_tensorflow_compiles(subject):
    for program in programs(subject):
        compile(spinec.emit(program, "tensorflow"), subject, "exec")
