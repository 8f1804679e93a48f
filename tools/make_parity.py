"""Writes docs/parity.md's tables: how far PyTorch, TensorFlow, XLA and exported files are apart for every spec.

python tools/make_parity.py                            every table: minutes a spec, most of them for training and XLA
python tools/make_parity.py inference                  one of: inference, training, xla, exports, faults
python tools/make_parity.py efficientnet-b0            the rows of a spec in every table; the others stay as they are
python tools/make_parity.py inference efficientnet-b0  one of them

A row is written as soon as it is there, so a run that is cut off loses nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# One op after the other, in half the memory: on a CPU, XLA makes a depthwise convolution's gradient a dense one.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_enable_concurrency_optimized_scheduler=false")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from exported import RUNTIMES
from make_tables import filled, rows_of
from seeded_faults import SEEDS, find

from spinec import load, lower, names
from spinec.backends.backend import backend
from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.export import export_model
from spinec.backends.sample import lesson_of, sample, without_chance
from spinec.backends.tensorflow.layout import as_given
from spinec.backends.verify import BARS, RATE, TRAINING_BAR, Course, Difference, compare, differences, worst_of
from spinec.compiler.graph.program import Program
from spinec.spec.files import write_whole
from spinec.spec.heads import MaskRCNN
from spinec.visualize.table.table import Table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "parity.md"
SIZES = (96, (75, 91))  # one that divides by no level but the finest, one odd
SMALL = 128
FORMS = ("onnx", "torch-export", "savedmodel", "keras")  # LiteRT is held to live models in tests/test_export.py alone
COMPILED = 64  # for XLA, whose convolutions take their time on a CPU
BOX_CROPS, MASK_CROPS = 16, 4
# Trained at a share of the rate: at the full one their losses, or their siblings', grow, or rounding does.
CAREFUL = {"resnet-50-fcos": 1000} | dict.fromkeys(  # FCOS takes the exponential of what it learns
    """
    eff-spinenet-d2-relu-no-squeeze-excite efficientdet-d3 efficientdet-d4 efficientdet-d6 efficientdet-d7
    resnet-101-deeplab-v3 resnet-101-deeplab-v3-plus resnet-34-unet resnet-50-fpn resnet-50-nas-fpn
    spinenet-143 spinenet-190 spinenet-49 spinenet-49-mask-rcnn spinenet-96
    """.split(),
    10,
)
Row = list[str]


def _program(name: str, size: int | tuple[int, int] = SMALL) -> Program:
    """A spec at a small size; crops of an image are few, as none shares anything with another."""
    spec = load(name)
    if isinstance(spec.head, MaskRCNN):
        few = spec.head.model_copy(update={"box_crops": BOX_CROPS, "mask_crops": MASK_CROPS})
        spec = spec.model_copy(update={"head": few})
    return lower(spec, size)


def _network(name: str) -> Hashable:
    """What a spec is at one input size: EfficientDet-D7 is D6 then, so what one gives the other would."""
    program = _program(name)
    return tuple((step.path, step.op, step.inputs, step.output) for step in program.steps)


def inference(name: str) -> Row:
    """The worst value between blocks over the sizes, in either precision, and what it is held to."""
    cells = []
    for precision in BARS:
        found = [compare(_program(name, size), precision) for size in SIZES]
        held = {each.worst: (_held(each.worst.error, each.bar), f"{each.bar:.1e}") for each in found}
        worst = worst_of(held)
        cells += [worst.value, *held[worst]]
    return cells


def training(name: str) -> Row:
    """The worst of ten steps of gradient descent in float64, and the losses in float32 beside what rounding does."""
    course = Course(_program(name), rate=RATE / CAREFUL.get(name, 1))
    double, single = course.compare("float64"), course.compare("float32")
    held = {what: _held(each.error, bar) for what, (each, bar) in double.worst.items()}
    shown = [held.get(what, "none") for what in ("values", "statistics", "gradients", "losses")]
    single_losses, bar = single.worst["losses"]
    return [f"{course.rate:g}", *shown, _held(single_losses.error, bar), f"{single.rounding:.1e}"]


def xla(name: str) -> Row:
    """XLA's forward pass and training step beside the uncompiled ones."""
    forward, step = _compiled(_program(name, COMPILED))
    return [_held(forward.error, BARS["float64"]), _held(step.error, TRAINING_BAR)]


