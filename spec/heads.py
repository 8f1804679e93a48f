"""What a head may say: one model per kind. To add a kind, add a class here and a file in `compiler/heads/`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from spinec.spec.fields import Activation, Dim, Frozen, Ratio

Layers = Annotated[int, Field(ge=0, le=64, description="separable convolutions before the prediction layer")]
Classes = Annotated[int, Field(gt=0, le=100_000, description="number of classes")]


class Head(Frozen):
    """What every kind of head has."""

    kinds: ClassVar[dict[str, type[Head]]] = {}

    kind: str
    activation: Activation = "swish"

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        Head.kinds[cls.model_fields["kind"].default] = cls


class Classification(Head):
    """Every output upsampled to the finest, averaged, pooled over the image, and a linear layer."""

    kind: Literal["classification"] = "classification"
    classes: Classes = 1000
    dropout: Ratio = Field(0.2, description="rate of dropout before the linear layer")


class Segmentation(Head):
    """Every output upsampled to the finest, averaged, separable convolutions, and a prediction per cell."""

    kind: Literal["segmentation"] = "segmentation"
    dim: Dim
    layers: Layers = 3
    classes: Classes = 21


class RetinaNet(Head):
    """Class and box subnets whose weights are shared over the levels, with batch norm per level."""

    kind: Literal["retinanet"] = "retinanet"
    dim: Dim
    layers: Layers = 3
    classes: Classes = Field(91, description="classes, background included as in the paper's code base")
    anchors: int = Field(9, gt=0, le=1024, description="anchors per cell: 3 scales x 3 ratios")
    prior: float = Field(0.01, gt=0, lt=1, description="the class subnet's first guess at each anchor")
