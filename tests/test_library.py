"""Every spec of the library against the live module, at three input sizes, without computing anything."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from shapes import Shapes  # noqa: E402  (after the skip)
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import spinec  # noqa: E402
from spinec.spec.library import LIBRARY, library  # noqa: E402

torch.set_num_threads(1)  # workers of pytest would wait for each other's threads, many times as long
SIZES = (None, 96, (100, 172))  # the spec's own, and two that its levels do not divide


def meta_model(program: spinec.Program) -> torch.nn.Module:
    with torch.device("meta"), Shapes():
        return spinec.build(program).eval()


def trace(program: spinec.Program, model: torch.nn.Module) -> tuple[dict[str, tuple[int, ...]], Any]:
    """The shape that every child of a model gives out, but for those that run once a level, and the model's result."""
    found: dict[str, tuple[int, ...]] = {}
    for name, child in model.named_children():
        if name in program.values:
            child.register_forward_hook(lambda _, __, y, name=name: found.update({name: tuple(y.shape[1:])}))
    with torch.no_grad(), Shapes():
        inputs = [torch.empty(given.times, *given.shape, device="meta") for given in program.inputs.values()]
        return found, model(*inputs)


def shapes_of(program: spinec.Program, result: Any) -> dict[str, tuple[int, ...]]:
    """Name and shape of the results; a model of one output returns it bare."""
    results = program.named(result)
    return {name: tuple(value.shape[1:]) for name, value in results.items()}


@pytest.mark.parametrize("size", SIZES, ids=["own", "96", "100x172"])
@pytest.mark.parametrize("name", spinec.names())
def test_what_is_inferred_and_counted_is_what_the_live_module_does(
    name: str, size: int | tuple[int, int] | None
) -> None:
    program = spinec.lower(spinec.load(name), size)
    report, model = spinec.cost(program), meta_model(program)
    assert sum(parameter.numel() for parameter in model.parameters()) == report.params

    with FlopCounterMode(display=False) as counter:
        traced, result = trace(program, model)
    assert set(traced) >= {*program.spec.blocks, *(program.spec.outputs if program.spec.endpoints else ())}
    assert traced == {child: program.shape(child) for child in traced}
    assert shapes_of(program, result) == program.outputs
    assert counter.get_total_flops() == 2 * report.macs("conv")


@pytest.mark.parametrize("name", spinec.names())
def test_weights_are_those_of_every_size(name: str) -> None:
    spec = spinec.load(name)
    kept = [{**program.weights, **program.state} for program in (spinec.lower(spec, size) for size in SIZES)]
    assert kept[0] == kept[1] == kept[2]


@pytest.mark.parametrize("name", spinec.names())
def test_a_file_is_called_as_its_spec(name: str) -> None:
    assert spinec.load(name).name == name == library()[name].stem


def test_no_name_is_used_twice() -> None:
    """A second file of a name would silently take the place of the first."""
    stems = [path.stem for path in LIBRARY.glob("*.yaml")]
    assert sorted(stems) == sorted(set(stems)) == spinec.names()
