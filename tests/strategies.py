"""Random valid specs, as the YAML text that a person would write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from field_values import FREE, always_of, fields_of, parts_of, values_of
from hypothesis import strategies as st
from pydantic import BaseModel

from spinec.spec.blocks import BlockNorm, Fuse, Norm, Resample
from spinec.spec.heads import Head
from spinec.spec.kinds.library import KINDS
from spinec.spec.model import Endpoints, Image, Init, ModelSpec, Origin, Published, StochasticDepth
from spinec.spec.names import RESERVED

LADDERS = tuple(kind for kind, head in Head.kinds.items() if head.ladder)
# Names that generated code has uses for itself, and plain ones.
MODEL_NAMES = (
    "tiny",
    "net-1",
    "f",
    "none",
    "tensor",
    "mbconv",
    "conv-norm",
    "weighted-sum",
    "crop",
    "torch.x",
    "2-towers",
)
BLOCK_NAMES = (
    "x",
    "y",
    "z",
    "level",
    "conv1",
    "pool",
    "average",
    "partial",
    "dim",
    "initialize",
    "crop",
    "norm",
    "math_",
)
OUTPUT_NAMES = ("F", "Tensor", "SpaceToDepth", "LEVELS", "out", "out_up", "conv2", "act1", "dropout", "p", "C5", "a_b")
FREE_NAMES = tuple(name for name in BLOCK_NAMES if name not in RESERVED)
FREE_OUTPUT_NAMES = tuple(name for name in OUTPUT_NAMES if name.lower() not in RESERVED)
MOST_INPUTS = 4
MOST_JOINED = 96  # channels


@dataclass
class Draft:
    """Blocks so far, by name, and which of them nobody reads yet."""

    down: str
    up: str
    dims: st.SearchStrategy[int]
    kinds: tuple[str, ...]
    default: str | None
    """The kind of blocks that do not say theirs."""
    joins: bool
    """Whether blocks that do not say otherwise join their inputs."""
    channels: int
    """Of the image."""
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def level(self, name: str) -> int:
        return 0 if name == "image" else self.blocks[name]["level"]

    def joined_dim(self, sources: Sequence[str]) -> int:
        return sum(self.channels if name == "image" else self.blocks[name]["dim"] for name in sources)


@st.composite
def specs(draw: st.DrawFn, most_blocks: int = 40, most_pixels: int = 160, most_dim: int = 48) -> str:
    """The text of a valid spec."""
    resample, default = draw(any_of(Resample)), draw(defaults())
    dims = draw(st.lists(st.integers(1, most_dim), min_size=1, max_size=3))  # few, so that shapes are repeated
    often = st.sampled_from(dims)
    whole, image = draw(settings()), draw(any_of(Image))
    fuse = default.get("fuse") or whole.get("fuse") or {}
    draft = Draft(
        resample.get("down", "space_to_depth"),
        resample.get("up", "nearest"),
        st.one_of(often, often, st.integers(1, most_dim)),
        draw(st.one_of(st.just(FREE), st.lists(st.sampled_from(FREE), min_size=1, max_size=2).map(tuple))),
        default.get("kind"),
        fuse.get("kind") == "join",
        image.get("channels", 3),
    )
    most = draw(st.sampled_from((4, 8, max(2, most_blocks * 3 // 4))))  # mostly small, so that many fit in a minute
    for _ in range(draw(st.integers(2, min(most, max(2, most_blocks * 3 // 4))))):
        sources = draw(sources_of(draft))
        add_block(draw, draft, sources, draw(st.integers(0, 7)))
    top = draw_top(draw, draft)
    pixels = st.integers(17, most_pixels)
    document = {
        "name": draw(st.sampled_from(MODEL_NAMES)),
        "input": {"size": draw(st.one_of(pixels, st.tuples(pixels, pixels))), **image},
        **whole,
        "defaults": default,
        "resample": resample,
        "blocks": draft.blocks,
        **top,
    }
    return text_of(document)


def text_of(document: dict[str, Any]) -> str:
    """A document as YAML, one block per line."""
    lines = []
    for key, value in document.items():
        if key == "blocks":
            lines += ["blocks:", *(f"  {name}: {_flow(block)}" for name, block in value.items())]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case bool():
            return str(value).lower()
        case str() if not re.fullmatch(r"[A-Za-z_][\w.-]*", value):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping that has any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


@cache
def any_of(model: type[BaseModel], *always: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any fields of a model, with any of their values."""
    fields = {field: st.sampled_from(values_of(model, field)) for field in fields_of(model)}
    given = {field: fields.pop(field) for field in always}
    return st.fixed_dictionaries(given, optional=fields)


