"""The JSON Schema accepts what the loader accepts, and refuses the commonest faults."""

import pytest
import yaml

from spinec.spec.library import LIBRARY
from spinec.spec.schema import schema

jsonschema = pytest.importorskip("jsonschema")
VALIDATOR = jsonschema.Draft202012Validator(schema())
STARTER = LIBRARY.parent / "spec" / "starter.yaml"


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", [*sorted(LIBRARY.glob("*.yaml")), STARTER], ids=lambda path: path.stem)
def test_accepts_the_library(path):
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "fault",
    [
        {"blocs": {}},
        {"blocks": {"b1": {"kind": "mbcov", "level": 1, "dim": 8, "inputs": ["image"]}}},
        {"blocks": {"b1": {"kind": "conv", "level": 1, "dim": "wide", "inputs": ["image"]}}},
        {"blocks": {"b1": {"kind": "conv", "level": 1, "dim": 0, "inputs": ["image"]}}},
        {"blocks": {"b1": {"kind": "conv", "level": 1, "dim": 8, "inputs": ["image"], "expand": 6}}},
        {"blocks": {"B1": {"kind": "conv", "level": 1, "dim": 8, "inputs": ["image"]}}},
        {"head": {"kind": "retinnet"}},
        {"defaults": {"level": 3}},
        {"scale": {"width": -1}},
        {"input": {"size": "big"}},
    ],
)
def test_refuses(fault):
    assert not VALIDATOR.is_valid({"name": "faulty", **fault})


def test_every_field_is_described_or_speaks_for_itself():
    fields = schema()["$defs"]["MBConv"]["properties"]
    for name in ("level", "dim", "kernel", "expand", "squeeze", "inputs", "repeats"):
        assert fields[name]["description"], name
