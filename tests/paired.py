"""Specs in which every two values of any two fields of one part meet, as texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from field_values import FREE, always_of, fields_of, parts_of, values_of
from pairs import Row, rows_of
from pydantic import BaseModel
from strategies import text_of

from spinec.spec.blocks import BlockNorm, Fuse, Input, Norm, Resample
from spinec.spec.heads import SSD, Head, MaskRCNN
from spinec.spec.kinds.library import KINDS
from spinec.spec.model import Endpoints, Image, Init, ModelSpec, StochasticDepth

LEFT_OUT = object()
FEW = ("gelu", "none", LEFT_OUT)  # activations of whole specs: there is one, there is none, there is the usual one
PER_SPEC = 28  # blocks that are tried in one spec: of many there are classes to share
DIMS = (6, 8, 12)
SOURCES = {"finer3": 0, "finer2": 1, "finer1": 2, "same": 3, "same_wider": 3, "coarser1": 4, "coarser2": 5}
STEMS = {f"stem{dim}": {"level": 1, "kind": "conv", "dim": dim, "inputs": ["image"]} for dim in DIMS}
WHOLE = {
    "norm": Norm,
    "init": Init,
    "stochastic_depth": StochasticDepth,
    "resample": Resample,
    "fuse": Fuse,
    "endpoints": Endpoints,
    "input": Image,
}
WITH_HEADS = ("padding", "norm.synchronized", "init.mode")
BODY = {
    "a": {"level": 1, "kind": "mbconv", "dim": 6, "repeats": 2, "inputs": ["image"]},
    "b": {"level": 2, "kind": "residual", "dim": 8, "repeats": 2, "inputs": ["a"]},
    "c": {"level": 4, "kind": "bottleneck", "dim": 8, "repeats": 2, "inputs": ["a", "b"]},
    "d": {"level": 2, "kind": "identity", "dim": 8, "inputs": ["b", "c"]},
    "e": {"level": 3, "kind": "conv", "dim": 8, "inputs": ["c", "d"]},
    "f": {"level": 4, "kind": "separable_conv", "dim": 8, "inputs": ["e", "c", "b"]},
}
OUTPUTS = {"P2": "d", "P3": "e", "P4": "f"}


def block_specs(kind: str) -> Iterator[str]:
    """All fields of a kind of block, what it is given, and how its shape changes."""
    shape = {"source": tuple(STEMS), "dim": DIMS, "level": (1, 2, 3), "further": (0, 1, 2)}
    for part in _portions(rows_of(_choices(KINDS[kind]) | shape)):
        blocks: dict[str, Any] = {**STEMS, "x": {**STEMS["stem8"], "kernel": 1}, "y": {**STEMS["stem6"], "level": 2}}
        for i, row in enumerate(part):
            inputs = [row["source"], "x", "y"][: 1 + row["further"]]
            own = _given(row, KINDS[kind])
            blocks[f"b{i}"] = {"kind": kind, "level": row["level"], "dim": row["dim"], "inputs": inputs, **own}
        yield _text(blocks)


def input_specs() -> Iterator[str]:
    """All that an input says of its resampling, from every level and dim."""

    def fits(row: Row) -> bool:
        source = row.get("source", "")
        ways = {"finer": row.get("down"), "coarser": row.get("up")}
        return ways.get(source.rstrip("123"), "") != "none"

    sources: dict[str, Any] = {
        name: {"kind": "bottleneck", "level": level, "dim": 8 + 4 * (name == "same_wider"), "inputs": ["image"]}
        for name, level in SOURCES.items()
    }
    for part in _portions(rows_of(_choices(Input) | {"source": tuple(SOURCES)}, fits)):
        blocks = sources | {
            f"b{i}": {
                "kind": "identity",
                "level": 3,
                "dim": 8,
                "inputs": [{"from": row["source"], **_given(row, Input)}],
            }
            for i, row in enumerate(part)
        }
        yield _text(blocks)


def fuse_specs() -> Iterator[str]:
    """All ways of fusion, of one input or several, before several kinds of body."""
    kinds = {"block": ("identity", "conv", "mbconv"), "inputs": (1, 2, 3), "dim": DIMS}
    for part in _portions(rows_of(_choices(Fuse) | kinds)):
        blocks: dict[str, Any] = dict(STEMS)
        for i, row in enumerate(part):
            block = {"kind": row["block"], "level": 2, "dim": row["dim"], "inputs": list(STEMS)[: row["inputs"]]}
            if row["block"] == "identity" and row["kind"] == "join":
                block["dim"] = sum(DIMS[: row["inputs"]])  # which a node of a pyramid gives, whatever is asked for
            blocks[f"b{i}"] = {**block, "fuse": _given(row, Fuse)}
        yield _text(blocks)


def norm_specs() -> Iterator[str]:
    """All that a block says of its norms and its padding, of kinds that stride and of blocks that resample."""
    shape = {"block": ("mbconv", "residual", "bottleneck"), "inputs": (1, 2, 3), "dim": DIMS}
    for part in _portions(rows_of(_choices(BlockNorm) | {"padding": ("same", "symmetric", LEFT_OUT)} | shape)):
        blocks: dict[str, Any] = {**STEMS, "fine": {**STEMS["stem6"], "level": 0}}
        for i, row in enumerate(part):
            block = {"kind": row["block"], "level": 2, "dim": row["dim"], "inputs": ["stem8", "fine", "stem6"]}
            own = {} if row["padding"] is LEFT_OUT else {"padding": row["padding"]}
            blocks[f"b{i}"] = {
                **block,
                **own,
                "inputs": block["inputs"][: row["inputs"]],
                "norm": _given(row, BlockNorm),
            }
        yield _text(blocks)


def whole_specs() -> Iterator[str]:
    """All that holds for a whole spec."""
    for row in rows_of(_whole_choices()):
        yield text_of(_whole(row))


def head_specs(kind: str) -> Iterator[str]:
    """All fields of a kind of head, and what of the spec it depends on."""
    model = Head.kinds[kind]
    whole = {name: values for name, values in _whole_choices().items() if name in WITH_HEADS}
    within = {field: part for field in model.model_fields for part in parts_of(model, field)}
    inner = [_choices_within(f"head.{field}", part) for field, part in within.items()]
    choices = whole | {"endpoints": (True, False)} | _choices_within("head", model)
    for row in rows_of({key: values for each in (choices, *inner) for key, values in each.items()}):
        document = _whole(row)
        own = {field: _given(_within(row, f"head.{field}"), part) for field, part in within.items()}
        head = {"kind": kind, **_given(_within(row, "head"), model), **own}
        if kind == "deeplab":
            document |= {"outputs": {"P4": "f"}}
        yield text_of(document | {"head": head})


def all_specs() -> dict[str, list[str]]:
    """Every spec of this module, by what it is about."""
    found = {kind: list(block_specs(kind)) for kind in FREE}
    found |= {"input": list(input_specs()), "fuse": list(fuse_specs()), "whole": list(whole_specs())}
    found["norm"] = list(norm_specs())
    return found | {kind: list(head_specs(kind)) for kind in Head.kinds}


def _whole_choices() -> dict[str, tuple[Any, ...]]:
    choices = {key: each for part, model in WHOLE.items() for key, each in _choices_within(part, model).items()}
    return choices | _choices(ModelSpec) | {"input.size": (32, (33, 47))}


def _whole(row: Row) -> dict[str, Any]:
    """The document of a row: whose inputs say their own way where the spec has none."""
    parts = {part: _given(_within(row, part), model) for part, model in WHOLE.items()}
    if "input.size" in row:
        parts["input"] |= {"size": row["input.size"]}
    if not row.get("endpoints", True):
        del parts["endpoints"]
    elif "dim" not in parts["endpoints"]:
        parts["endpoints"]["dim"] = 8
    own = {key: way for key, way in (("down", "conv"), ("up", "nearest")) if parts["resample"].get(key) == "none"}
    blocks = {
        name: {**block, "inputs": [{"from": given, **own} for given in block["inputs"]]} for name, block in BODY.items()
    }
    if parts["fuse"].get("kind") == "join":
        blocks["d"] = {**blocks["d"], "dim": 16}  # what b and c have together
    return {"name": "whole", **_given(row, ModelSpec), **parts, "blocks": blocks, "outputs": OUTPUTS}


def _text(blocks: dict[str, Any]) -> str:
    """A spec of blocks that are all given out."""
    depth = {"rate": 0.2, "schedule": "constant"}
    outputs = {f"out_{name}": name for name in blocks}
    document = {"name": "paired", "input": {"size": 32}, "stochastic_depth": depth, "blocks": blocks}
    return text_of({**document, "outputs": outputs})


def _portions(rows: list[Row]) -> Iterator[list[Row]]:
    return (rows[start : start + PER_SPEC] for start in range(0, len(rows), PER_SPEC))


def _choices(model: type[BaseModel]) -> dict[str, tuple[Any, ...]]:
    """Field: its values, and that it is not given where that is allowed."""
    return {
        field: (*values_of(model, field), *([] if _must_be_given(model, field) else [LEFT_OUT]))
        for field in fields_of(model)
    }


def _must_be_given(model: type[BaseModel], field: str) -> bool:
    """Whether a field has no default, or one that does not fit three outputs or takes very long."""
    default = (SSD, "anchors"), (MaskRCNN, "box_crops"), (MaskRCNN, "mask_crops")
    return field in always_of(model) or (model, field) in default


def _choices_within(part: str, model: type[BaseModel]) -> dict[str, tuple[Any, ...]]:
    return {f"{part}.{field}": FEW if field == "activation" else each for field, each in _choices(model).items()}


def _given(row: Row, model: type[BaseModel]) -> dict[str, Any]:
    return {field: row[field] for field in fields_of(model) if row.get(field, LEFT_OUT) is not LEFT_OUT}


def _within(row: Row, part: str) -> Row:
    return {name.removeprefix(f"{part}."): value for name, value in row.items() if name.startswith(f"{part}.")}
