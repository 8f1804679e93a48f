"""Trains networks on digits by others' own code and by spinec's, from one start, on the same batches, in turn.

python tools/compare_training.py effdet       EfficientDet-D0 in scenes, by EFFDET's losses and PyTorch's AdamW
python tools/compare_training.py keras 50     EfficientNet-B0 on single digits, by Keras' train_on_batch; 50 steps

For EFFDET: pip install --no-deps effdet==0.4.1 omegaconf antlr4-python3-runtime==4.9.3 pycocotools
beside the dev environment.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spinec import load, lower
from spinec.backends.backend import backend
from spinec.compiler.graph.program import Program
from spinec.spec.making import change
from spinec.spec.recipes.load import load_recipe
from spinec.train.data.batches import Batch
from spinec.train.data.forms import open_data
from spinec.train.judging import Judging
from spinec.train.run import Run
from spinec.train.sets.digits import make_classes, make_scenes

Other = tuple[Callable[[Batch, float], float], Callable[[], Mapping[str, Any]]]
"""A step of someone else's on a batch at a rate, which gives its loss; and the weights under the graph's names."""
NAMES = [*"0123456789"]
ANCHOR = 2.0


def main() -> None:
    """Train both and judge both."""
    which, *rest = sys.argv[1:]
    with TemporaryDirectory() as folder:
        data = Path(folder, "digits")
        if which == "effdet":
            make_scenes(data, size=128, train=800, val=100)
            head = {"labels": None, "classes": NAMES, "anchors": {"size": ANCHOR}}
            compare("efficientdet-d0", head, 128, data, "small-detection", int((*rest, 600)[0]), "pytorch", effdet)
        else:
            make_classes(data, 64)
            head = {"labels": None, "classes": NAMES}
            compare(
                "efficientnet-b0", head, 64, data, "small-classification", int((*rest, 300)[0]), "tensorflow", keras
            )


def compare(
    name: str,
    head: dict[str, Any],
    side: int,
    data: Path,
    recipe_name: str,
    steps: int,
    backend_name: str,
    begun: Callable[[Program, Any], Other],
) -> None:
    """Train a network both ways on a data set, and print losses, figures and images a second."""
    program = lower(change(load(name), {"head": head}), side)
    recipe = load_recipe(recipe_name, [f"schedule.steps={steps}"])
    learned, judged = (open_data(str(data), split, head=program.spec.head) for split in ("train", "val"))
    run = Run(program, recipe, learned, backend_name)
    step, weights = begun(program, recipe)
    learner = backend(backend_name).learner(program, recipe, weights())
    times = []
    for number, batch in enumerate(run.batches.stream(0, steps, 0)):
        rate, marks = run.rates[number], [time.perf_counter()]
        ours = learner.step(batch.images, batch.targets, rate, number)["loss"]
        marks.append(time.perf_counter())
        theirs = step(batch, rate)
        marks.append(time.perf_counter())
        times.append((marks[1] - marks[0], marks[2] - marks[1]))
        if number < 2 or (number + 1) % 100 == 0:
            print(f"step {number + 1}: loss {ours:.4f}; theirs {theirs:.4f}", flush=True)
    judge = Judging(run, judged)
    for whose, found in (("spinec", learner.weights()), ("theirs", weights())):
        print(f"{whose}: " + ", ".join(f"{key} {value:.3f}" for key, value in [*judge(found)[1].items()][:2] if value))
    rates = [recipe.batch / statistics.median(each) for each in zip(*times[2:], strict=True)]
    ratio = statistics.median(ours / theirs for ours, theirs in times[2:])
    print(f"{rates[0]:.1f} images/s, theirs {rates[1]:.1f}; a step takes {ratio:.3f} of the time of theirs")


def effdet(program: Program, recipe: Any) -> Other:
    """EFFDET's network and losses, with PyTorch's own optimizer."""
    from compare_effdet import effdet_name, import_effdet

    import torch  # isort: skip  (after what sets its variables)

    torch.set_num_threads(1)
    theirs = import_effdet()
    config = theirs.get_efficientdet_config("tf_efficientdet_d0")
    config.num_classes, config.image_size, config.anchor_scale = len(NAMES), program.size, ANCHOR
    torch.manual_seed(0)
    bench = theirs.DetBenchTrain(theirs.EfficientDet(config, pretrained_backbone=False))
    bench.train().to(memory_format=torch.channels_last)
    options = recipe.optimizer
    kernels = [weight for weight in bench.parameters() if weight.dim() > 1]
    others = [weight for weight in bench.parameters() if weight.dim() <= 1]
    groups = [{"params": kernels, "weight_decay": options.decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(options.momentum, options.smoothing), eps=options.epsilon)

    def step(batch: Batch, rate: float) -> float:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        classes = torch.from_numpy(batch.classes)
        target = {"bbox": torch.from_numpy(batch.boxes), "cls": torch.where(classes < 0, classes, classes + 1).float()}
        loss = bench(torch.from_numpy(batch.images).permute(0, 3, 1, 2), target)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(bench.parameters(), options.clip)
        optimizer.step()
        return float(loss.item())

    def weights() -> Mapping[str, Any]:
        model, state = backend("pytorch").build(program), bench.model.state_dict()
        model.load_state_dict({name: state[effdet_name(name, state)] for name in model.state_dict()})
        return backend("pytorch").read_weights(model, program)

    return step, weights


def keras(program: Program, recipe: Any) -> Other:
    """Keras' own loss, optimizer and step, on the compiled network."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    keras.utils.set_random_seed(0)
    model, options = backend("tensorflow").build(program), recipe.optimizer
    optimizer = keras.optimizers.AdamW(
        beta_1=options.momentum,
        beta_2=options.smoothing,
        epsilon=options.epsilon,
        weight_decay=options.decay,
        global_clipnorm=options.clip,
    )
    kernels = {variable.path for variable in model.trainable_variables if "kernel" in variable.name}
    optimizer.exclude_from_weight_decay([each for each in model.trainable_variables if each.path not in kernels])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(optimizer, loss)

    def step(batch: Batch, rate: float) -> float:
        optimizer.learning_rate.assign(rate)
        return float(model.train_on_batch(batch.images, keras.utils.to_categorical(batch.classes, len(NAMES))))

    return step, lambda: backend("tensorflow").read_weights(model, program)


if __name__ == "__main__":
    main()
