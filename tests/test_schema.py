"""The JSON Schema accepts what the loader accepts, and refuses the commonest faults."""

import json

import pytest
import yaml
from fragment_mutations import OWN

from spinec.spec.document import read_text
from spinec.spec.errors import SpecError
from spinec.spec.library import LIBRARY, fragments
from spinec.spec.recipes.load import load_recipe, recipes
from spinec.spec.schema import fragment_schema, recipe_schema, schema

jsonschema = pytest.importorskip("jsonschema")
VALIDATOR = jsonschema.Draft202012Validator(schema())
OF_FRAGMENTS = jsonschema.Draft202012Validator(fragment_schema())
OF_RECIPES = jsonschema.Draft202012Validator(recipe_schema())
STARTER = LIBRARY.parent / "spec" / "starter.yaml"


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator.check_schema(fragment_schema())
    jsonschema.Draft202012Validator.check_schema(recipe_schema())


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


def test_kinds_of_a_specs_own_are_accepted():
    block = {"b1": {"kind": "mine", "level": 1, "dim": 8, "inputs": ["image"], "ratio": 2}}
    assert not VALIDATOR.is_valid({"name": "own", "blocks": block})
    for own in ({"kinds": {"mine": None}}, {"extends": "parent.yaml"}):
        assert VALIDATOR.is_valid({"name": "own", **own, "blocks": block})
        assert VALIDATOR.is_valid({"name": "own", **own, "defaults": {"kind": "mine"}})
        assert not VALIDATOR.is_valid({"name": "own", **own, "blocks": {"b1": {"kind": "conv", "expand": 6}}})


def test_every_field_is_described_or_speaks_for_itself():
    fields = schema()["$defs"]["MBConv"]["properties"]
    for name in ("level", "dim", "kernel", "expand", "squeeze", "inputs", "repeats"):
        assert fields[name]["description"], name


@pytest.mark.parametrize("text", [*(path.read_text() for path in fragments().values()), OWN])
def test_accepts_fragments(text):
    OF_FRAGMENTS.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("takes: [C3, C4, C5]", "takes: C3"),
        ("takes: [C3, C4, C5]", "takes: [3]"),
        ("takes: [C3, C4, C5]\n", ""),
        ("settings: {", "setings: {"),
        ("settings: {dim: null, way: {kind: softmax}}", "settings: [dim]"),
        ("kind: separable_conv, dim", "kind: separable_conv, activaton: relu, dim"),
        ("resample: {up: nearest}", "resample: {up: cubic}"),
        ("kernel: 1", "kernl: 1"),
        ("kernel: 1", "kernel: one"),
        ("kernel: 1", "kernel: $"),
        ("level: 5, kind: identity", "level: 99, kind: identity"),
        ("  n3: {", "  N3: {"),
        ("gives: {P3: n3", "gives: {P3: 3"),
    ],
)
def test_refuses_in_fragments(old, new):
    assert OWN.count(old) == 1
    assert not OF_FRAGMENTS.is_valid(yaml.safe_load(OWN.replace(old, new)))


def test_a_value_of_a_block_may_be_a_setting():
    OF_FRAGMENTS.validate(
        yaml.safe_load(OWN.replace("kernel: 1", "kernel: $dim").replace("kind: separable_conv", "kind: $dim"))
    )


def as_json(text):
    """A document as a reader of YAML 1.2 gives it to a validator: PyYAML takes 1e-8 for text."""
    return json.loads(json.dumps(read_text(text, "a").plain()))


@pytest.mark.parametrize("name", recipes())
def test_accepts_the_librarys_recipes(name):
    OF_RECIPES.validate(as_json(recipes()[name].read_text()))


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("recipe: a\nextends: detection\n", True),
        ("recipe: a\nextends: detection\nschedule: {steps: 5, drops: null, warmup: null}\naverage: null\n", True),
        ("recipe: a\nschedule: {epochs: 2.5, drops: {1: 0.1, -0.5: 0}}\n", True),
        ("recipe: a\n", False),
        ("schedule: {epochs: 5}\n", False),
        ("recipe: A\nextends: detection\n", False),
        ("recipe: a\nextends: detection\nbatches: 5\n", False),
        ("recipe: a\nextends: detection\nbatch: 5.5\n", False),
        ("recipe: a\nextends: detection\noptimizer: {kind: adam}\n", False),
        ("recipe: a\nextends: detection\nschedule: {drops: {end: 0.1}}\n", False),
        ("recipe: a\nextends: detection\naugment: {scale: [1]}\n", False),
        ("recipe: a\nextends: detection\naugment: {flip: 2}\n", False),
    ],
)
def test_recipes_are_accepted_as_they_are_by_the_loader(text, sound, tmp_path):
    assert OF_RECIPES.is_valid(as_json(text)) == sound
    (tmp_path / "a.yaml").write_text(text)
    try:
        load_recipe(tmp_path / "a.yaml")
    except SpecError:
        assert not sound
    else:
        assert sound


def test_the_command_prints_either(spinec):
    assert json.loads(spinec("schema", "recipes")[1]) == recipe_schema()
    code, _, err = spinec("schema", "recipes", "--fragment")
    assert (code, "--fragment is of specs, not of recipes" in err) == (2, True)
    assert json.loads(spinec("schema")[1]) == schema()
    assert json.loads(spinec("schema", "--fragment")[1]) == fragment_schema()
