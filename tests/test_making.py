"""Specs made and changed in Python are held to what a document may say."""

from __future__ import annotations

import pytest

import spinec
from spinec.spec.blocks import Input
from spinec.spec.fields import FrozenMapping

D0 = spinec.load("eff-spinenet-d0")


def edited(**fields):
    """D0 with a copied block that nobody has checked."""
    blocks = dict(D0.blocks)
    blocks["b5"] = blocks["b5"].model_copy(update=fields)
    return D0.model_copy(update={"blocks": FrozenMapping(blocks)})


@pytest.mark.parametrize("name", spinec.names())
def test_every_spec_of_the_library_is_what_its_check_gives(name):
    spec = spinec.load(name)
    assert spinec.check(spec) == spec


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"level": 99}, "SPN-204"),
        ({"dim": "x"}, "SPN-203"),
        ({"dim": 2.5}, "SPN-203"),
        ({"levl": 3}, "SPN-202"),
        ({"inputs": ()}, "SPN-207"),
        ({"inputs": (Input.model_validate({"from": "b9"}),)}, "SPN-309"),
        ({"kernel": 4}, "SPN-208"),
        ({"activation": "swich"}, "SPN-205"),
    ],
)
def test_a_copy_that_no_document_could_say_is_refused_at_its_line(fields, code):
    with pytest.raises(spinec.SpecError) as caught:
        spinec.check(edited(**fields))
    assert code in [fault.code for fault in caught.value.faults]
    assert all(fault.place for fault in caught.value.faults)
    assert "<eff-spinenet-d0>:" in str(caught.value)


def test_a_topology_of_thirty_blocks_takes_ten_lines():
    blocks = {"stem": {"kind": "conv", "level": 1, "dim": 16, "inputs": ["image"]}}
    for i in range(1, 30):
        last = [name for name in list(blocks)[-2:] if i > 1 or name == "stem"]
        blocks[f"b{i}"] = {"level": 2 + i % 4, "dim": 16 * (1 + i % 4), "inputs": last}
    document = {"name": "thirty", "defaults": {"kind": "mbconv"}, "blocks": blocks, "outputs": {"out": "b29"}}
    spec = spinec.make(document)
    assert len(spec.blocks) == 30
    assert spinec.cost(spinec.lower(spec)).params > 0


def test_a_faulty_mapping_is_refused_as_its_text_is():
    with pytest.raises(spinec.SpecError, match="unknown key 'diim'"):
        spinec.make({"name": "a", "blocks": {"b": {"level": 1, "kind": "conv", "diim": 3, "inputs": ["image"]}}})
    with pytest.raises(TypeError, match="a document has no set"):
        spinec.make({"name": "a", "blocks": {"b": {"inputs": {"image"}}}})


def test_edits_are_merged_replace_and_take_away():
    changed = spinec.change(D0, {"blocks": {"b5": {"dim": 96}}, "head": None, "endpoints": {"dim": 32}})
    assert changed.blocks["b5"].dim == 96
    assert changed.blocks["b6"] == D0.blocks["b6"]
    assert changed.head is None
    assert changed.endpoints.dim == 32
    with pytest.raises(spinec.SpecError):
        spinec.change(D0, {"blocks": {"b5": {"dim": 0}}})
