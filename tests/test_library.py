"""Every spec of the library against the live module, at three input sizes, without computing anything."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402  (after the skip)

import spinec  # noqa: E402
from spinec.spec.library import library  # noqa: E402

SIZES = (None, 96, (100, 172))  # the spec's own, and two that its levels do not divide


@cache
def program_of(name: str, size: int | tuple[int, int] | None) -> spinec.Program:
    return spinec.lower(spinec.load(name), size)


def meta_model(program: spinec.Program) -> torch.nn.Module:
    with torch.device("meta"):
        return spinec.build(program).eval()


def trace(program: spinec.Program, model: torch.nn.Module) -> tuple[dict[str, tuple[int, ...]], Any]:
    """The shape that every child of a model gives out, but for those that run once a level, and the model's result."""
    found: dict[str, tuple[int, ...]] = {}
    for name, child in model.named_children():
        if name in program.values:
            child.register_forward_hook(lambda _, __, y, name=name: found.update({name: tuple(y.shape[1:])}))
    with torch.inference_mode():
        return found, model(torch.empty(1, *program.input_shape, device="meta"))


@pytest.mark.parametrize("size", SIZES, ids=["own", "96", "100x172"])
@pytest.mark.parametrize("name", spinec.names())
def test_every_inferred_shape_is_the_traced_one(name: str, size: int | tuple[int, int] | None) -> None:
    program = program_of(name, size)
    traced, result = trace(program, meta_model(program))

    assert set(traced) >= {*program.spec.blocks, *(program.spec.outputs if program.spec.endpoints else ())}
    assert traced == {child: program.shape(child) for child in traced}
    results = result if isinstance(result, dict) else dict(zip(program.outputs, [result], strict=True))
    assert {output: tuple(value.shape[1:]) for output, value in results.items()} == program.outputs


@pytest.mark.parametrize("size", SIZES, ids=["own", "96", "100x172"])
@pytest.mark.parametrize("name", spinec.names())
def test_counts_are_those_of_the_live_module(name: str, size: int | tuple[int, int] | None) -> None:
    program = program_of(name, size)
    report, model = spinec.cost(program), meta_model(program)

    assert sum(parameter.numel() for parameter in model.parameters()) == report.params
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, *program.input_shape, device="meta"))
    assert counter.get_total_flops() == 2 * report.macs("conv")


@pytest.mark.parametrize("name", spinec.names())
def test_a_file_is_called_as_its_spec(name: str) -> None:
    assert spinec.load(name).name == name == library()[name].stem


def test_no_name_is_used_twice() -> None:
    """A second file of a name would silently take the place of the first."""
    from spinec.spec.library import LIBRARY

    stems = [path.stem for path in LIBRARY.rglob("*.yaml")]
    assert sorted(stems) == sorted(set(stems)) == spinec.names()
