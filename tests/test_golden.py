"""What people read, as golden files: generated source, a program's text form, tables. 'make goldens' rewrites them."""

from pathlib import Path

import pytest

from spinec import cost, emit, load, loads, lower
from spinec.spec.library import LIBRARY
from spinec.visualize.table.costs import block_table, cost_table, output_table

GOLDEN = Path(__file__).parent / "golden"
STARTER = (LIBRARY.parent / "spec" / "starter.yaml").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "eff-spinenet-d0",
        "eff-spinenet-d1",
        "eff-spinenet-d0-segmentation",
        "eff-spinenet-d0-mask-rcnn",
        "efficientnet-b0",
    ],
)
def test_pytorch_source(golden, name):
    golden(GOLDEN / "pytorch" / f"{name}.py", emit(lower(load(name)), "pytorch"))


WITH_ANSWERS = {
    "eff-spinenet-m0": ("detect", "loss"),
    "mobilenet-v2-centernet": ("detect", "loss"),
    "mobilenet-v2-ssdlite": ("detect", "loss"),
    "resnet-50-fcos": ("detect", "loss"),
    "spinenet-49-mask-rcnn": ("detect", "paste", "loss"),
    "resnet-34-unet": ("segment", "loss"),
    "resnet-101-deeplab-v3-plus": ("segment", "loss"),
    "efficientnet-b0": ("classify", "loss"),
}


@pytest.mark.parametrize("backend", ["pytorch", "tensorflow"])
@pytest.mark.parametrize("name", WITH_ANSWERS)
def test_source_with_answers(golden, name, backend):
    source = emit(lower(load(name)), backend, WITH_ANSWERS[name])
    golden(GOLDEN / backend / "answers" / f"{name}.py", source)


def test_pytorch_source_at_a_size_that_does_not_divide(golden):
    program = lower(load("eff-spinenet-d0-classification"), (100, 172))
    golden(GOLDEN / "pytorch" / "eff-spinenet-d0-classification-100x172.py", emit(program, "pytorch"))


@pytest.mark.parametrize(
    "name", ["eff-spinenet-m0", "eff-spinenet-d0-segmentation", "eff-spinenet-d0-mask-rcnn", "efficientnet-b0"]
)
def test_tensorflow_source(golden, name):
    golden(GOLDEN / "tensorflow" / f"{name}.py", emit(lower(load(name)), "tensorflow"))


@pytest.mark.parametrize("name", ["eff-spinenet-d0", "eff-spinenet-d0-mask-rcnn", "efficientnet-b0"])
def test_text_form(golden, name):
    golden(GOLDEN / "programs" / f"{name}.txt", str(lower(load(name))))


def test_tables(golden):
    program = lower(loads(STARTER))
    report = cost(program)
    golden(GOLDEN / "tables" / "blocks.md", block_table(program, report, "conv").to_text("markdown") + "\n")
    golden(GOLDEN / "tables" / "levels.csv", cost_table(report, "level", "profiler").to_text("csv") + "\n")
    golden(GOLDEN / "tables" / "parts.json", cost_table(report, "part", "conv", flops=True).to_text("json") + "\n")
    golden(GOLDEN / "tables" / "outputs.md", output_table(program).to_text("markdown") + "\n")