def _compiled(program: Program) -> tuple[Difference, Difference]:
    """The worst difference that `jit_compile` makes to an output, and to a loss or gradient."""
    import numpy as np
    import tensorflow as tf

    program = lower(without_chance(program.spec), program.size)
    given, keras = lesson_of(program).given, backend("tensorflow")
    with keras.precision("float64"):
        model = keras.build(program)
        keras.write_weights(model, program, given.weights)
        given_inputs = tf.nest.map_structure(tf.constant, as_given([*given.inputs.values()]))

        def forward() -> Any:
            return program.named(model(given_inputs, training=False))

        def step() -> Any:
            with tf.GradientTape() as tape:
                results = program.named(model(given_inputs, training=True))
                loss = tf.add_n([tf.reduce_mean(tf.square(value)) for value in results.values()])
            weights = {variable.path: variable.value for variable in model.trainable_variables}
            return {"loss": loss, **tape.gradient(loss, weights)}

        worst = []
        for each, share in ((forward, 0.0), (step, 1e-6)):
            plain, fast = tf.function(each)(), tf.function(each, jit_compile=True)()
            arrays = ({name: np.asarray(value) for name, value in values.items()} for values in (plain, fast))
            worst.append(worst_of(differences(*arrays, share)))
    return worst[0], worst[1]


def exports(name: str) -> Row:
    """Exported files, run by their own runtimes, beside the model they were made of."""
    program = _program(name)
    given = sample(program)
    cells = []
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(weights := Path(folder, "weights.safetensors"), program, given.weights)
        for form in FORMS:
            owner, ending, _, run = RUNTIMES[form]
            export_model(program, form, path := Path(folder, f"model{ending}"), weights)
            live = backend(owner).build(program)
            backend(owner).write_weights(live, program, given.weights)
            seen = backend(owner).observe(live, program, given.inputs)
            expected = {key: seen[value] for key, value in program.graph.outputs.items()}
            worst = worst_of(differences(expected, run(program, path, given.inputs)))
            cells.append(_held(worst.error, BARS["float32"]))
    return cells


def faults(title: str) -> Row:
    """Which value gave a seeded fault away."""
    found = find(SEEDED[title])
    assert found.error > found.bar, title
    return [SEEDED[title].shows, found.value, f"{found.error:.1e}", f"{found.bar:.0e}"]


SEEDED = {f"{seed.what} ({seed.backend})": seed for seed in SEEDS}
TABLES: dict[str, tuple[Callable[[str], Row], list[str], list[str]]] = {
    "inference": (inference, names(), ["spec", "worst value", "float32", "bar", "worst value ", "float64", "bar "]),
    "training": (
        training,
        names(),
        ["spec", "rate", "values", "statistics", "gradients", "losses", "losses, float32", "PyTorch's rounding"],
    ),
    "faults": (faults, list(SEEDED), ["fault", "shows in", "where most", "difference", "bar"]),
    "xla": (xla, names(), ["spec", "forward", "loss and gradients"]),
    "exports": (exports, names(), ["spec", *FORMS]),
}


def _add(table: str, title: str, cells: Row) -> None:
    """Put a row into a table of the page, in its place; rows of what is no more, or of other columns, are dropped."""
    page = PAGE.read_text(encoding="utf-8")
    _, titles, columns = TABLES[table]
    kept = {name: row for name, row in rows_of(page, table).items() if len(row) == len(columns)}
    rows = kept | {title: [title, *cells]}
    made = Table(table, columns, [[*rows[each]] for each in titles if each in rows])
    write_whole(PAGE, filled(page, {table: made.to_text("markdown")}))


def _held(error: float, bar: float) -> str:
    """An error as it is shown; one above its bar is no result to publish."""
    assert error <= bar, f"{error} is above the bar of {bar}"
    return f"{error:.1e}"


def main() -> None:
    """Make the tables, or the rows of one, that are asked for."""
    asked = sys.argv[1:]
    rows_asked = [word for word in asked if word not in TABLES]
    if unknown := set(rows_asked) - {*names(), *SEEDED}:
        sys.exit(f"no table, spec or fault is called {', '.join(sorted(unknown))}; tables are {', '.join(TABLES)}")
    for table in [word for word in asked if word in TABLES] or TABLES:
        row, titles, _ = TABLES[table]
        rows: dict[Hashable, Row] = {}
        for title in [each for each in titles if each in rows_asked or not rows_asked]:
            what = title if table == "faults" else _network(title)
            cells = rows[what] = rows.get(what) or row(title)
            print(table, title, *cells, sep=" | ", file=sys.stderr, flush=True)
            _add(table, title, cells)


if __name__ == "__main__":
    main()
