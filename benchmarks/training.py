"""A step of training beside timm's, EFFDET's and Keras', in turn: `python benchmarks/run.py training`.

All take the same arrays and do the same work: forward, losses, gradients limited by their norm, SGD with momentum.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("PYTORCH_JIT", "0")  # EFFDET scripts what needs operators of torchvision's

import numpy as np
import torch
from numpy.typing import NDArray

from spinec import load, lower
from spinec.backends.backend import backend
from spinec.spec.recipes.load import load_recipe

Arrays = Mapping[str, NDArray[Any]]
BATCH = 8
RATE = 1e-3
SGD = ("optimizer.kind=sgd", "optimizer.decay=0", "optimizer.clip=10", "optimizer.momentum=0.9", f"batch={BATCH}")
SMOOTHING = 0.1  # of labels, as the head's default


def training(paired_ms: Any, runs: int = 12) -> list[tuple[str, str, str]]:
    """Rows of the table."""
    torch.set_num_threads(1)
    rows = [_beside_timm(paired_ms, runs)]
    if importlib.util.find_spec("effdet"):
        rows.append(_beside_effdet(paired_ms, runs))
    return rows


def _ours(name: str, size: int) -> Callable[[NDArray[np.float32], Arrays], Mapping[str, float]]:
    """A step of a learner, as `spinec train` takes it."""
    recipe = load_recipe("small-classification", SGD)
    learner = backend("pytorch").learner(lower(load(name), size), recipe, None)
    return lambda images, targets: learner.step(images, targets, RATE, 0)


def _theirs(
    model: torch.nn.Module, loss: Callable[[torch.nn.Module, torch.Tensor, Arrays], torch.Tensor]
) -> Callable[[NDArray[np.float32], Arrays], float]:
    """A step as PyTorch's documentation has it, channels last."""
    model.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9)

    def step(images: NDArray[np.float32], targets: Arrays) -> float:
        optimizer.zero_grad()
        total = loss(model, torch.from_numpy(images).permute(0, 3, 1, 2), targets)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        return float(total.item())

    return step


def _beside_timm(paired_ms: Any, runs: int) -> tuple[str, str, str]:
    """EfficientNet-B0 on made-up pictures of 224 x 224."""
    from timm_import import import_timm

    draw = np.random.default_rng(0)
    images = draw.standard_normal((BATCH, 224, 224, 3)).astype(np.float32)
    targets = {"classes": draw.integers(0, 1000, BATCH)}

    def loss(model: torch.nn.Module, given: torch.Tensor, wanted: Arrays) -> torch.Tensor:
        labels = torch.from_numpy(wanted["classes"])
        return torch.nn.functional.cross_entropy(model(given), labels, label_smoothing=SMOOTHING)

    model = import_timm().create_model("tf_efficientnet_b0", drop_rate=0.2, drop_path_rate=0.2)
    ours, theirs = _ours("efficientnet-b0", 224), _theirs(model, loss)
    a, b, ratio = paired_ms(lambda: ours(images, targets), lambda: theirs(images, targets), runs)
    return f"efficientnet-b0, {BATCH} pictures of 224", f"{a:.0f} ms; timm {b:.0f} ms", f"{ratio:.3f} of timm's"


def _beside_effdet(paired_ms: Any, runs: int, side: int = 256, boxes: int = 10) -> tuple[str, str, str]:
    """EfficientDet-D0 and EFFDET's, on made-up pictures and boxes."""
    from compare_effdet import import_effdet

    effdet = import_effdet()
    draw = np.random.default_rng(0)
    images = draw.standard_normal((BATCH, side, side, 3)).astype(np.float32)
    start = draw.uniform(0, side / 2, (BATCH, boxes, 2))
    corners = np.concatenate([start, start + draw.uniform(16, side / 2, start.shape)], -1).astype(np.float32)
    labels = draw.integers(0, 90, (BATCH, boxes))
    config = effdet.get_efficientdet_config("tf_efficientdet_d0")
    config.image_size = (side, side)
    bench = effdet.DetBenchTrain(effdet.EfficientDet(config, pretrained_backbone=False))

    def loss(model: torch.nn.Module, given: torch.Tensor, wanted: Arrays) -> torch.Tensor:
        found: torch.Tensor = model(
            given, {"bbox": torch.from_numpy(wanted["boxes"]), "cls": torch.from_numpy(wanted["classes"] + 1)}
        )["loss"]
        return found

    targets = {"boxes": corners, "classes": labels}
    ours, theirs = _ours("efficientdet-d0", side), _theirs(bench, loss)
    a, b, ratio = paired_ms(lambda: ours(images, targets), lambda: theirs(images, targets), runs)
    return f"efficientdet-d0, {BATCH} pictures of {side}", f"{a:.0f} ms; EFFDET {b:.0f} ms", f"{ratio:.3f} of EFFDET's"
