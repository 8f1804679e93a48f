"""Hints at what a word was meant to be: near words, words of other projects, and no others."""

from __future__ import annotations

from typing import get_args

import pytest
from field_values import models

from spinec import SpecError, loads
from spinec.spec import suggestions
from spinec.spec.errors import did_you_mean
from spinec.spec.heads import Head
from spinec.spec.kinds.document import FieldType
from spinec.spec.kinds.library import KINDS
from spinec.spec.schema import schema
from spinec.spec.suggestions import nearest

SPEC = "name: demo\nblocks:\n  b1: {level: 0, kind: mbconv, dim: 24, inputs: [image]%s}\noutputs: {P0: b1}\n"


def hint(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        loads(text)
    (fault,) = caught.value.faults
    return fault.advice


@pytest.mark.parametrize(
    ("key", "expected"),
    {
        "channels: 3": "did you mean 'dim'?",
        "filters: 3": "did you mean 'dim'?",
        "out_channels: 3": "did you mean 'dim'?",
        "stride: 2": "features of level L have stride 2^L: the level says it",
        "num_blocks: 3": "did you mean 'repeats'?",
        "depth: 3": "did you mean 'repeats'?",
        "act: relu": "did you mean 'activation'?",
        "kernel_size: 3": "did you mean 'kernel'?",
        "k: 3": "did you mean 'kernel'?",
        "se_ratio: 0.25": "did you mean 'squeeze'?",
        "exp_ratio: 4": "did you mean 'expand'?",
        "in_channels: 3": "what a block is given follows from its inputs",
        "activation: silu": "did you mean 'swish'?",
        "activation: hardswish": "did you mean 'hard_swish'?",
        "repeat: 2": "did you mean 'repeats'?",
        "sqeeze: 0.25": "did you mean 'squeeze'?",
    }.items(),
)
def test_what_others_call_so_is_said(key, expected):
    assert hint(SPEC % f", {key}") == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    {
        "convnet2": "did you mean 'convnext'?",
        "mbcov": "did you mean 'mbconv'?",
        "inverted_residual": "did you mean 'mbconv'?",
        "basicblock": "did you mean 'residual'?",
        "max_pool": "pooling is said of an input, {from: c1, down: max_pool}, or is a step of a kind of your own",
        "upsample": "resizing is said of an input: {from: b4, up: nearest}",
    }.items(),
)
def test_a_kind_that_there_is_not(kind, expected):
    assert hint(SPEC.replace("mbconv", kind) % "") == expected


def test_a_word_that_is_far_from_all_gets_them_all():
    assert hint(SPEC % ", colour: red").startswith("expected kind, level, dim")
    assert hint(SPEC.replace("mbconv", "swin") % "").startswith("expected mbconv, fused_mbconv")
    assert nearest("channels", ["channel_order", "kernel"]) is None
    assert nearest("convnet2", ["conv"]) is None


def test_keys_of_the_document_and_of_heads():
    assert hint("backbone: {}\n" + SPEC % "") == "'extends' names a spec to start from, 'blocks' are its own"
    assert hint("drop_path_rate: 0.1\n" + SPEC % "") == "did you mean 'stochastic_depth'?"
    assert hint(SPEC % "" + "head: {kind: classification, num_classes: 10}\n") == "did you mean 'classes'?"
    assert hint(SPEC % "" + "norm: {eps: 0.001}\n") == "did you mean 'epsilon'?"


def test_what_is_suggested_is_in_the_language():
    """And what is taken for a word of others is none of the language in the same place."""
    fields = {name: set(model.model_fields) for name, model in models().items()}
    keys = set().union(
        *fields.values(), *(kind.model_fields for kind in KINDS.values()), KINDS, Head.kinds, schema()["properties"]
    )
    words = keys | set(choices(schema())) | set(get_args(FieldType))  # the last of kinds, whose schema is their own
    assert set(suggestions._NAMES) | {where for where, _ in suggestions._NOTES.values()} <= words
    for word, notes in suggestions._HERE.items():
        for note in notes:
            assert did_you_mean(word, [note]) == f"did you mean {note!r}?"
            assert word != note


def choices(part):
    """All words of which a value is one."""
    if isinstance(part, dict):
        yield from [each for each in part.get("enum", []) if isinstance(each, str)]
        for each in part.values():
            yield from choices(each)
    elif isinstance(part, list):
        for each in part:
            yield from choices(each)
