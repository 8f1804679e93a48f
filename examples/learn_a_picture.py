"""Teaches a detector one picture: what there is in the shortest run that shows losses and boxes at work.

python examples/learn_a_picture.py eff-spinenet-m0 weights.safetensors    ten minutes on two cores

Then: spinec detect eff-spinenet-m0 examples/photograph.jpg --size 256 --weights weights.safetensors -o found.png
A detector is to know pictures that it has not seen; this one knows a single one by heart.
"""

import sys
from pathlib import Path

import torch

import spinec
from spinec.backends.backend import backend
from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.image import fitted, opened

PICTURE = Path(__file__).parent / "photograph.jpg"
# top, left, bottom, right in pixels of the picture; COCO's ids
OBJECTS = {
    (98, 70, 302, 262): 47,  # cup
    (260, 26, 393, 411): 52,  # banana
    (160, 309, 294, 465): 53,  # apple
    (120, 347, 230, 472): 55,  # orange
    (146, 467, 278, 608): 55,
}
SIZE, STEPS, BATCH, RATE = 256, 300, 4, 0.003


def batch(image: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Copies of the picture, each mirrored or not and a little brighter or darker, and their boxes."""
    images = image.repeat(BATCH, 1, 1, 1) * torch.empty(BATCH, 1, 1, 1).uniform_(0.7, 1.3)
    several = boxes.repeat(BATCH, 1, 1)
    for i in range(0, BATCH, 2):
        images[i] = images[i].flip(-1)
        several[i] = torch.stack([boxes[:, 0], SIZE - boxes[:, 3], boxes[:, 2], SIZE - boxes[:, 1]], 1)
    return images, several


def main(name: str, target: Path) -> None:
    """Train, take statistics of what was learned, and write the weights."""
    torch.manual_seed(0)
    program = spinec.lower(spinec.load(name), SIZE)
    names: dict = {}
    exec(spinec.emit(program, "pytorch", ["loss"]), names)
    model = spinec.build(program, "pytorch")
    seen = fitted(opened(PICTURE), program.input_shape)
    image, scale = torch.from_numpy(seen.values)[None], seen.scaled[1] / 640
    boxes, classes = torch.tensor(list(OBJECTS), dtype=torch.float32) * scale, torch.tensor([*OBJECTS.values()])
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    for step in range(STEPS):
        images, several = batch(image, boxes)
        losses = names["loss"](model(images), several, classes.repeat(BATCH, 1))
        optimizer.zero_grad()
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimizer.step()
        schedule.step()
        if step % 25 == 24:
            print(step + 1, *(f"{part} {value.item():.4f}" for part, value in losses.items()), sep="  ", flush=True)
    settle(model, image, boxes)
    write_checkpoint(target, program, backend("pytorch").read_weights(model, program))


def settle(model: torch.nn.Module, image: torch.Tensor, boxes: torch.Tensor) -> None:
    """Take the norms' statistics of the finished weights: a short run leaves those of the fresh ones behind."""
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean
    with torch.no_grad():
        for _ in range(8):
            model(batch(image, boxes)[0])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
