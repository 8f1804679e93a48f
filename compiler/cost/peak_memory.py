"""How much of a program is alive at once."""

from __future__ import annotations

from spinec.compiler.graph.program import Program


def peak_elements(program: Program) -> int:
    """The most elements alive at once: every value from the op that makes it to the last op that reads it."""
    last_read = dict.fromkeys(program.inputs, -1)
    for i, step in enumerate(program.steps):
        last_read.update(dict.fromkeys(step.inputs, i))
        last_read[step.path] = i
    kept = {program.values.get(value, value) for value in program.graph.outputs.values()}
    dying: dict[int, list[str]] = {}
    for value, i in last_read.items():
        if value not in kept:
            dying.setdefault(i, []).append(value)
    sizes = program.sizes
    alive = peak = sum(sizes[name] for name in program.inputs)
    for i, step in enumerate(program.steps):
        alive += sizes[step.path]
        peak = max(peak, alive)
        alive -= sum(sizes[value] for value in dying.get(i, ()))
    return peak
