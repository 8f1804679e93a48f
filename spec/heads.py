"""What a head may say: one model per kind. To add a kind, add a class here and a file in `compiler/lowering/heads/`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from spinec.spec.activations import Activation
from spinec.spec.anchor_free import CentreDetections, CentreLoss, CentreSampling, FCOSDetections, FCOSLoss, Heat
from spinec.spec.classes import Labels
from spinec.spec.default_boxes import DefaultBoxes, SSDDetections, SSDLoss
from spinec.spec.detection import Anchors, BoxOrder, CountedAnchors, Detections, FocalLoss, Matching
from spinec.spec.fields import Besides, Dilation, Dim, Frozen, Kernel, Ratio
from spinec.spec.regions import FewAnchors, Proposals, RegionDetections, Regions

Layers = Annotated[int, Field(ge=0, le=64, description="convolutions before the prediction layer")]
Classes = Annotated[
    int,
    Field(gt=0, le=100_000, description="number of classes"),
    Besides(type="array", items={"type": "string"}),
    Besides(type="string"),
]
AnchorCount = Annotated[int, Field(gt=0, le=1024)]
Crops = Annotated[int, Field(gt=0, le=100_000)]
ANCHOR_BY_ANCHOR = "anchor by anchor, a score per class or the 4 numbers of a box"
Ignored = Annotated[int, Field(ge=0, le=100_000, description="class of pixels that the loss leaves out")]
CropSize = Annotated[int, Field(gt=0, le=256)]


class Head(Frozen):
    """What every kind of head has."""

    kinds: ClassVar[dict[str, type[Head]]] = {}
    one_dim: ClassVar[bool] = True
    """Whether all outputs that it reads must have one dim."""
    ladder: ClassVar[bool] = False
    """Whether the outputs that it reads are of different levels, without a gap."""
    maps: ClassVar[tuple[str, ...]] = ()
    """What it gives a map of for every output."""
    channels: ClassVar[str] = ""
    """In which order the channels of its maps are."""
    besides: ClassVar[tuple[str, ...]] = ()
    """What the boxes that it finds come with, beside scores and classes."""

    kind: str = Field(description="what is computed from the outputs")
    activation: Activation = Field("swish", description="of every convolution and linear layer but the last")
    labels: Labels | None = Field(None, description="what the classes are called: a list by name, or the names")

    @property
    def first_class(self) -> int:
        """The class that is found first: 1 where class 0 is the background."""
        return 0

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        Head.kinds[cls.model_fields["kind"].default] = cls


class Classification(Head):
    """Every output upsampled to the finest, averaged, pooled over the image, and a linear layer."""

    kind: Literal["classification"] = "classification"
    classes: Classes = 1000
    hidden: Dim | None = Field(
        None, description="of a linear layer + activation before the last one; none if not given"
    )
    hidden_bias: bool = Field(True, description="of that linear layer")
    pooled_norm: bool = Field(False, description="layer norm behind pooling, with an epsilon of 1e-6 (ConvNeXt)")
    hidden_norm: bool = Field(False, description="batch norm behind that linear layer")
    dropout: Ratio = Field(0.2, description="rate of dropout before the last linear layer")
    smoothing: Ratio = Field(0.1, description="share of a target that the loss spreads over all classes")


class Segmentation(Head):
    """Every output upsampled to the finest, averaged, separable convolutions, and a prediction per cell."""

    kind: Literal["segmentation"] = "segmentation"
    dim: Dim = Field(256, description="of the separable convolutions")
    layers: Layers = Field(3, description="separable convolutions before the prediction layer")
    kernel: Kernel = Field(1, description="of the prediction layer")
    classes: Classes = 21
    ignored: Ignored = 255


class RetinaNet(Head):
    """Class and box subnets whose weights are shared over the levels, with batch norm per level."""

    ladder: ClassVar[bool] = True
    maps: ClassVar[tuple[str, ...]] = ("class", "box")
    channels: ClassVar[str] = ANCHOR_BY_ANCHOR

    kind: Literal["retinanet"] = "retinanet"
    dim: Dim
    layers: Layers = 3
    conv: Literal["separable", "full"] = Field("separable", description="what the subnets' convolutions are")
    bias: bool = Field(
        True, description="of the subnets' convolutions, beside their norm; the predictions always have one"
    )
    shared: bool = Field(False, description="whether classes and boxes share all but the prediction layer")
    classes: Classes = Field(91, description="classes, background included as in the paper's code base")
    background: bool = Field(True, description="whether class 0 is the background, which is never found")
    anchors: CountedAnchors = Field(Anchors(), description="the boxes that every cell starts from, or how many")
    order: BoxOrder = "yxhw"
    matching: Matching = Matching()
    loss: FocalLoss = FocalLoss()
    detections: Detections = Detections()
    prior: float = Field(0.01, gt=0, lt=1, description="the class subnet's first guess at each anchor")

    @property
    def first_class(self) -> int:
        """The class that is found first."""
        return int(self.background)


class MaskRCNN(Head):
    """Proposals from every output, and subnets that classify, refine and cut out crops (regions) of the outputs.

    Crops are further inputs of the network. `compile --with detect` has what chooses proposals and cuts them out.
    """

    ladder: ClassVar[bool] = True
    maps: ClassVar[tuple[str, ...]] = ("objectness", "deltas")
    channels: ClassVar[str] = "deltas: anchor by anchor, 4 each; crop_box: class by class, 4 each"
    besides: ClassVar[tuple[str, ...]] = ("masks",)

    kind: Literal["mask_rcnn"] = "mask_rcnn"
    dim: Dim
    conv: Literal["separable", "full"] = Field("full", description="what the convolutions and map predictions are")
    proposal_layers: Layers = Field(1, description="3x3 convolutions before the proposals, shared over the outputs")
    box_layers: Layers = Field(4, description="3x3 convolutions on a crop before the linear layers")
    mask_layers: Layers = Field(4, description="3x3 convolutions on a crop before the upsampling")
    hidden: tuple[Dim, ...] = Field((1024,), max_length=8, description="of the linear layers before class and box")
    classes: Classes = Field(91, description="classes, background included as in the paper's code base")
    anchors: FewAnchors = Field(
        Anchors(scales=1), description="the boxes that every cell starts from, of one scale unless told, or how many"
    )
    proposals: Proposals = Proposals()
    regions: Regions = Regions()
    detections: RegionDetections = Detections()
    box_crops: Crops = Field(1000, description="crops of an image that are classified: what is counted")
    mask_crops: Crops = Field(100, description="crops of an image that get a mask: what is counted")
    box_size: CropSize = Field(7, description="cells on each side of a crop that is classified")
    mask_size: CropSize = Field(14, description="cells on each side of a crop that gets a mask of twice the size")

    @property
    def first_class(self) -> int:
        """The class that is found first."""
        return 1


class SSD(Head):
    """SSDLite's predictors: on every output, for classes and for boxes, a depthwise and a 1x1 convolution."""

    one_dim: ClassVar[bool] = False
    maps: ClassVar[tuple[str, ...]] = ("class", "box")
    channels: ClassVar[str] = ANCHOR_BY_ANCHOR

    kind: Literal["ssd"] = "ssd"
    classes: Classes = Field(90, description="channels of a class map per anchor; a background is one of them")
    background: bool = Field(False, description="whether class 0 is the background, which is never found")
    anchors: tuple[AnchorCount, ...] = Field(
        (3, 6, 6, 6, 6, 6), min_length=1, description="anchors per cell of every output"
    )
    boxes: DefaultBoxes = Field(DefaultBoxes(), description="which boxes the anchors are")
    matching: Matching = Matching()
    loss: SSDLoss = SSDLoss()
    detections: SSDDetections = SSDDetections()

    @property
    def first_class(self) -> int:
        """The class that is found first."""
        return int(self.background or self.loss.kind == "softmax")


