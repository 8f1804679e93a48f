"""What convolution and pooling share: how a window moves over a feature map."""

from __future__ import annotations

from typing import TypeAlias

from spinec.compiler.ops.base import Cells, Shape
from spinec.spec.errors import ShapeError
from spinec.spec.fields import Padding

Sides: TypeAlias = tuple[int, int]
"""(height, width)"""
Kernel: TypeAlias = int | Sides
"""The side of a square, or both sides."""
Pads: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right))"""


def output_size(size: int, stride: int) -> int:
    """ceil(size / stride): how many windows start within the input."""
    return -(-size // stride)


def sides_of(kernel: Kernel) -> Sides:
    """Height and width of a kernel."""
    return kernel if isinstance(kernel, tuple) else (kernel, kernel)


def check_centre(op: str, kernel: Kernel, padding: Padding) -> None:
    """Symmetric padding is by half a kernel on either side of its centre; a ShapeError where there is none."""
    height, width = sides_of(kernel)
    if padding == "symmetric" and not (height % 2 and width % 2):
        raise ShapeError(
            f"{op}: an even kernel, {height} x {width}, has no centre to pad symmetrically around; use padding 'same'"
        )


def window_pads(padding: Padding, extents: Sides, stride: int, height: int, width: int) -> Pads:
    """Zeros around the input: half of every extent, or TensorFlow's 'same', which puts the odd one behind."""
    rows, columns = extents
    if padding == "symmetric":
        return (rows // 2, rows // 2), (columns // 2, columns // 2)
    return _same(rows, stride, height), _same(columns, stride, width)


def with_written_pads(padding: Padding, extents: Sides, stride: int, shape: Shape) -> Shape:
    """What windows move over: PyTorch pads for 'same' before them, while symmetric padding is a setting of theirs."""
    dim, height, width = shape
    if padding == "symmetric":
        return shape
    rows, columns = window_pads(padding, extents, stride, height, width)
    return dim, height + sum(rows), width + sum(columns)


def window_reads(cells: Cells, padding: Padding, kernel: int, dilation: int, stride: int, size: int) -> Cells:
    """Which positions of an axis the windows at `cells` take."""
    extent = (kernel - 1) * dilation + 1
    before = window_pads(padding, (extent, extent), stride, size, size)[0][0]
    starts, read = spread(cells, stride), 0
    for tap in range(kernel):
        read |= starts << tap * dilation
    return read >> before & ((1 << size) - 1)


def spread(cells: Cells, factor: int) -> Cells:
    """Position i at i * factor."""
    return cells if factor == 1 else int(("0" * (factor - 1)).join(f"{cells:b}"), 2)


def gathered(cells: Cells, factor: int) -> Cells:
    """Position i at i // factor."""
    folded = 0
    for shift in range(factor):
        folded |= cells >> shift
    return _every(folded, factor)


def interpolated(cells: Cells, factor: int) -> Cells:
    """Position i at i // factor, and at the one next to it on the side to which the centre of pixel i lies."""
    read = 0
    for phase in range(factor):
        squares = _every(cells >> phase, factor)
        read |= squares
        if 2 * phase + 1 < factor:
            read |= squares >> 1
        elif 2 * phase + 1 > factor:
            read |= squares << 1
    return read


def _every(cells: Cells, factor: int) -> Cells:
    """Position i * factor at i; no others."""
    return int(f"{cells:b}"[::-1][::factor][::-1], 2)


def _same(extent: int, stride: int, size: int) -> tuple[int, int]:
    total = max(0, (output_size(size, stride) - 1) * stride + extent - size)
    return total // 2, total - total // 2
