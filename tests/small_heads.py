"""A network of two outputs that tests put a head on."""

from __future__ import annotations

import spinec

SMALL = """
name: small
input: {{size: [44, 60]}}
blocks:
  stem: {{level: 1, kind: conv, dim: 8, inputs: [image]}}
  b1: {{level: 2, kind: conv, dim: 12, inputs: [stem]}}
  b2: {{level: 3, kind: conv, dim: 12, inputs: [b1]}}
outputs: {{P2: b1, P3: b2}}
head: {{{own}}}
"""
CELLS = 11 * 15 + 6 * 8  # of both outputs


def program_of(own: str) -> spinec.Program:
    """The program of a head of which this is said."""
    return spinec.lower(spinec.loads(SMALL.format(own=own)))
