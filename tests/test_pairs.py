"""Every two values of any two fields meet in some spec, and what PyTorch builds of it is what its program says."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from field_values import STRUCTURE, VALUES, fields_of, models, values_of
from hypothesis import HealthCheck, Phase, given, settings
from paired import FEW, all_specs
from pydantic import BaseModel
from strategies import specs

torch = pytest.importorskip("torch")

from test_properties import inputs_of, interpret, meta_model, randomise, shapes, torch_name  # noqa: E402  (after the skip)
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import spinec  # noqa: E402

TEXTS = all_specs()
SUBJECTS = sorted(TEXTS)
NEVER_IN_PAIRS = ("Published",)  # what a publication printed changes nothing


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


def test_random_specs_vary_every_field():
    loaded: list[spinec.ModelSpec] = []

    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(specs(most_blocks=12))
    def collect(text: str) -> None:
        loaded.append(spinec.loads(text))

    collect()
    seen = seen_in(loaded)
    for name, model in models().items():
        for field in model.model_fields:
            few = (field == "kind" and name != "Fuse") or (name == "Published" and field == "table")
            assert few or len({repr(getattr(part, field)) for part in seen[name]}) > 1, f"{name}.{field}"


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
    for program in programs(subject):
        report, model = spinec.cost(program), meta_model(program)
        inputs = inputs_of(program, device="meta")
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            assert shapes(program, model.eval()(*inputs)) == program.outputs
        assert counter.get_total_flops() == 2 * 2 * report.macs("conv")
        found = {name: tuple(value.shape) for name, value in model.named_parameters()}
        assert found == {torch_name(name): shape for name, shape in program.weights.items()}
        assert sum(parameter.numel() for parameter in model.parameters()) == report.params


@pytest.mark.parametrize("subject", SUBJECTS)
def test_values_are_those_of_the_program(subject):
    torch.manual_seed(0)
    for program in programs(subject):
        model = spinec.build(program).double().eval()
        randomise(model)
        inputs = inputs_of(program, batch=1, dtype=torch.float64)
        state = dict(model.named_parameters()) | dict(model.named_buffers())
        with torch.no_grad():
            expected, results = interpret(program, state, inputs), program.named(model(*inputs))
        for name, value in results.items():
            torch.testing.assert_close(value, expected[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_source_for_tensorflow_compiles(subject):
    for program in programs(subject):
        compile(spinec.emit(program, "tensorflow"), subject, "exec")