@cache
def own_parts() -> st.SearchStrategy[dict[str, Any]]:
    """What a block may say of its fusion and of its norms."""
    return some(fuse=any_of(Fuse), norm=own_norms())


@cache
def own_norms() -> st.SearchStrategy[dict[str, Any]]:
    """What a block may say of its norms."""
    return any_of(BlockNorm, *always_of(BlockNorm))


@cache
def rarely_resampled() -> st.SearchStrategy[dict[str, Any]]:
    """What an input says of its resampling: mostly nothing."""
    return st.one_of(st.just({}), st.just({}), any_of(Resample))


@cache
def settings() -> st.SearchStrategy[dict[str, Any]]:
    """What holds for a whole spec."""
    parts = {"norm": Norm, "init": Init, "stochastic_depth": StochasticDepth, "fuse": Fuse}
    published = any_of(Published, "table", "macs")
    own = any_of(ModelSpec)
    origin = any_of(Origin, "study", "trial")
    nested = some(
        origin=origin, published=published, **{name: any_of(model, *always_of(model)) for name, model in parts.items()}
    )
    return st.builds(lambda a, b: {**a, **b}, own, nested)


@cache
def defaults() -> st.SearchStrategy[dict[str, Any]]:
    """Fields for every block whose kind has them."""
    fields = {
        field: st.sampled_from(values_of(KINDS[kind], field)) for kind in FREE for field in fields_of(KINDS[kind])
    }
    whole = st.sampled_from(values_of(KINDS["bottleneck"], "expand"))  # what every kind can take
    norms = st.one_of(fields["norm"], own_norms())
    return some(**{**fields, "expand": whole, "norm": norms}, fuse=any_of(Fuse), kind=st.sampled_from(FREE))


@st.composite
def sources_of(draw: st.DrawFn, draft: Draft) -> list[str]:
    """Earlier blocks for a new one to read: often one that nobody reads yet, and of the last ones."""
    known = ["image", *draft.blocks]
    pool = draft.unread if draft.unread and draw(st.booleans()) else known
    first = draw(st.sampled_from(pool))
    more = draw(st.lists(st.sampled_from(known[-8:]), max_size=MOST_INPUTS - 1))
    return list(dict.fromkeys([first, *more]))


def add_block(draw: st.DrawFn, draft: Draft, sources: Sequence[str], level: int, dim: int | None = None) -> str:
    """Add a block of any kind with any settings, or with those of an earlier one; its name."""
    if draft.blocks and draw(st.booleans()):
        like = draft.blocks[draw(st.sampled_from(list(draft.blocks)))]
        kind = like.get("kind", draft.default)
        own = {field: value for field, value in like.items() if field not in ("level", "dim", "inputs")}
    else:
        kind = draw(st.sampled_from(draft.kinds))
        said = {} if kind == draft.default else {"kind": kind}
        own = {**said, **draw(any_of(KINDS[kind], *always_of(KINDS[kind]))), **draw(own_parts())}
    if (
        KINDS[kind].definition.document.node
        and own.get("fuse", {}).get("kind", "join" if draft.joins else "") == "join"
    ):
        joined = draft.joined_dim(sources)  # which a node of a pyramid gives, whatever is asked for
        if dim or joined > MOST_JOINED:
            own = {**own, "fuse": {"kind": "sum"}}
        dim = dim or (joined if joined <= MOST_JOINED else None)
    block = {**own, "level": level, "dim": dim or draw(draft.dims)}
    taken_as_is = len(sources) == 1 and takes_as_is(kind, draft.level(sources[0]), level)
    block["inputs"] = [draw_input(draw, draft, source, level, taken_as_is) for source in sources]
    name = draw(
        st.sampled_from((f"b{len(draft.blocks) + 1}", *FREE_NAMES)).filter(lambda name: name not in draft.blocks)
    )
    draft.blocks[name] = block
    draft.unread = [*(other for other in draft.unread if other not in sources), name]
    return name


