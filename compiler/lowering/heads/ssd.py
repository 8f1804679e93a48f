"""SSDLite's predictors (architectures.md, section 7)."""

from __future__ import annotations

from collections.abc import Mapping

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder
from spinec.compiler.lowering.heads.layers import BOX
from spinec.compiler.lowering.heads.registry import lowers
from spinec.compiler.lowering.layers import Style, conv_norm_act
from spinec.compiler.lowering.resample import Features
from spinec.spec.heads import SSD


@lowers(SSD)
def ssd(head: SSD, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """A class map and a box map per output; nothing is shared between them."""
    return {
        f"{kind}_{name}": model.add(
            f"{kind}_{name}",
            _predictor(head, style, features.dim, head.anchors[i] * each),
            features.name,
            counted=f"anchors[{i}] * {word}",
        )
        for kind, each, word in (("class", head.classes, "classes"), ("box", BOX, str(BOX)))
        for i, (name, features) in enumerate(outputs.items())
    }


def _predictor(head: SSD, style: Style, dim: int, predictions: int) -> Graph:
    settings = {"dim": dim, "predictions": predictions}
    to = GraphBuilder("predictor", "Depthwise convolution, norm, activation, 1x1 prediction.", settings=settings)
    x = conv_norm_act(to, style, "x", "", style.conv(dim, 3, groups=dim), head.activation)
    return to.build(to.add("predict", style.conv(predictions, bias=True), x, counted="predictions"))
