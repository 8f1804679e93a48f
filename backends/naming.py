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
    "convnext": "ConvNeXt",
    "densenet": "DenseNet",
    "regnetx": "RegNetX",
    "regnety": "RegNetY",
    "regnet": "RegNet",
    "ghostnet": "GhostNet",
    "mixnet": "MixNet",
    "shufflenet": "ShuffleNet",
    "cspdarknet": "CSPDarknet",
    "csp": "CSP",
    "resnext": "ResNeXt",
    "vovnet": "VoVNet",
    "dla": "DLA",
    "hrnet": "HRNet",
    "efficientnetv2": "EfficientNetV2",
    "mobilenetv4": "MobileNetV4",
    "aspp": "ASPP",
    "sppf": "SPPF",
    "fcos": "FCOS",
    "centernet": "CenterNet",
    "unet": "UNet",
}
"""How authors spell what they found."""


def function_name(name: str) -> str:
    """What a function is called after something that may have a class name.

    >>> function_name("MBConvUnexpandedNarrow"), function_name("eff-spinenet-d0")
    ('mbconv_unexpanded_narrow', 'eff_spinenet_d0')
    """
    for word in sorted(WORDS.values(), key=len, reverse=True):
        name = name.replace(word, f"{word[0]}{word[1:].lower()}")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    joined = re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_").lower()
    return joined if joined[:1].isalpha() else f"net_{joined}".rstrip("_")


def class_name(name: str) -> str:
    """``class_name("eff-spinenet-d0")`` is EffSpineNetD0.

    >>> class_name("fused_mbconv_down")
    'FusedMBConvDown'
    """
    words = (WORDS.get(word, word[:1].upper() + word[1:]) for word in re.split(r"[^A-Za-z0-9]+", name))
    joined = "".join(words)
    return joined if joined[:1].isalpha() else f"Net{joined}"
