"""Wrong values at the public functions: an error that says which argument of which function, or the function's own."""

from __future__ import annotations

import inspect
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spinec
from spinec.spec.blocks import Fuse

FOLDER = tempfile.TemporaryDirectory()  # a data set of one class, gone when the tests are over
(Path(FOLDER.name) / "cat").mkdir()
(Path(FOLDER.name) / "cat" / "a.png").touch()
TINY = """
name: tiny
input: {size: 32}
blocks:
  a: {level: 1, kind: conv, dim: 8, inputs: [image]}
  b: {level: 2, kind: mbconv, dim: 8, inputs: [a]}
  c: {level: 2, kind: residual, dim: 16, inputs: [b]}
outputs: {P2: c}
"""
SPEC = spinec.loads(TINY)
PROGRAM = spinec.lower(SPEC)
SPACE = spinec.Space(SPEC, values=(1, 2), multiple=1)
REPORT = spinec.cost(PROGRAM)
DIMS = np.array([[8, 8, 16]])
MODEL = spinec.CostModel(SPEC)
SAMPLE = spinec.candidates(SPACE, [(1, 2)])
USUAL: dict[str, Any] = {
    "document": {
        "name": "a",
        "blocks": {"b": {"kind": "conv", "level": 0, "dim": 1, "inputs": ["image"]}},
        "outputs": {"o": "b"},
    },
    "edits": {},
    "after": SPEC,
    "before": SPEC,
    "betas": (1, 2),
    "counted": "all",
    "dims": DIMS,
    "key": "block",
    "macs": 100_000,
    "number": 2,
    "params": DIMS[:, 0],
    "phi": 1,
    "program": PROGRAM,
    "reports": [REPORT],
    "space": SPACE,
    "spec": SPEC,
    "text": TINY,
    "what": SPEC,
}
OWN: dict[tuple[str, str], Any] = {
    **{
        (f"Space.{key}", "chosen"): dict.fromkeys(SPACE.names, 1) for key in ("made", "key", "figures", "told", "betas")
    },
    ("candidates", "betas"): [(1, 2)],
    ("Candidates", "betas"): [(1, 2)],
    ("Candidates", "macs"): DIMS[:, 0],
    ("Space.candidate", "dims"): {"a": 8, "b": 8, "c": 16},
    ("load", "name"): "resnet-18",
    ("open_data", "path"): Path(FOLDER.name),
    ("classifier", "spec"): spinec.loads(f"{TINY}head: {{kind: classification, classes: 3}}"),
    ("detector", "spec"): spinec.loads(f"{TINY}head: {{kind: retinanet, dim: 8, layers: 0}}"),
    ("segmenter", "spec"): spinec.loads(f"{TINY}head: {{kind: segmentation, dim: 8, layers: 0}}"),
    ("write_report", "charts"): False,
    ("redistribute", "betas"): (1, 2),
}
INSTANCES = {
    "Candidates": SAMPLE,
    "CostModel": MODEL,
    "Report": REPORT,
    "Space": SPACE,
}
WRONG: tuple[Any, ...] = (
    *(None, True, 64.5, -1, 0, float("nan"), float("inf"), 10**400, 1j, "text", "", b"bytes", Path("nowhere")),
    *([], (), {}, set(), [None], (64.5, 64), (64,), {"a": None}, {1: 2}, iter(()), object(), type, len),
    *(SPEC, PROGRAM, REPORT, SPACE, [SPEC], np.zeros(3), np.float64(0.5), np.array("x"), Fuse()),
)
FITTING = (spinec.SpinecError, OSError, ValueError)  # of the function itself: its own words, in a class for them


def public() -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """Every public function and method: its name, itself, and what it is a method of."""
    for name in spinec.__all__:
        value = getattr(spinec, name)
        if inspect.isfunction(value):
            yield name, value, None
        elif not issubclass(value, BaseException):
            if name in ("Candidates", "CostModel", "Space"):
                yield name, value, None
            if name not in INSTANCES:
                continue
            methods = {key: each for key, each in vars(value).items() if inspect.isfunction(each) and key[0] != "_"}
            for key, method in methods.items():
                yield f"{name}.{key}", method.__get__(INSTANCES[name]), INSTANCES[name]


