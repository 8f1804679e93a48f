"""The op and the activations in Keras."""

from spinec.backends.expressions import Layer, Name, call
from spinec.backends.tensorflow.rules import activation_rule, named, rule
from spinec_softsign.ops import Softsign


@rule(Softsign)
def softsign(op: Softsign, x: tuple[int, ...]) -> Layer:
    """A layer of the framework's own, on the input times the steepness."""
    return Layer(call("layers.Lambda", Name(f"lambda x: ops.nn.softsign({op.steepness} * x)")))


activation_rule("soft_sign")(named("softsign"))
activation_rule("arctan")(named(Name("ops.arctan")))