def takes_as_is(kind: str, given: int, level: int) -> bool:
    """Whether a block of a kind takes a single input without resampling."""
    definition = KINDS[kind].definition
    return not definition.document.node and (given == level or (given < level and definition.strides))


def draw_input(draw: st.DrawFn, draft: Draft, source: str, level: int, taken_as_is: bool) -> Any:
    """An input by its name, or with settings of its own; there is always a path to the block's level."""
    own = draw(rarely_resampled())
    given = draft.level(source)
    if not taken_as_is and given < level and own.get("down", draft.down) == "none":
        own = {**own, "down": draw(st.sampled_from([way for way in values_of(Resample, "down") if way != "none"]))}
    if not taken_as_is and given > level and own.get("up", draft.up) == "none":
        own = {**own, "up": "nearest"}
    return {"from": source, **own} if own else source


def draw_top(draw: st.DrawFn, draft: Draft) -> dict[str, Any]:
    """Outputs, so that somebody reads every block, and endpoints and head as far as they are legal."""
    head = draw(st.one_of(st.none(), heads()))
    endpoints = draw(st.one_of(st.none(), any_of(Endpoints, "dim")))
    top: dict[str, Any] = {}
    if head:
        outputs = finish(draw, draft, head["kind"], None if endpoints else draw(draft.dims))
        top["head"] = head
    else:
        extra = draw(st.lists(st.sampled_from(list(draft.blocks)), max_size=2))
        outputs = list(dict.fromkeys([*draft.unread, *extra]))
    if head and head["kind"] == "ssd":
        top["head"] = {**head, "anchors": [draw(st.integers(1, 6)) for _ in outputs]}
    elif head and head["kind"] not in LADDERS and len(outputs) > 1 and draft.up == "none":
        top.pop("head")
    names = [draw(output_name(draft.level(name), i)) for i, name in enumerate(outputs)]
    used = {name.lower() for name in draft.blocks}
    for i, name in enumerate(names):
        if name.lower() in used:
            names[i] = f"out{i}"
        used.add(names[i].lower())
    top["outputs"] = dict(zip(names, outputs, strict=True))
    if endpoints:
        top["endpoints"] = endpoints
    return top


@cache
def output_name(level: int, index: int) -> st.SearchStrategy[str]:
    """What an output is called."""
    return st.one_of(st.just(f"P{level}"), st.sampled_from(FREE_OUTPUT_NAMES))


@cache
def heads() -> st.SearchStrategy[dict[str, Any]]:
    """A head of any kind."""
    return st.one_of([any_head(kind, model) for kind, model in Head.kinds.items()])


LARGE = ("dim", "classes", "hidden", "box_crops", "mask_crops", "mask_size")  # such as 1,000 crops, as many networks


@cache
def any_head(kind: str, model: type[Head]) -> st.SearchStrategy[dict[str, Any]]:
    """A head of one kind; what every spec must say is always said, and so is what makes a head large by default."""
    fields = model.model_fields
    needed = always_of(model)
    always = [name for name in fields_of(model) if name in needed or (name in LARGE and fields[name].default)]
    within = {field: any_of(part) for field in fields for part in parts_of(model, field)}
    return st.builds(
        lambda own, inner: {"kind": kind, **own, **inner}, any_of(model, *always), st.fixed_dictionaries(within)
    )


def finish(draw: st.DrawFn, draft: Draft, head: str, dim: int | None) -> list[str]:
    """Blocks for a head, of one dim where it needs that, and of levels without a gap where it needs those."""
    ladder = head in LADDERS
    count = 1 if head == "deeplab" else draw(st.integers(1, 4))
    while len(draft.unread) > MOST_INPUTS * count:
        add_block(draw, draft, draft.unread[:MOST_INPUTS], draw(st.integers(1, 7)), dim)
    first = draw(st.integers(0, 8 - count))
    levels = [first + i if ladder else draw(st.integers(0, 7)) for i in range(count)]
    waiting, outputs = list(draft.unread), []
    for i, level in enumerate(levels):
        sources = waiting[i::count] or [draw(st.sampled_from(list(draft.blocks)))]
        outputs.append(add_block(draw, draft, sources, level, dim))
    return [name for name in outputs if name in draft.unread] if not ladder else outputs
