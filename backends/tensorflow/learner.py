"""A live Keras model as it learns."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from inspect import signature
from math import isfinite
from typing import TYPE_CHECKING, Any

from spinec.backends.blame import Watched
from spinec.backends.learner import Scale, check_state, decayed, narrowed, noise_of, parts_of
from spinec.backends.patterns import factors, still
from spinec.backends.processes import ALONE, Place, share_of
from spinec.backends.tensorflow.framework import load_keras
from spinec.backends.tensorflow.live import build_with, mixed
from spinec.backends.tensorflow.observe import unfinite
from spinec.backends.tensorflow.processes import in_all, strategy, together
from spinec.backends.tensorflow.weights import from_neutral, read_weights, to_neutral, variables_of, write_weights
from spinec.compiler.graph.program import Program
from spinec.spec.recipes.model import Optimizer, Recipe

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from spinec.backends.weights import Array


def learner(
    program: Program, recipe: Recipe, weights: Mapping[str, Array] | None = None, place: Place = ALONE
) -> LearningModel:
    """A model that learns, from some weights; those that are not given are fresh, by the recipe's seed."""
    return LearningModel(program, recipe, weights, place)


class LearningModel:
    """A model, its losses and its optimiser: see `backends.learner.Learner`."""

    def __init__(self, program: Program, recipe: Recipe, weights: Mapping[str, Array] | None, place: Place) -> None:
        load_keras().utils.set_random_seed(recipe.seed)
        import tensorflow as tf

        self.program, self.recipe, self.place = program, recipe, place
        alone = place.number * place.devices == 1
        self.strategy = tf.distribute.get_strategy() if alone else strategy(place.across)
        self.replicas = self.strategy.num_replicas_in_sync
        with self.strategy.scope():
            self._build(weights)
        if self.replicas > 1 and recipe.normaliser == "global":
            vars(self.source)["in_all"] = in_all
        self.decayed = decayed(program, recipe)
        self.seeds = [each.value for each in self.model.variables if each.name == "seed_generator_state"]
        self.scale = Scale(recipe.precision == "float16")
        self.computed = self._gradients
        if recipe.compile:
            self.computed = tf.function(self._gradients, autograph=False, jit_compile=True)
        self.slopes = tf.function(self._slopes, autograph=False)
        self.descend = tf.function(self._descend, autograph=False)

    def _build(self, weights: Mapping[str, Array] | None) -> None:
        """The model, and what is kept of every weight."""
        import tensorflow as tf

        with mixed(self.recipe.precision):
            self.source, model = build_with(self.program, ["loss"])
        self.model = _precise(model) if self.recipe.precision != "float32" else model
        if weights is not None:
            write_weights(self.model, self.program, {**read_weights(self.model, self.program), **weights})
        for layer in _norms(self.model) if self.replicas > 1 and self.recipe.synchronized else ():
            layer.synchronized = True
        keep_still(self.model, still(self.program, self.recipe))
        self.factors = factors(self.program, self.recipe)
        self.whole = "model" in signature(self.source.loss).parameters  # which runs parts of it one by one
        found = variables_of(self.model, self.program)
        self.slots = {slot.name: slot for slot in found}
        self.parts = {"weights": {slot.name: variable.value for slot, variable in found.items()}}
        for part, names in parts_of(self.program, self.recipe).items():
            if part != "weights":
                kept = {name: self.parts["weights"][name] for name in names}
                self.parts[part] = {
                    name: tf.Variable(value if part == "average" else tf.zeros_like(value), trainable=False)
                    for name, value in kept.items()
                }

    def step(self, images: Array, targets: Mapping[str, NDArray[Any]], rate: float, number: int) -> dict[str, float]:
        """One step of gradient descent; gives the losses, and the norm of all gradients before it is limited."""
        import tensorflow as tf

        with together():
            losses, gradients, norm = self.slopes(*self._given(images, targets, number))
            told = {**{name: self._of(value) for name, value in losses.items()}, "gradient": self._of(norm)}
            if all(map(isfinite, told.values())):
                type_of = self.model.variables[0].dtype
                numbers = (tf.constant(each, type_of) for each in (told["gradient"], rate, number + 1))
                self.descend(gradients, *numbers)
        return self.scale.told(told)

    def _of(self, value: Any) -> float:
        """A number that is the same in all replicas."""
        return float(self.strategy.experimental_local_results(value)[0])

    def _given(self, images: Array, targets: Mapping[str, NDArray[Any]], number: int) -> tuple[Any, ...]:
        """What gradients are computed of: each replica's share of the images, its targets; the scale of the loss.

        What is drawn at random is drawn by the number of the step.
        """
        import tensorflow as tf

        for place, seed in enumerate(self.seeds):
            for replica, own in enumerate(self.strategy.experimental_local_results(seed), self._first):
                first = self.recipe.seed + place + replica * len(self.seeds)
                own.assign(tf.cast(tf.constant([first, 1_000 * number], tf.int64), own.dtype))
        computed = self.model.inputs[0].dtype
        given = [images, *narrowed(targets).values()]
        if self.whole:
            boxes = given[1].shape[1]
            given += noise_of(self.program, len(images), boxes, self.recipe.seed, number, self.place)
        types = [computed if each.dtype.kind == "f" else each.dtype for each in given]
        share = share_of(len(images), self.place.devices, "devices")

        def shared(each: Any, type_of: Any) -> Any:
            def own(context: Any) -> Any:
                start = (context.replica_id_in_sync_group - self._first) * share
                return tf.constant(each[start : start + share], type_of)

            return self.strategy.experimental_distribute_values_from_function(own)

        image, *wanted = map(shared, given, types)
        return image, wanted, tf.constant(self.scale.value, computed)

    @property
    def _first(self) -> int:
        """The first replica of this process, of all."""
        return self.place.rank * self.place.devices

    def _slopes(self, images: Any, wanted: list[Any], scale: Any) -> tuple[Any, dict[str, Any], Any]:
        """The losses and gradients of the whole batch, decay included, and the norm of these."""
        return self.strategy.run(self._shared, args=(images, wanted, scale))  # type: ignore[no-any-return]

    def _shared(self, images: Any, wanted: list[Any], scale: Any) -> tuple[Any, dict[str, Any], Any]:
        import tensorflow as tf

        losses, gradients = self.computed(images, wanted, scale)
        if self.replicas > 1:
            context = tf.distribute.get_replica_context()
            share = 1 if self.recipe.normaliser == "global" else 1 / self.replicas
            both = context.all_reduce("SUM", [[*losses.values()], [*gradients.values()]])
            losses, gradients = (
                {name: value * share for name, value in zip(names, values, strict=True)}
                for names, values in zip((losses, gradients), both, strict=True)
            )
        options = self.recipe.optimizer
        for name in self.decayed if options.kind != "adamw" else ():
            gradients[name] += options.decay * self.parts["weights"][name]
        return losses, gradients, tf.linalg.global_norm(list(gradients.values()))

    def _gradients(self, images: Any, wanted: list[Any], scale: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The losses of a replica's images, and the gradients of all that is learned."""
        import tensorflow as tf

        trained = {name: self.parts["weights"][name] for name in self.factors}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(trained.values()))
            if self.whole:
                losses = self.source.loss(self.model, images, *wanted[:-2], noise=wanted[-2:])
            else:
                losses = self.source.loss(self.model(images, training=True), *wanted)
            scaled = losses["loss"] * scale
        gradients = tape.gradient(scaled, trained, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        if self.scale.on:
            gradients = {name: gradient / scale for name, gradient in gradients.items()}
        return losses, gradients

    def watch(self, images: Array, targets: Mapping[str, NDArray[Any]], number: int) -> Watched:
        """What is not finite in a step that was taken last and changed nothing: all of it is computed again."""
        with unfinite(self.model) as values:
            losses, gradients = self.strategy.run(self._gradients, args=self._given(images, targets, number))
        local = self.strategy.experimental_local_results
        losses, gradients = ({name: local(value) for name, value in each.items()} for each in (losses, gradients))
        weights = {name: local(value) for name, value in self.parts["weights"].items()}
        return Watched(values, *map(_lacking, (losses, dict(reversed(gradients.items())), weights)))

    def agree(self, asked: bool) -> bool:
        """Whether any of the processes that learn together is asked for something."""
        import tensorflow as tf

        if self.place.number == 1:
            return asked
        with together():
            flags = self.strategy.experimental_distribute_values_from_function(lambda _: tf.constant(float(asked)))
            return bool(self.strategy.reduce("SUM", flags, axis=None) > 0)

    def _descend(self, gradients: dict[str, Any], norm: Any, rate: Any, step: Any) -> None:
        """Let the weights follow the gradients, in every replica alike."""
        import tensorflow as tf

        options = self.recipe.optimizer
        share = tf.minimum(options.clip / norm, 1.0) if options.clip else None
        update = self.strategy.extended.update
        for name, gradient in gradients.items():
            weight = self.parts["weights"][name]
            moments = [self.parts[part][name] for part in ("momentum", "square") if part in self.parts]
            decay = options.decay if options.kind == "adamw" and name in self.decayed else 0.0
            said = {"share": share, "rate": rate * self.factors[name], "step": step, "decay": decay}
            update(weight, self._move, (gradient, *moments), said)
        for name, average in self.parts.get("average", {}).items():
            update(average, self._follow, (self.parts["weights"][name],))

    def _move(self, weight: Any, slope: Any, *moments: Any, share: Any, rate: Any, step: Any, decay: float) -> None:
        """One weight, with what is kept of it."""
        options = self.recipe.optimizer
        if decay:
            weight.assign(weight * (1 - rate * decay))
        slope = slope if share is None else share * slope
        weight.assign_sub(UPDATES[options.kind](slope, *moments, rate=rate, step=step, options=options))

    def _follow(self, average: Any, weight: Any) -> None:
        """The average of one weight."""
        assert self.recipe.average
        average.assign_add((1 - self.recipe.average.decay) * (weight - average))

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


def _lacking(found: Mapping[str, Sequence[Any]]) -> list[str]:
    """The names of what is not finite in some replica."""
    import tensorflow as tf

    return [
        name for name, values in found.items() if not all(tf.reduce_all(tf.math.is_finite(value)) for value in values)
    ]


def keep_still(model: keras.Model, modules: Container[str]) -> None:
    """Have layers run as they do in inference while the rest is trained."""
    for layer in model.layers:
        if layer.name in modules:
            layer.trainable = False  # by which a batch norm uses its running statistics
            if "rate" in layer.get_config():  # stochastic depth, dropout
                layer.rate = 0.0


def _norms(model: keras.Model) -> list[Any]:
    """The batch norms of a model."""
    return [each for each in model.layers if isinstance(each, load_keras().layers.BatchNormalization)]


def settle(model: keras.Model, images: Iterable[Array], modules: Container[str] = ()) -> None:
    """Take the running means and variances anew: the mean of those of some batches (batch, height, width, channels).

    Norms alone, and none of some modules, run as in training: what stochastic depth leaves out is there in inference.
    """
    keep_still(model, modules)
    every = _norms(model)
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
