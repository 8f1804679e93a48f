"""What a block sees of the image: spans of positions followed from a cell back to the pixels it depends on."""

from __future__ import annotations

from spinec.compiler.ops.base import Span
from spinec.compiler.program import Program


def receptive_field(program: Program, value: str) -> tuple[int, int]:
    """Height and width in pixels of the part of the image that the centre cell of a value depends on.

    Exact at that cell: every op maps the span of its results to the span it reads. Gates (squeeze-excite) scale what is
    there and are left out, else every block would see the whole image.
    """
    spans = [_span(program, value, axis) for axis in (1, 2)]
    return spans[0][1] - spans[0][0] + 1, spans[1][1] - spans[1][0] + 1


def _span(program: Program, value: str, axis: int) -> Span:
    goal = program.values.get(value, value)
    centre = program.shapes[goal][axis] // 2
    needed: dict[str, Span] = {goal: (centre, centre)}
    for step in reversed(program.steps):
        span = needed.pop(step.path, None)
        if span is None:
            continue
        for operand, (name, shape) in enumerate(zip(step.inputs, step.input_shapes, strict=True)):
            read = step.op.reads(span, operand, shape[axis])
            if read is not None:
                low, high = needed.get(name, read)
                needed[name] = (min(low, read[0]), max(high, read[1]))
    return needed.get("image", (0, program.size[axis - 1] - 1))
