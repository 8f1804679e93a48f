"""Names that a block may have can be used wherever a block's name is used."""

import pytest

from spinec.spec.names import BLOCK_NAME, MODULE_ATTRIBUTES, RESERVED


def test_reserved_names_cover_torch():
    nn = pytest.importorskip("torch").nn
    missing = {name for name in dir(nn.Module()) if BLOCK_NAME.match(name)} - RESERVED
    assert not missing


def test_reserved_names_cover_a_torch_module_dict():
    nn = pytest.importorskip("torch").nn
    missing = {name for name in dir(nn.ModuleDict()) if BLOCK_NAME.match(name)} - RESERVED
    assert not missing


def test_reserved_names_cover_keras():
    keras = pytest.importorskip("keras")
    missing = {name for name in dir(keras.Model()) if BLOCK_NAME.match(name)} - RESERVED
    assert not missing


@pytest.mark.parametrize("name", ["class", "match", "type", "forward", "parameters", "eval", "print", "torch", "image"])
def test_dangerous_names_are_reserved(name):
    assert name in RESERVED


def test_reserved_names_are_written_once():
    assert len(MODULE_ATTRIBUTES) == len(set(MODULE_ATTRIBUTES))


@pytest.mark.parametrize("name", ["ｅval", "b1\n", "", "_b", "1b", "B1", "b-1", "b" * 49, "ﬁ"])
def test_what_is_no_plain_identifier_is_no_block_name(name):
    assert not BLOCK_NAME.match(name)