CALLS = {name: function for name, function, _ in public()}


def needed(name: str) -> dict[str, Any]:
    """What a function cannot do without."""
    parameters = inspect.signature(CALLS[name]).parameters.values()
    said = {("fit", "macs"), ("redistribute", "betas"), ("write_report", "charts")}
    return {
        each.name: OWN.get((name, each.name), USUAL.get(each.name))
        for each in parameters
        if each.default is each.empty or (name, each.name) in said
    }


def fault_of(name: str, arguments: dict[str, Any]) -> Exception | None:
    """What a call raises, but for the function's own errors: these have words of their own and a class for them."""
    try:
        CALLS[name](**arguments)
    except FITTING:
        return None
    except Exception as error:  # the test says which
        return error
    return None


@pytest.mark.parametrize("name", CALLS)
def test_wrong_values_are_named_at_the_call(name: str) -> None:
    """There is no error from within, such as an AttributeError."""
    usual = needed(name)
    CALLS[name](**usual)
    for parameter in inspect.signature(CALLS[name]).parameters:
        for value in WRONG:
            fault = fault_of(name, {**usual, parameter: value})
            if fault:
                assert isinstance(fault, TypeError), (parameter, value, fault)
                assert str(fault).startswith(f"{name}: {parameter}: expected "), (parameter, value, fault)


def test_there_are_thousands_of_such_calls() -> None:
    assert sum(len(WRONG) * len(inspect.signature(function).parameters) for function in CALLS.values()) > 4000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spinec.cost(SPEC), "cost: program: expected Program, got a ModelSpec; such as cost(lower(spec))"),
        (
            lambda: spinec.lower(SPEC, (64.5, 64)),
            "lower: size: expected int | tuple[int, int] | None, got (64.5, 64) (tuple)",
        ),
        (lambda: spinec.lower(SPEC, size=True), "lower: size: expected int | tuple[int, int] | None, got True (bool)"),
        (
            lambda: spinec.lower("resnet-18"),
            "lower: spec: expected ModelSpec, got 'resnet-18' (str); such as lower(load('resnet-18'))",
        ),
        (lambda: spinec.fit(SPEC, macs="1e9"), "fit: macs: expected float | None, got '1e9' (str)"),
        (lambda: spinec.Space(PROGRAM), "Space: spec: expected ModelSpec, got a Program; such as Space(program.spec)"),
        (
            lambda: spinec.write_report(REPORT),
            "write_report: reports: expected Sequence[Report], got a Report; such as write_report([report])",
        ),
    ],
)
def test_an_error_says_what_would_be_right(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError) as raised:
        call()
    assert str(raised.value) == message


def test_numbers_of_numpy_and_lists_are_taken() -> None:
    assert spinec.lower(SPEC, np.int64(64)).size == (64, 64)
    assert spinec.lower(SPEC, [64, 96]).size == (64, 96)
    assert spinec.redistribute(SPEC, np.array([1, 2]), multiple=1) == spinec.redistribute(SPEC, (1, 2), multiple=1)


def test_functions_are_still_themselves() -> None:
    """What help, pickle and `inspect` make of them."""
    assert pickle.loads(pickle.dumps(spinec.lower)) is spinec.lower
    assert str(inspect.signature(spinec.cost)) == "(program: 'Program') -> 'Report'"
    assert spinec.cost.__doc__
    assert "def cost" in inspect.getsource(spinec.cost)


@pytest.mark.parametrize("chunk", [0, -1])
@pytest.mark.parametrize("count", ["macs", "flops", "params"])
def test_a_chunk_has_something_in_it(count: str, chunk: int) -> None:
    with pytest.raises(ValueError, match=f"chunk: expected at least one candidate at a time, got {chunk}"):
        getattr(MODEL, count)(DIMS, chunk=chunk)