class FCOS(Head):
    """For every cell its class, its distances to the four sides of a box, and how central it is in that.

    Two towers of convolutions with group norm, whose weights are shared over the levels.
    """

    ladder: ClassVar[bool] = True
    maps: ClassVar[tuple[str, ...]] = ("class", "box", "centerness")
    channels: ClassVar[str] = "of a box the distances to its left, its top, its right and its bottom"

    kind: Literal["fcos"] = "fcos"
    activation: Activation = Field("relu", description="of every convolution but the last")
    dim: Dim = 256
    layers: Layers = 4
    groups: int = Field(32, ge=1, le=4096, description="of the towers' group norm; they divide `dim`")
    distances: Literal["exp", "relu"] = Field("exp", description="what makes the distances positive")
    scaled: bool = Field(True, description="a trained factor of each level for its distances")
    centerness: Literal["class", "box"] = Field("class", description="behind which tower centerness is predicted")
    unit: Literal["stride", "pixel"] = Field("stride", description="what distances are given in")
    offset: Ratio = Field(0.5, description="where in a cell distances start, from its left and from its top")
    classes: Classes = Field(80, description="classes, without a background")
    matching: CentreSampling = CentreSampling()
    loss: FCOSLoss = FCOSLoss()
    detections: FCOSDetections = FCOSDetections()
    prior: float = Field(0.01, gt=0, lt=1, description="the first guess of a class at each cell")


class CenterNet(Head):
    """On every output a heat map of the centres of each class, and for each centre a size and an offset."""

    one_dim: ClassVar[bool] = False
    maps: ClassVar[tuple[str, ...]] = ("heatmap", "size", "offset")
    channels: ClassVar[str] = "a width and a height; an offset to the right and one down"

    kind: Literal["centernet"] = "centernet"
    activation: Activation = Field("relu", description="of every convolution but the last")
    dim: Dim = Field(64, description="of the 3x3 convolution before each prediction")
    classes: Classes = Field(80, description="classes, without a background")
    matching: Heat = Heat()
    loss: CentreLoss = CentreLoss()
    detections: CentreDetections = CentreDetections()
    prior: float = Field(0.1, gt=0, lt=1, description="the first guess of a centre at each cell")


class DeepLab(Head):
    """DeepLabv3's atrous spatial pyramid pooling on one output: image mean, 1x1 and dilated convolutions."""

    kind: Literal["deeplab"] = "deeplab"
    dim: Dim = 256
    rates: tuple[Dilation, ...] = Field((), max_length=16, description="dilations of the 3x3 convolutions")
    classes: Classes = 21
    ignored: Ignored = 255
