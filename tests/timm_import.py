"""timm, also where torchvision was built without the operators that it wants to register on import."""

from __future__ import annotations

import sys
from types import ModuleType

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def import_timm() -> ModuleType:
    """The module; ImportError where it is not installed."""
    try:
        import torchvision  # noqa: F401  (timm imports it)
    except RuntimeError:  # "operator torchvision::nms does not exist"
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        _declare(SCHEMAS)
    import timm

    return timm


def _declare(schemas: tuple[str, ...]) -> None:
    """Operators that exist in name alone: nothing that is tested calls one."""
    library = torch.library.Library("torchvision", "DEF")
    for schema in schemas:
        library.define(schema)
    _KEPT.append(library)


_KEPT: list[torch.library.Library] = []  # a library's operators are gone when it is
