"""Trains EfficientDet-D0 on scenes of digits by EFFDET's own code and by spinec's, from one start, in turn.

pip install --no-deps effdet==0.4.1 omegaconf antlr4-python3-runtime==4.9.3 pycocotools   beside the dev environment

python tools/compare_training.py        600 steps: a quarter of an hour
python tools/compare_training.py 50
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from compare_effdet import effdet_name, import_effdet

import torch  # isort: skip  (after what sets its variables)

from spinec import load, lower
from spinec.backends.backend import backend
from spinec.spec.making import change
from spinec.spec.recipes.load import load_recipe
from spinec.train.data.forms import open_data
from spinec.train.folder import RunFolder
from spinec.train.judging import Judging
from spinec.train.run import Run
from spinec.train.sets.digits import make_scenes

SIDE, ANCHOR, STEPS, SEED = 128, 2.0, 600, 0
DIGITS = {"labels": None, "classes": [*"0123456789"], "anchors": {"size": ANCHOR}}


def their_model() -> Any:
    """EFFDET's network and losses for the digits."""
    effdet = import_effdet()
    config = effdet.get_efficientdet_config("tf_efficientdet_d0")
    config.num_classes, config.image_size, config.anchor_scale = 10, (SIDE, SIDE), ANCHOR
    torch.manual_seed(SEED)
    return effdet.DetBenchTrain(effdet.EfficientDet(config, pretrained_backbone=False))


def neutral(program: Any, theirs: Any) -> Any:
    """The weights of EFFDET's network under the graph's names."""
    model, state = backend("pytorch").build(program), theirs.state_dict()
    model.load_state_dict({name: state[effdet_name(name, state)] for name in model.state_dict()})
    return backend("pytorch").read_weights(model, program)


def main() -> None:
    """Train both on the same batches and judge both."""
    steps = int(sys.argv[1]) if sys.argv[1:] else STEPS
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        make_scenes(Path(folder, "digits"), size=SIDE, train=800, val=100)
        program = lower(change(load("efficientdet-d0"), {"head": DIGITS}), SIDE)
        recipe = load_recipe("small-detection", [f"schedule.steps={steps}", f"seed={SEED}"])
        learned, judged = (open_data(f"{folder}/digits", split, head=program.spec.head) for split in ("train", "val"))
        run = Run(program, recipe, learned, RunFolder(Path(folder, "run")))
        bench = their_model().train().to(memory_format=torch.channels_last)
        learner = backend("pytorch").learner(program, recipe, neutral(program, bench.model))
        kernels = [weight for weight in bench.parameters() if weight.dim() > 1]
        others = [weight for weight in bench.parameters() if weight.dim() <= 1]
        options = recipe.optimizer
        optimizer = torch.optim.AdamW(
            [{"params": kernels, "weight_decay": options.decay}, {"params": others, "weight_decay": 0.0}],
            betas=(options.momentum, options.smoothing),
            eps=options.epsilon,
        )
        times: list[tuple[float, float]] = []
        for step, batch in enumerate(run.batches.stream(0, steps, 1)):
            rate = run.rates[step]
            begun = time.perf_counter()
            ours = learner.step(batch.images, batch.targets, rate, step)["loss"]
            middle = time.perf_counter()
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            classes = torch.from_numpy(batch.classes)
            target = {
                "bbox": torch.from_numpy(batch.boxes),
                "cls": torch.where(classes < 0, classes, classes + 1).float(),
            }
            loss = bench(torch.from_numpy(batch.images).permute(0, 3, 1, 2), target)["loss"]
            loss.backward()
            torch.nn.utils.clip_grad_norm_(bench.parameters(), options.clip)
            optimizer.step()
            theirs = loss.item()
            times.append((middle - begun, time.perf_counter() - middle))
            if step < 3 or (step + 1) % 100 == 0:
                print(f"step {step + 1}: loss {ours:.4f}; EFFDET {theirs:.4f}", flush=True)
        judge = Judging(run, judged)
        for name, weights in (("spinec", learner.weights()), ("EFFDET", neutral(program, bench.model))):
            figures = judge(weights)[1]
            print(f"{name}: AP {figures['AP']:.3f}, AP50 {figures['AP50']:.3f}")
        rates = [recipe.batch / statistics.median(each) for each in zip(*times, strict=True)]
        ratio = statistics.median(ours / theirs for ours, theirs in times)
        print(f"{rates[0]:.1f} images/s; EFFDET {rates[1]:.1f}; a step takes {ratio:.3f} of EFFDET's time")


if __name__ == "__main__":
    main()
