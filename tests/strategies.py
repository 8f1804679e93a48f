"""Random valid specs, as the YAML text that a person would write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from spinec.spec.names import RESERVED

ACTIVATIONS = ("swish", "relu", "relu6", "hard_swish", "gelu", "sigmoid", "hard_sigmoid", "none")
DOWNS = (
    "space_to_depth",
    "depthwise",
    "conv",
    "conv_pool",
    "max_pool",
    "max_pool_first",
    "max_pool_disjoint",
    "avg_pool",
    "none",
)
UPS = ("nearest", "nearest_first", "none")
MATCHES = ("when_different", "always", "where_needed")
ORDERS = ("channel_major", "block_major")
FUSIONS = ("fast_normalized", "softmax", "sum", "concat", "attention")
LADDERS = ("retinanet", "mask_rcnn")  # heads whose outputs are at levels without a gap
KINDS = ("mbconv", "fused_mbconv", "residual", "bottleneck", "conv", "separable_conv", "identity")
EXPANDS = (1, 1.5, 2, 2.5, 3, 4.35, 6)
SQUEEZES = (0, 0.05, 0.2, 0.25, 0.3, 1)
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


@dataclass
class Draft:
    """Blocks so far, by name, and which of them nobody reads yet."""

    down: str
    up: str
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def level(self, name: str) -> int:
        return 0 if name == "image" else self.blocks[name]["level"]


@st.composite
def specs(draw: st.DrawFn, most_blocks: int = 40, most_pixels: int = 160, most_dim: int = 48) -> str:
    """The text of a valid spec."""
    resample, fuse = draw(resamples()), draw(fuses())
    draft = Draft(resample.get("down", "space_to_depth"), resample.get("up", "nearest"))
    most = draw(st.sampled_from((4, 8, max(2, most_blocks * 3 // 4))))  # mostly small, so that many fit in a minute
    for _ in range(draw(st.integers(2, min(most, max(2, most_blocks * 3 // 4))))):
        sources = draw(sources_of(draft))
        add_block(draw, draft, sources, draw(st.integers(0, 7)), draw(st.integers(1, most_dim)))
    top = draw_top(draw, draft, most_dim)
    pixels = st.integers(17, most_pixels)
    document = {
        "name": draw(st.sampled_from(MODEL_NAMES)),
        "input": {"size": draw(st.one_of(pixels, st.tuples(pixels, pixels))), "channels": draw(st.integers(1, 4))},
        **draw(settings()),
        "defaults": draw(defaults()),
        "resample": resample,
        "fuse": fuse,
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


def resamples() -> st.SearchStrategy[dict[str, Any]]:
    """How a spec, or one input, resamples."""
    return some(
        down=st.sampled_from(DOWNS),
        up=st.sampled_from(UPS),
        match=st.sampled_from(MATCHES),
        alpha=st.sampled_from((0, 0.5, 1)),
        bias=st.booleans(),
        channel_order=st.sampled_from(ORDERS),
        activation=st.sampled_from(ACTIVATIONS),
    )


def fuses() -> st.SearchStrategy[dict[str, Any]]:
    """How a spec, or one block, fuses."""
    return some(
        kind=st.sampled_from(FUSIONS),
        epsilon=st.sampled_from((0.0001, 0.001, 0.5)),
        activation=st.sampled_from(ACTIVATIONS),
    )


def settings() -> st.SearchStrategy[dict[str, Any]]:
    """What holds for a whole spec."""
    return some(
        source=st.sampled_from(
            ("arXiv 2010.11426, Table 1", 'a "quoted" \\ source, with a # and a {brace}', "x" * 200)
        ),
        padding=st.sampled_from(("symmetric", "same")),
        norm=some(epsilon=st.sampled_from((1e-05, 0.001, 0.1)), momentum=st.sampled_from((0, 0.9, 0.99, 0.997))),
        init=some(scale=st.sampled_from((1.0, 2.0, 0.5)), mode=st.sampled_from(("fan_in", "fan_out"))),
        stochastic_depth=some(rate=st.sampled_from((0, 0.2, 0.8)), schedule=st.sampled_from(("linear", "constant"))),
    )


def defaults() -> st.SearchStrategy[dict[str, Any]]:
    """Fields for every block whose kind has them."""
    return some(
        kernel=st.sampled_from((1, 3, 5)),
        expand=st.sampled_from((1, 4)),
        squeeze=st.sampled_from(SQUEEZES),
        activation=st.sampled_from(ACTIVATIONS),
        repeats=st.integers(1, 2),
    )


@st.composite
def sources_of(draw: st.DrawFn, draft: Draft) -> list[str]:
    """Earlier blocks for a new one to read: often one that nobody reads yet, and of the last ones."""
    known = ["image", *draft.blocks]
    pool = draft.unread if draft.unread and draw(st.booleans()) else known
    first = draw(st.sampled_from(pool))
    more = draw(st.lists(st.sampled_from(known[-8:]), max_size=MOST_INPUTS - 1))
    return list(dict.fromkeys([first, *more]))


def add_block(draw: st.DrawFn, draft: Draft, sources: Sequence[str], level: int, dim: int) -> str:
    """Add a block of any kind with any settings; its name."""
    kind = draw(st.sampled_from(KINDS))
    block = {"kind": kind, "level": level, "dim": dim, **draw(fields_of(kind))}
    own_fuse = draw(st.one_of(st.just({}), fuses()))
    block |= {"fuse": own_fuse} if own_fuse else {}
    taken_as_is = len(sources) == 1 and draft.level(sources[0]) <= level and kind != "identity"
    block["inputs"] = [draw_input(draw, draft, source, level, taken_as_is) for source in sources]
    name = draw(
        st.sampled_from((f"b{len(draft.blocks) + 1}", *FREE_NAMES)).filter(lambda name: name not in draft.blocks)
    )
    draft.blocks[name] = block
    draft.unread = [*(other for other in draft.unread if other not in sources), name]
    return name


def fields_of(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """The fields of a kind of block, each given or left to its default."""
    every = {
        "kernel": st.sampled_from((1, 3, 5, 7)),
        "repeats": st.integers(1, 3),
        "activation": st.sampled_from(ACTIVATIONS),
        "expand": st.sampled_from((1, 2, 4) if kind == "bottleneck" else EXPANDS),
        "squeeze": st.sampled_from(SQUEEZES),
        "squeeze_base": st.sampled_from(("input", "hidden")),
        "zero_gamma": st.booleans(),
        "norm": st.booleans(),
        "norm_between": st.booleans(),
        "bias": st.booleans(),
        "dilation": st.integers(1, 3),
        "subsample": st.booleans(),
        "shortcut": st.booleans(),
        "squeeze_multiple": st.sampled_from((1, 8)),
        "squeeze_activation": st.sampled_from(ACTIVATIONS),
        "gate": st.sampled_from(("sigmoid", "hard_sigmoid")),
    }
    squeezed = ("squeeze", "squeeze_base", "squeeze_multiple", "squeeze_activation", "gate")
    inverted = ("kernel", "repeats", "activation", "expand", *squeezed, "dilation", "shortcut")
    has = {
        "mbconv": inverted,
        "fused_mbconv": inverted,
        "residual": ("kernel", "repeats", "activation", "zero_gamma", "dilation"),
        "bottleneck": ("kernel", "repeats", "activation", "expand", "zero_gamma", "dilation", "subsample"),
        "conv": ("kernel", "repeats", "activation", "norm", "bias", "dilation"),
        "separable_conv": ("kernel", "repeats", "activation", "norm", "norm_between", "bias"),
        "identity": ("repeats", "activation", "norm"),
    }
    return some(**{name: every[name] for name in has[kind]})


def draw_input(draw: st.DrawFn, draft: Draft, source: str, level: int, taken_as_is: bool) -> Any:
    """An input by its name, or with settings of its own; there is always a path to the block's level."""
    own = draw(st.one_of(st.just({}), st.just({}), resamples()))
    given = draft.level(source)
    if not taken_as_is and given < level and own.get("down", draft.down) == "none":
        own = {**own, "down": draw(st.sampled_from(DOWNS[:-1]))}
    if not taken_as_is and given > level and own.get("up", draft.up) == "none":
        own = {**own, "up": "nearest"}
    return {"from": source, **own} if own else source


