"""A live Keras model as it learns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

from spinec.backends.learner import check_state, decayed, parts_of
from spinec.backends.tensorflow.framework import load_keras
from spinec.backends.tensorflow.live import build_with
from spinec.backends.tensorflow.weights import from_neutral, to_neutral, variables_of, write_weights
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError
from spinec.spec.recipes.model import Optimizer, Recipe

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from spinec.backends.weights import Array


def learner(program: Program, recipe: Recipe, weights: Mapping[str, Array] | None = None) -> LearningModel:
    """A model that learns, from some weights, or from fresh ones by the recipe's seed."""
    return LearningModel(program, recipe, weights)


class LearningModel:
    """A model, its losses and its optimiser: see `backends.learner.Learner`."""

    def __init__(self, program: Program, recipe: Recipe, weights: Mapping[str, Array] | None = None) -> None:
        if recipe.precision != "float32":
            raise BackendError(f"precision: TensorFlow learns in float32 here, not yet in {recipe.precision}")
        load_keras().utils.set_random_seed(recipe.seed)
        import tensorflow as tf

        self.program, self.recipe = program, recipe
        self.source, self.model = build_with(program, ["loss"])
        if weights is not None:
            write_weights(self.model, program, weights)
        self.whole = "model" in signature(self.source.loss).parameters  # which runs parts of it one by one
        found = variables_of(self.model, program)
        self.slots = {slot.name: slot for slot in found}
        self.parts = {"weights": {slot.name: variable.value for slot, variable in found.items()}}
        for part, names in parts_of(program, recipe).items():
            if part != "weights":
                kept = {name: self.parts["weights"][name] for name in names}
                self.parts[part] = {
                    name: tf.Variable(value if part == "average" else tf.zeros_like(value), trainable=False)
                    for name, value in kept.items()
                }
        self.decayed = decayed(program, recipe)
        self.seeds = [each.value for each in self.model.variables if each.name == "seed_generator_state"]
        self.traced = tf.function(self._step, autograph=False)

    def step(self, images: Array, targets: Mapping[str, NDArray[Any]], rate: float, number: int) -> dict[str, float]:
        """One step of gradient descent; gives the losses, and the norm of all gradients before it is limited."""
        import tensorflow as tf

        computed = self.model.inputs[0].dtype
        wanted = [tf.constant(each, computed if each.dtype.kind == "f" else None) for each in targets.values()]
        told = self.traced(tf.constant(images, computed), wanted, tf.constant(rate, computed), tf.constant(number))
        return {name: float(value) for name, value in told.items()}

    def _step(self, images: Any, wanted: list[Any], rate: Any, number: Any) -> dict[str, Any]:
        import tensorflow as tf

        for place, seed in enumerate(self.seeds):
            seed.assign(tf.cast(tf.stack([self.recipe.seed + place, 1_000 * number]), seed.dtype))
        trained = {name: self.parts["weights"][name] for name in self.program.weights}
        with tf.GradientTape() as tape:
            outputs = [self.model, images] if self.whole else [self.model(images, training=True)]
            losses = self.source.loss(*outputs, *wanted)
        found = tape.gradient(losses["loss"], trained, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return {**losses, "gradient": self._descend(trained, found, rate, number)}

    def _descend(self, trained: dict[str, Any], gradients: dict[str, Any], rate: Any, number: Any) -> Any:
        import tensorflow as tf

        options = self.recipe.optimizer
        for name in self.decayed if options.kind != "adamw" else ():
            gradients[name] += options.decay * trained[name]
        norm = tf.linalg.global_norm(list(gradients.values()))
        if options.clip:
            share = tf.minimum(options.clip / norm, 1.0)
            gradients = {name: share * gradient for name, gradient in gradients.items()}
        for name in self.decayed if options.kind == "adamw" else ():
            trained[name].assign(trained[name] * (1 - rate * options.decay))
        for name, weight in trained.items():
            moments = [self.parts[part][name] for part in ("momentum", "square") if part in self.parts]
            step = tf.cast(number + 1, rate.dtype)
            weight.assign_sub(UPDATES[options.kind](gradients[name], *moments, rate=rate, step=step, options=options))
        for name, average in self.parts.get("average", {}).items():
            assert self.recipe.average
            average.assign_add((1 - self.recipe.average.decay) * (self.parts["weights"][name] - average))
        return norm

    def state(self) -> dict[str, Array]:
        """All that training goes on from, by part and name."""
        return {
            f"{part}/{name}": to_neutral(self.slots[name], value.numpy())
            for part, values in self.parts.items()
            for name, value in values.items()
        }

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from a state.

        Raises:
            BackendError: where it is not of this network and this recipe.
        """
        check_state(self.program, self.recipe, state)
        for part, values in self.parts.items():
            for name, value in values.items():
                value.assign(from_neutral(self.slots[name], state[f"{part}/{name}"], value.shape))

    def weights(self) -> dict[str, Array]:
        """What the network is judged by: the average where the recipe has one, else the weights as they are."""
        judged = self.parts.get("average", self.parts["weights"])
        return {name: to_neutral(self.slots[name], value.numpy()) for name, value in judged.items()}


def settle(model: keras.Model, images: Iterable[Array]) -> None:
    """Take the running means and variances anew: the mean of those of some batches (batch, height, width, channels)."""
    keras = load_keras()
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    before = [norm.momentum for norm in norms]
    for seen, batch in enumerate(images):
        for norm in norms:
            norm.momentum = seen / (seen + 1)  # the mean of all batches
        model(batch, training=True)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


def sgd(slope: Any, momentum: Any, *, rate: Any, step: Any, options: Optimizer) -> Any:
    """Gradient descent whose steps keep a share of the last one."""
    return rate * momentum.assign(options.momentum * momentum + slope)


def rmsprop(slope: Any, momentum: Any, square: Any, *, rate: Any, step: Any, options: Optimizer) -> Any:
    """TensorFlow's: epsilon is within the root, and the rate within the momentum."""
    import tensorflow as tf

    mean = square.assign(options.smoothing * square + (1 - options.smoothing) * slope**2)
    return momentum.assign(options.momentum * momentum + rate * slope / tf.sqrt(mean + options.epsilon))


def adamw(slope: Any, momentum: Any, square: Any, *, rate: Any, step: Any, options: Optimizer) -> Any:
    """Adam (arXiv 1412.6980, Algorithm 1); what decays has done so (arXiv 1711.05101)."""
    import tensorflow as tf

    mean = momentum.assign(options.momentum * momentum + (1 - options.momentum) * slope)
    spread = square.assign(options.smoothing * square + (1 - options.smoothing) * slope**2)
    root = tf.sqrt(spread / (1 - options.smoothing**step)) + options.epsilon
    return rate / (1 - options.momentum**step) * mean / root


UPDATES: Mapping[str, Callable[..., Any]] = {"sgd": sgd, "rmsprop": rmsprop, "adamw": adamw}
