"""What a block sees of the image: positions followed from a cell back to the pixels that it depends on."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Cells


def receptive_field(program: Program, value: str) -> tuple[int, int]:
    """Height and width in pixels of the part of the image that the centre cell of a value depends on.

    Exact at that cell: every op maps the positions of its results to those it reads. Gates (squeeze-excite) scale what
    is there and are left out, else every block would see the whole image.
    """
    height, width = (_extent(_seen(program, value, axis)) for axis in (0, 1))
    return height, width


def _extent(cells: Cells) -> int:
    """From the first position to the last."""
    return (cells // (cells & -cells)).bit_length() if cells else 0


def _seen(program: Program, value: str, axis: int) -> Cells:
    goal = program.values.get(value, value)
    needed: dict[str, Cells] = {goal: 1 << program.shapes[goal][axis + 1] // 2}
    for step in reversed(program.steps):
        cells = needed.pop(step.path, None)
        if cells is None:
            continue
        for operand, (name, shape) in enumerate(zip(step.inputs, step.input_shapes, strict=True)):
            read = step.op.reads(cells, operand, shape[axis + 1], axis)
            if read is not None:
                needed[name] = needed.get(name, 0) | read
    return needed.get("image", 0)
