"""A network that learns in a moment, stochastic depth and all."""

TINY = """
name: tiny
input: {size: 32}
defaults: {kind: residual, activation: relu}
stochastic_depth: {rate: 0.2}
blocks:
  stem: {level: 2, kind: conv, dim: 8, kernel: 3, inputs: [image]}
  b1: {level: 3, dim: 8, inputs: [stem]}
  b2: {level: 4, dim: 8, inputs: [b1]}
outputs: {P3: b1, P4: b2}
head: {kind: retinanet, dim: 8, layers: 1, classes: 3, background: false}
"""
DIGITS = TINY.replace("size: 32", "size: 64").replace("classes: 3", f"classes: [{', '.join(map(repr, '0123456789'))}]")
"""The same for the scenes of digits."""
