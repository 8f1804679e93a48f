"""The op in PyTorch."""

from spinec.backends.expressions import Call, Function, In, call
from spinec.backends.pytorch.rules import rule
from spinec_softsign.ops import Softsign


@rule(Softsign)
def softsign(op: Softsign, x: tuple[int, ...]) -> Function:
    """A function of the framework's own, on the input times the steepness."""
    return Function(call("F.softsign", Call("*", (In(0), op.steepness))))
