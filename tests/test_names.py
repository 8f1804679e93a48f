"""Names that a block may have can be used wherever a block's name is used."""

import pytest

from spinec import SpecError, draw, loads, lower
from spinec.backends.checkpoints import read_checkpoint, write_checkpoint
from spinec.backends.sample import sample
from spinec.backends.verify import compare
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


CASES = """
name: cases
input: {size: 32}
resample: {down: max_pool}
blocks:
  logits: {level: 2, kind: patch, dim: 8, inputs: [image]}
  p3: {level: 3, kind: conv, dim: 8, inputs: [logits]}
  p4: {level: 4, kind: mbconv, dim: 16, inputs: [p3]}
outputs: {P3: p3, P4: p4, Logits: logits}
endpoints: {dim: 8}
"""


@pytest.mark.parametrize("head", ["", "head: {kind: retinanet, dim: 8, layers: 1}\n"])
def test_names_that_differ_by_case_compute_the_same_in_both_frameworks(head):
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    text = CASES.replace(", Logits: logits", "") if head else CASES
    found = compare(lower(loads(text + head)))
    assert {"p3", "P3", "p4", "P4", "logits"} <= {each.value for each in found.found}
    assert found.worst.error <= found.bar


@pytest.mark.parametrize("form", ["a.safetensors", "a.pt", "a.weights.h5", "a.keras"])
def test_their_weights_are_kept_apart(form, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    program = lower(loads(CASES))
    weights = sample(program).weights
    write_checkpoint(tmp_path / form, program, weights)
    found = read_checkpoint(tmp_path / form, program)
    assert found.keys() == weights.keys()
    assert all((found[name] == weights[name]).all() for name in weights)


@pytest.mark.parametrize("form", ["svg", "tex", "mmd"])
def test_they_are_drawn_as_two(form, tmp_path):
    draw(loads(CASES)).save(tmp_path / f"a.{form}")
    drawn = (tmp_path / f"a.{form}").read_text()
    assert all(name in drawn for name in ("p3", "P3", "logits", "Logits"))


def test_an_output_may_be_called_logits_unless_the_head_gives_them():
    text = CASES.replace("  logits:", "  stem:").replace("[logits]", "[stem]").replace("Logits: logits", "logits: stem")
    assert list(loads(text).outputs) == ["P3", "P4", "logits"]
    assert "class_logits" in lower(loads(text + "head: {kind: ssd, anchors: [1, 1, 1]}\n")).graph.outputs
    for head in ("classification", "segmentation, dim: 8"):
        with pytest.raises(SpecError, match="output name 'logits' is taken by what the head gives"):
            loads(text + f"head: {{kind: {head}}}\n")
        with pytest.raises(SpecError, match="block name 'logits' is taken by what the head gives"):
            loads(CASES + f"head: {{kind: {head}}}\n")
