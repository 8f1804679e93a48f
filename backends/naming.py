"""How names of graphs become names of classes and functions."""

from __future__ import annotations

import re

WORDS = {
    "mbconv": "MBConv",
    "spinenet": "SpineNet",
    "efficientnet": "EfficientNet",
    "efficientdet": "EfficientDet",
    "resnet": "ResNet",
    "mobilenet": "MobileNet",
    "sp": "SP",
    "fpn": "FPN",
    "fpnlite": "FPNLite",
    "mnasnet": "MnasNet",
    "mnasfpn": "MnasFPN",
    "ssdlite": "SSDLite",
    "deeplab": "DeepLab",
}


def class_name(name: str) -> str:
    """``class_name("eff-spinenet-d0")`` is EffSpineNetD0.

    >>> class_name("fused_mbconv_down")
    'FusedMBConvDown'
    """
    words = (WORDS.get(word, word[:1].upper() + word[1:]) for word in re.split(r"[^A-Za-z0-9]+", name))
    joined = "".join(words)
    return joined if joined[:1].isalpha() else f"Net{joined}"
