"""A live Keras model as it learns."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from inspect import signature
from math import isfinite
from typing import TYPE_CHECKING, Any

from spinec.backends.blame import Watched
from spinec.backends.learner import Scale, check_state, decayed, narrowed, parts_of
from spinec.backends.patterns import factors, still
from spinec.backends.tensorflow.framework import load_keras
from spinec.backends.tensorflow.live import build_with, mixed
from spinec.backends.tensorflow.observe import unfinite
from spinec.backends.tensorflow.weights import from_neutral, read_weights, to_neutral, variables_of, write_weights
from spinec.compiler.graph.program import Program
from spinec.spec.recipes.model import Optimizer, Recipe

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from spinec.backends.weights import Array


def learner(program: Program, recipe: Recipe, weights: Mapping[str, Array] | None = None) -> LearningModel:
    """A model that learns, from some weights; those that are not given are fresh, by the recipe's seed."""
    return LearningModel(program, recipe, weights)


class LearningModel:
    """A model, its losses and its optimiser: see `backends.learner.Learner`."""

    def __init__(self, program: Program, recipe: Recipe, weights: Mapping[str, Array] | None = None) -> None:
        load_keras().utils.set_random_seed(recipe.seed)
        import tensorflow as tf

        self.program, self.recipe = program, recipe
        with mixed(recipe.precision):
            self.source, model = build_with(program, ["loss"])
        self.model = _precise(model) if recipe.precision != "float32" else model
        if weights is not None:
            write_weights(self.model, program, {**read_weights(self.model, program), **weights})
        keep_still(self.model, still(program, recipe))
        self.factors = factors(program, recipe)
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
        self.scale = Scale(recipe.precision == "float16")
        self.slopes = tf.function(self._gradients, autograph=False)
        self.descend = tf.function(self._descend, autograph=False)

    def step(self, images: Array, targets: Mapping[str, NDArray[Any]], rate: float, number: int) -> dict[str, float]:
        """One step of gradient descent; gives the losses, and the norm of all gradients before it is limited."""
        import tensorflow as tf

        losses, gradients, norm = self.slopes(*self._given(images, targets, number))
        told = {**{name: float(value) for name, value in losses.items()}, "gradient": float(norm)}
        if all(map(isfinite, told.values())):
            self.descend(gradients, norm, tf.constant(rate, norm.dtype), tf.constant(number))
        return self.scale.told(told)

    def _given(self, images: Array, targets: Mapping[str, NDArray[Any]], number: int) -> tuple[Any, ...]:
        """What gradients are computed of: images, targets, the number of the step, what the loss is multiplied by."""
        import tensorflow as tf

        computed = self.model.inputs[0].dtype
        given = narrowed(targets).values()
        wanted = [tf.constant(each, computed if each.dtype.kind == "f" else None) for each in given]
        return tf.constant(images, computed), wanted, tf.constant(number), tf.constant(self.scale.value, computed)

    def _gradients(self, images: Any, wanted: list[Any], number: Any, scale: Any) -> tuple[Any, dict[str, Any], Any]:
        """The losses, the gradients of all that is learned, decay included, and their norm."""
        import tensorflow as tf

        for place, seed in enumerate(self.seeds):
            seed.assign(tf.cast(tf.stack([self.recipe.seed + place, 1_000 * number]), seed.dtype))
        trained = {name: self.parts["weights"][name] for name in self.factors}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(trained.values()))
            outputs = [self.model, images] if self.whole else [self.model(images, training=True)]
            losses = self.source.loss(*outputs, *wanted)
            scaled = losses["loss"] * scale
        gradients = tape.gradient(scaled, trained, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        if self.scale.on:
            gradients = {name: gradient / scale for name, gradient in gradients.items()}
        options = self.recipe.optimizer
        for name in self.decayed if options.kind != "adamw" else ():
            gradients[name] += options.decay * trained[name]
        return losses, gradients, tf.linalg.global_norm(list(gradients.values()))

    def watch(self, images: Array, targets: Mapping[str, NDArray[Any]], number: int) -> Watched:
        """What is not finite in a step that was taken last and changed nothing: all of it is computed again."""
        with unfinite(self.model) as values:
            losses, gradients, _ = self._gradients(*self._given(images, targets, number))
        behind = dict(reversed(gradients.items()))
        return Watched(values, *map(_lacking, (losses, behind, self.parts["weights"])))

    def _descend(self, gradients: dict[str, Any], norm: Any, rate: Any, number: Any) -> None:
        import tensorflow as tf

        options = self.recipe.optimizer
        trained = {name: self.parts["weights"][name] for name in gradients}
        if options.clip:
            share = tf.minimum(options.clip / norm, 1.0)
            gradients = {name: share * gradient for name, gradient in gradients.items()}
        for name in self.decayed if options.kind == "adamw" else ():
            trained[name].assign(trained[name] * (1 - rate * self.factors[name] * options.decay))
        for name, weight in trained.items():
            moments = [self.parts[part][name] for part in ("momentum", "square") if part in self.parts]
            step, own = tf.cast(number + 1, rate.dtype), rate * self.factors[name]
            weight.assign_sub(UPDATES[options.kind](gradients[name], *moments, rate=own, step=step, options=options))
        for name, average in self.parts.get("average", {}).items():
            assert self.recipe.average
            average.assign_add((1 - self.recipe.average.decay) * (self.parts["weights"][name] - average))

    def state(self) -> dict[str, Array]:
        """All that training goes on from, by part and name."""
        arrays = {
            f"{part}/{name}": to_neutral(self.slots[name], value.numpy())
            for part, values in self.parts.items()
            for name, value in values.items()
        }
        return arrays | self.scale.state()

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from a state.

        Raises:
            BackendError: where it is not of this network and this recipe.
        """
        check_state(self.program, self.recipe, state)
        for part, values in self.parts.items():
            for name, value in values.items():
                value.assign(from_neutral(self.slots[name], state[f"{part}/{name}"], value.shape))
        self.scale.load(state)

    def weights(self) -> dict[str, Array]:
        """What the network is judged by: the average where the recipe has one, else the weights as they are."""
        judged = self.parts.get("average", self.parts["weights"])
        return {name: to_neutral(self.slots[name], value.numpy()) for name, value in judged.items()}


def _precise(model: keras.Model) -> keras.Model:
    """A model of reduced precision whose results are float32, which losses are of."""
    keras = load_keras()
    found = model.output if isinstance(model.output, Mapping) else {"": model.output}
    exact = {name: keras.layers.Activation("linear", dtype="float32")(value) for name, value in found.items()}
    return keras.Model(model.input, exact.get("", exact), name=model.name)


def _lacking(found: Mapping[str, Any]) -> list[str]:
    """The names of what is not finite."""
    import tensorflow as tf

    return [name for name, value in found.items() if not tf.reduce_all(tf.math.is_finite(value))]


def keep_still(model: keras.Model, modules: Container[str]) -> None:
    """Have layers run as they do in inference while the rest is trained."""
    for layer in model.layers:
        if layer.name in modules:
            layer.trainable = False  # by which a batch norm uses its running statistics
            if "rate" in layer.get_config():  # stochastic depth, dropout
                layer.rate = 0.0


def settle(model: keras.Model, images: Iterable[Array], modules: Container[str] = ()) -> None:
    """Take the running means and variances anew: the mean of those of some batches (batch, height, width, channels).

    Norms alone, and none of some modules, run as in training: what stochastic depth leaves out is there in inference.
    """
    keras = load_keras()
    keep_still(model, modules)
    every = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    norms = [each for each in every if each.name not in modules]
    before = [norm.momentum for norm in norms]
    random = [layer for layer in model.layers if "rate" in layer.get_config()]
    rates = [layer.rate for layer in random]
    for layer in random:
        layer.rate = 0.0
    for seen, batch in enumerate(images):
        for norm in norms:
            norm.momentum = seen / (seen + 1)  # the mean of all batches
        model(batch, training=True)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    for layer, rate in zip(random, rates, strict=True):
        layer.rate = rate


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
