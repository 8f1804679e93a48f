"""What convolution and pooling share: how a window moves over a feature map."""

from __future__ import annotations

from typing import TypeAlias

from spinec.compiler.ops.base import Shape, Span
from spinec.spec.fields import Padding

Pads: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right))"""


def output_size(size: int, stride: int) -> int:
    """ceil(size / stride): how many windows start within the input."""
    return -(-size // stride)


def window_pads(padding: Padding, extent: int, stride: int, height: int, width: int) -> Pads:
    """Zeros around the input: extent // 2 on every side, or TensorFlow's 'same', which puts the odd one behind."""
    if padding == "symmetric":
        return ((extent // 2, extent // 2),) * 2
    return _same(extent, stride, height), _same(extent, stride, width)


def with_written_pads(padding: Padding, extent: int, stride: int, shape: Shape) -> Shape:
    """What windows move over: PyTorch pads for 'same' before them, while symmetric padding is a setting of theirs."""
    dim, height, width = shape
    if padding == "symmetric":
        return shape
    rows, columns = window_pads(padding, extent, stride, height, width)
    return dim, height + sum(rows), width + sum(columns)


def window_reads(span: Span, padding: Padding, extent: int, stride: int, size: int) -> Span:
    """Which positions of an axis the windows at `span` cover."""
    before = window_pads(padding, extent, stride, size, size)[0][0]
    return max(0, span[0] * stride - before), min(size - 1, span[1] * stride - before + extent - 1)


def _same(extent: int, stride: int, size: int) -> tuple[int, int]:
    total = max(0, (output_size(size, stride) - 1) * stride + extent - size)
    return total // 2, total - total // 2
