"""The op and the activations in PyTorch."""

from spinec.backends.expressions import Call, Function, In, call
from spinec.backends.pytorch.rules import activation_rule, named, rule
from spinec.compiler.ops.activation import Activation
from spinec_softsign.ops import Softsign


@rule(Softsign)
def softsign(op: Softsign, x: tuple[int, ...]) -> Function:
    """A function of the framework's own, on the input times the steepness."""
    return Function(call("F.softsign", Call("*", (In(0), op.steepness))))


activation_rule("soft_sign")(named("F.softsign", "nn.Softsign"))


@activation_rule("arctan")
def arctan(op: Activation) -> Function:
    """A function that PyTorch has no layer for."""
    return Function(call("torch.atan", In(0)))
