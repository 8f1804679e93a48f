"""What block strings do not say of the network that they are part of, and how it is said beside them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from spinec.spec.activations import Activation
from spinec.spec.blocks import Block
from spinec.spec.fields import Padding
from spinec.spec.heads import Classification
from spinec.spec.model import ModelSpec

TIMM = "EfficientNet block strings"  # the source of a spec that was made of them
TENSORFLOW = "EfficientNet block strings of TensorFlow"


@dataclass(frozen=True)
class Frame:
    """What block strings do not say; the defaults are EfficientNet-B0's in timm."""

    size: tuple[int, int] = (224, 224)
    stem: int | None = None
    """Where not given, what the first of TensorFlow's strings takes, or 32."""
    features: int = 1280
    """Dim of the 1x1 convolution behind the last block, before pooling; 0 for none."""
    hidden: int = 0
    """Dim of a linear layer and an activation behind pooling; 0 for none. With neither there is no head."""
    hidden_bias: bool = True
    classes: int = 1000
    activation: Activation = "swish"
    padding: Padding | None = None
    """Where not given, 'same' for TensorFlow's strings, else 'symmetric'."""
    epsilon: float = 0.001
    momentum: float = 0.99
    squeeze_base: Literal["input", "hidden"] = "input"
    squeeze_multiple: int = 1
    squeeze_limit: float = 0.9
    """The least share of an exact squeezed dim that is left when it is rounded to a multiple."""
    squeeze_activation: Activation | Literal["own"] = "own"
    """Within squeeze-excite; 'own' is the block's."""
    gate: Literal["sigmoid", "hard_sigmoid"] = "sigmoid"


def frame_of_spec(spec: ModelSpec) -> Frame:
    """What is to be said beside a spec's strings."""
    stem = next(iter(spec.blocks.values()))
    norm, head = spec.norm, spec.head
    pooled: dict[str, Any] = {"classes": int(getattr(head, "classes", 1000)) if head else 1000}
    if isinstance(head, Classification):
        pooled |= {"hidden": head.hidden or 0, "hidden_bias": head.hidden_bias}
    return Frame(
        size=spec.input.size,
        stem=stem.dim,
        features=spec.endpoints.dim if spec.endpoints else 0,
        activation=stem.activation,
        padding=spec.padding,
        epsilon=norm.epsilon,
        momentum=norm.momentum,
        **pooled,
        **_squeezing(spec),
    )


def _squeezing(spec: ModelSpec) -> dict[str, Any]:
    """What the blocks with squeeze-excite share."""
    block = next((block for block in spec.blocks.values() if squeezes(block)), None)
    if block is None:
        return {}
    fields = block.fields
    said = {key: fields[key] for key in ("squeeze_base", "squeeze_multiple", "gate")}
    return said | {"squeeze_activation": fields["squeeze_activation"] or "own"}


def squeezes(block: Block) -> bool:
    """Whether a block has squeeze-excite."""
    return bool(block.fields.get("squeeze"))


def options_of_spec(spec: ModelSpec) -> dict[str, str]:
    """The options of `spinec import` that say what a spec's strings do not, each with its value."""
    frame = frame_of_spec(spec)
    height, width = frame.size
    found: dict[str, Any] = {"size": f"{height}x{width}", "stem": frame.stem, "features": frame.features}
    found["hidden"] = frame.hidden
    if frame.hidden:
        found["hidden-bias" if frame.hidden_bias else "no-hidden-bias"] = ""
    found |= {"classes": frame.classes, "activation": frame.activation, "padding": frame.padding}
    found |= {"epsilon": f"{frame.epsilon:g}", "momentum": f"{frame.momentum:g}"}
    if any(squeezes(block) for block in spec.blocks.values()):
        found |= {"squeeze-base": frame.squeeze_base, "squeeze-multiple": frame.squeeze_multiple}
        found |= {"squeeze-activation": frame.squeeze_activation, "gate": frame.gate}
        if frame.squeeze_multiple > 1:
            found["squeeze-limit"] = f"{frame.squeeze_limit:g}"
    return {key: str(value) for key, value in found.items()}


def written(options: dict[str, str]) -> str:
    """Options as they are typed."""
    return " ".join(f"--{key} {value}".rstrip() for key, value in options.items())


def assumed(spec: ModelSpec, said: Collection[str]) -> str:
    """The options that nobody gave for an imported spec, nor its strings; empty where there are none."""
    known = {key.replace("_", "-").removeprefix("no-") for key in said}
    if spec.source == TENSORFLOW:
        known.add("stem")
    rest = {key: value for key, value in options_of_spec(spec).items() if key.removeprefix("no-") not in known}
    return written(rest) if spec.source in (TIMM, TENSORFLOW) else ""
