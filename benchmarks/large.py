"""Specs as large as one likes, for measuring how time grows."""

from __future__ import annotations


def large_spec(blocks: int, inputs: int = 2) -> str:
    """A scale-permuted spec: levels 2 to 5 in turn, each block fed by the last two, or by more."""
    lines = [
        f"name: large-{blocks}",
        "input: {size: 64}",
        "defaults: {kind: mbconv}",
        "blocks:",
        "  stem: {level: 1, kind: conv, dim: 8, inputs: [image]}",
        "  b0: {level: 2, dim: 8, inputs: [stem]}",
        "  b1: {level: 3, dim: 8, inputs: [b0]}",
    ]
    levels = (4, 2, 5, 3)
    for i in range(2, blocks - 1):
        last = ", ".join(f"b{j}" for j in range(max(0, i - inputs), i))
        lines.append(f"  b{i}: {{level: {levels[i % 4]}, dim: 8, inputs: [{last}]}}")
    return "\n".join([*lines, f"outputs: {{last: b{blocks - 2}}}", ""])