def draw_top(draw: st.DrawFn, draft: Draft, most_dim: int) -> dict[str, Any]:
    """Outputs, so that somebody reads every block, and endpoints and head as far as they are legal."""
    head = draw(st.one_of(st.none(), heads()))
    endpoints = draw(st.one_of(st.none(), st.integers(1, most_dim)))
    top: dict[str, Any] = {}
    if head:
        outputs = finish(
            draw, draft, head["kind"] in LADDERS, None if endpoints else draw(st.integers(1, most_dim)), most_dim
        )
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
        top["endpoints"] = {"dim": endpoints, **draw(some(activation=st.sampled_from(ACTIVATIONS)))}
    return top


def output_name(level: int, index: int) -> st.SearchStrategy[str]:
    """What an output is called."""
    return st.one_of(st.just(f"P{level}"), st.sampled_from(FREE_OUTPUT_NAMES))


def heads() -> st.SearchStrategy[dict[str, Any]]:
    """A head of any kind."""
    dims, classes, layers = st.integers(1, 24), st.integers(1, 10), st.integers(0, 3)
    activation = st.sampled_from(ACTIVATIONS)
    rate = st.sampled_from((0, 0.2, 1))
    classification = some(classes=classes, dropout=rate, activation=activation, hidden=dims, hidden_bias=st.booleans())
    ssd = some(classes=classes, activation=activation)
    segmentation = some(layers=layers, classes=classes, activation=activation)
    retinanet = some(
        layers=layers,
        classes=classes,
        activation=activation,
        anchors=st.integers(1, 9),
        conv=st.sampled_from(("separable", "full")),
        bias=st.booleans(),
        shared=st.booleans(),
        prior=st.sampled_from((0.01, 0.5)),
    )
    mask_rcnn = some(
        conv=st.sampled_from(("separable", "full")),
        proposal_layers=layers,
        box_layers=layers,
        mask_layers=layers,
        hidden=st.lists(dims, max_size=2),
        classes=classes,
        activation=activation,
        anchors=st.integers(1, 4),
        box_size=st.integers(1, 7),
        mask_size=st.integers(1, 5),
    )
    crops = st.integers(1, 4)  # always said: a thousand would take as long as a thousand networks
    return st.one_of(
        classification.map(lambda own: {"kind": "classification", **own}),
        st.builds(lambda own, dim: {"kind": "segmentation", "dim": dim, **own}, segmentation, dims),
        st.builds(lambda own, dim: {"kind": "retinanet", "dim": dim, **own}, retinanet, dims),
        ssd.map(lambda own: {"kind": "ssd", **own}),
        st.builds(
            lambda own, dim, boxes, masks: {
                "kind": "mask_rcnn",
                "dim": dim,
                "box_crops": boxes,
                "mask_crops": masks,
                **own,
            },
            mask_rcnn,
            dims,
            crops,
            crops,
        ),
    )


def finish(draw: st.DrawFn, draft: Draft, ladder: bool, dim: int | None, most_dim: int) -> list[str]:
    """Blocks for a head, of one dim where it needs that, and of levels without a gap where it needs those."""
    dims = st.just(dim) if dim else st.integers(1, most_dim)
    count = draw(st.integers(1, 4))
    while len(draft.unread) > MOST_INPUTS * count:
        add_block(draw, draft, draft.unread[:MOST_INPUTS], draw(st.integers(1, 7)), draw(dims))
    first = draw(st.integers(0, 8 - count))
    levels = [first + i if ladder else draw(st.integers(0, 7)) for i in range(count)]
    waiting, outputs = list(draft.unread), []
    for i, level in enumerate(levels):
        sources = waiting[i::count] or [draw(st.sampled_from(list(draft.blocks)))]
        outputs.append(add_block(draw, draft, sources, level, draw(dims)))
    return [name for name in outputs if name in draft.unread] if not ladder else outputs
