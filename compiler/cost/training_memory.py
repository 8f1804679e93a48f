"""What is alive in a step of training: values, what autograd keeps of them, and gradients, op by op."""

from __future__ import annotations

from collections.abc import Iterable

from spinec.compiler.graph.hierarchy import Step
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import BYTES, Kept, elements


class Tape:
    """A program in training on a batch: forward from the first op to the last, and back."""

    def __init__(self, program: Program, batch: int) -> None:
        self.batch = batch
        self.steps = program.steps
        self.differentiable = _differentiable(program.steps)
        """Values that depend on a weight, so that a gradient is asked for."""
        self._sizes = program.sizes
        self._inputs = tuple(program.inputs)
        self._home = {name: name for name in self._inputs}  # whose memory a value lies in
        for step in self.steps:
            self._home[step.path] = self._home[step.inputs[0]] if step.op.is_view else step.path
        self._outputs = {program.values.get(value, value) for value in program.graph.outputs.values()}
        self._own: list[int] = []  # bytes that an op keeps by itself
        self._keeper: dict[str, int] = {}  # the first op that keeps a value, which is the last to let go of it
        for i, step in enumerate(self.steps):
            kept = step.op.kept(step.output, *step.input_shapes) if step.path in self.differentiable else Kept()
            self._own.append(batch * step.times * kept.image_bytes + kept.batch_bytes)
            for value in (*(step.inputs[j] for j in kept.operands), *([step.path] if kept.output else [])):
                self._keeper.setdefault(self._home[value], i)

    @property
    def image_bytes(self) -> int:
        """The batch of images itself, and of their crops."""
        return self._bytes(self._inputs)

    @property
    def kept_bytes(self) -> int:
        """What autograd keeps from the forward to the backward pass."""
        return self._bytes(self._keeper) + sum(self._own)

    def peaks(self) -> tuple[int, int]:
        """The most bytes alive at once: of activations and their gradients, and with the gradients of weights."""
        forward, alive = self._forward()
        activations, whole = self._backward(alive)
        return max(forward, activations), max(forward, whole)

    def _forward(self) -> tuple[int, int]:
        """The peak of the forward pass, and what is alive after it: what is kept, the outputs and the images."""
        dying = self._dying()
        alive = peak = self.image_bytes
        for i, step in enumerate(self.steps):
            alive += self._own[i] + self._bytes([] if step.op.is_view else [step.path])
            peak = max(peak, alive)
            alive -= self._bytes(dying.get(i, ()))
        return peak, alive

    def _dying(self) -> dict[int, list[str]]:
        """What nobody reads after an op, and nobody keeps."""
        last_read = {}
        for i, step in enumerate(self.steps):
            last_read.update(dict.fromkeys((self._home[value] for value in (step.path, *step.inputs)), i))
        stays = {*self._inputs, *self._keeper, *(self._home[value] for value in self._outputs)}
        dying: dict[int, list[str]] = {}
        for value, i in last_read.items():
            if value not in stays:
                dying.setdefault(i, []).append(value)
        return dying

    def _backward(self, alive: int) -> tuple[int, int]:
        """Gradients are made from the outputs on; what is kept goes as soon as no earlier op has it."""
        released: dict[int, list[str]] = {}
        for value, i in self._keeper.items():
            if value not in self._inputs and value not in self._outputs:
                released.setdefault(i, []).append(value)
        gradients = self._outputs & self.differentiable
        alive += self._bytes(gradients)
        peak = whole = alive
        of_weights = 0
        for i, step in reversed(list(enumerate(self.steps))):
            if step.path in gradients:
                asked = [value for value in step.inputs if value in self.differentiable]
                alive += self._bytes(asked)  # a second gradient of a value is made before it is added to the first
                of_weights += BYTES * elements(*step.weights.values())
                peak, whole = max(peak, alive), max(whole, alive + of_weights)
                alive -= self._bytes([value for value in asked if value in gradients])
                gradients.update(asked)
                gradients.remove(step.path)
                alive -= self._bytes([step.path])
            alive -= self._own[i] + self._bytes(released.get(i, ()))
        return peak, whole

    def _bytes(self, values: Iterable[str]) -> int:
        return BYTES * self.batch * sum([self._sizes[value] for value in values])


def _differentiable(steps: Iterable[Step]) -> set[str]:
    found: set[str] = set()
    for step in steps:
        if step.op.weights(*step.input_shapes) or found.intersection(step.inputs):
            found.add(step.path)
    return found
