"""Speed on this machine: medians, what is compared in turn in one run. Prints markdown; needs the dev environment.

python benchmarks/run.py            everything
python benchmarks/run.py compiler   what needs no framework
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]

from benchmarks.large import large_spec  # noqa: E402  (the path is set above)
from spinec import cost, diff, draw, emit, load, loads, lower  # noqa: E402

LIBRARIES = [
    "-c",
    "import typer, pydantic\nclass Model(pydantic.BaseModel): field: int\ntyper.Typer().command()(print)",
]


def median_ms(action: Callable[[], object], runs: int) -> float:
    """The median of some runs in milliseconds, after one that is not counted."""
    action()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def paired_ms(first: Callable[[], object], second: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Medians of two actions run in turn, and of the ratio first / second, pair by pair."""
    first(), second()
    pairs = []
    for _ in range(runs):
        times = []
        for action in (first, second):
            start = time.perf_counter()
            action()
            times.append(time.perf_counter() - start)
        pairs.append(times)
    ratio = statistics.median(a / b for a, b in pairs)
    return 1000 * statistics.median(a for a, _ in pairs), 1000 * statistics.median(b for _, b in pairs), ratio


def process_ms(arguments: list[str], runs: int = 15) -> float:
    """The median of a whole process that finds its byte code, as that of an installed package does."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    run = partial(subprocess.run, [sys.executable, *arguments], check=True, capture_output=True, env=environment)
    return median_ms(run, runs)


def machine() -> str:
    """What this was measured on."""
    model = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine()
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def compiler() -> list[tuple[str, str, str]]:
    """Loading, lowering, counting, emitting."""
    d0, d2 = load("eff-spinenet-d0"), lower(load("eff-spinenet-d2"))
    rows = [
        ("load + lower + cost of eff-spinenet-d0, warm", _ms(median_ms(_whole, 50)), "10 ms"),
        ("of which load", _ms(median_ms(lambda: load("eff-spinenet-d0"), 50)), ""),
        ("of which lower", _ms(median_ms(lambda: lower(d0), 50)), ""),
        ("emit of eff-spinenet-d2 to PyTorch", _ms(median_ms(lambda: emit(d2), 20)), "500 ms"),
        ("emit of eff-spinenet-d2 to TensorFlow", _ms(median_ms(lambda: emit(d2, "tensorflow"), 20)), "500 ms"),
        ("process: python -c pass", _ms(process_ms(["-c", "pass"])), ""),
        (
            "process: a model of pydantic's behind a command of Typer's, nothing of spinec",
            _ms(process_ms(LIBRARIES)),
            "",
        ),
        ("process: import spinec", _ms(process_ms(["-c", "import spinec"])), "200 ms"),
        (
            "process: spinec cost eff-spinenet-d0",
            _ms(process_ms(["-m", "spinec", "cost", "eff-spinenet-d0"])),
            "400 ms",
        ),
        ("process: spinec validate FILE", _ms(process_ms(["-m", "spinec", "validate", "eff-spinenet-d0"])), ""),
    ]
    times = {}
    for blocks in (1_000, 4_000):
        text = large_spec(blocks)
        times[blocks] = median_ms(lambda text=text: cost(lower(loads(text))), 3)
        rows.append((f"load + lower + cost of {blocks:,} blocks", _ms(times[blocks]), ""))
    rows.append(("4,000 blocks over 1,000 blocks", f"{times[4_000] / times[1_000]:.1f} x", "4 x: linear"))
    return rows


def _whole() -> object:
    return cost(lower(load("eff-spinenet-d0")))


def pictures() -> list[tuple[str, str, str]]:
    """Diagrams and reports; a diagram is drawn from a counted program."""
    from spinec.visualize.draw import Drawing
    from spinec.visualize.report import write_report

    d0, d2 = (cost(lower(load(name))) for name in ("eff-spinenet-d0", "eff-spinenet-d2"))
    large = {blocks: cost(lower(loads(large_spec(blocks)))) for blocks in (1_000, 4_000)}
    first = draw(d0)
    rows = [
        (
            "layout and SVG of eff-spinenet-d0",
            _ms(median_ms(lambda: Drawing(first.network, first.look).svg, 100)),
            "5 ms",
        ),
        ("draw of eff-spinenet-d0, from its counts to SVG", _ms(median_ms(lambda: draw(d0).svg, 100)), ""),
    ]
    times = {}
    for blocks, report in large.items():
        drawing = draw(report)
        times[blocks] = median_ms(lambda each=drawing: Drawing(each.network, each.look).svg, 7)
        rows.append((f"layout and SVG of {blocks:,} blocks", _ms(times[blocks]), "200 ms" if blocks == 1_000 else ""))
    dense = draw(cost(lower(loads(large_spec(3_400, inputs=3)))))
    rows += [
        ("4,000 blocks over 1,000 blocks", f"{times[4_000] / times[1_000]:.1f} x", "4 x: linear"),
        (
            f"layout and SVG of {len(dense.network.edges):,} arrows",
            _ms(median_ms(lambda: Drawing(dense.network, dense.look).svg, 7)),
            "1,000 ms",
        ),
        (
            "report of eff-spinenet-d2 without charts",
            _ms(median_ms(lambda: write_report([d2], charts=False), 10)),
            "2 s",
        ),
        ("report of eff-spinenet-d2 with charts", _ms(median_ms(lambda: write_report([d2]), 5)), "2 s"),
        ("diff of eff-spinenet-d0 and d2", _ms(median_ms(lambda: diff(d0, d2), 20)), ""),
    ]
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "spinec", "draw", "eff-spinenet-d0", "-o", f"{folder}/x.svg"]
        rows.append(("process: spinec draw eff-spinenet-d0 -o x.svg", _ms(process_ms(command)), ""))
    return rows


def pytorch() -> list[tuple[str, str, str]]:
    """The compiled EfficientNet-B0 beside timm's, one thread, in turn."""
    import torch
    from timm_import import import_timm

    from spinec import build

    torch.set_num_threads(1)
    timm = import_timm()
    program = lower(load("efficientnet-b0"))
    ours, theirs = build(program).eval(), timm.create_model("tf_efficientnet_b0").eval()
    image = torch.randn(1, 3, 224, 224)
    rows = []
    for layout, form in (("", torch.contiguous_format), (", channels_last", torch.channels_last)):
        models = [model.to(memory_format=form) for model in (ours, theirs)]
        batch = image.to(memory_format=form)
        with torch.inference_mode():
            a, b, ratio = paired_ms(lambda: models[0](batch), lambda: models[1](batch), 60)  # noqa: B023  (called at once)
        rows.append(
            (
                f"forward of efficientnet-b0, batch 1, 224{layout}",
                f"{a:.1f} ms; timm {b:.1f} ms",
                f"{ratio:.3f} of timm's",
            )
        )
    a, b, ratio = paired_ms(lambda: build(program), lambda: timm.create_model("tf_efficientnet_b0"), 10)
    rows.append(("construction of efficientnet-b0", f"{a:.1f} ms; timm {b:.1f} ms", f"{ratio:.3f} of timm's"))
    return rows


def tensorflow() -> list[tuple[str, str, str]]:
    """The compiled EfficientNet-B0 in Keras beside keras.applications', on the same weights, one thread, in turn."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras
    from keras.applications import EfficientNetB0
    from test_keras_applications import copied

    from spinec import build

    def traced(model: keras.Model) -> tf.types.experimental.ConcreteFunction:
        return tf.function(lambda x: model(x, training=False)).get_concrete_function(image)

    program = lower(load("efficientnet-b0"))
    ours, whole = copied(program)
    theirs = keras.Model(whole.get_layer("stem_conv_pad").input, whole.output)  # without preprocessing, as ours
    image = tf.random.normal((1, 224, 224, 3))
    forward = [partial(traced(model), image) for model in (ours, theirs)]
    rows = []
    for what, first, second, runs in (
        ("tf.function, batch 1, 224", *forward, 60),
        ("construction", lambda: build(program, "tensorflow"), lambda: EfficientNetB0(weights=None), 10),
        ("tracing by tf.function", lambda: traced(ours), lambda: traced(theirs), 10),
    ):
        a, b, ratio = paired_ms(first, second, runs)
        theirs_ms = f"{a:.1f} ms; keras.applications {b:.1f} ms"
        rows.append((f"efficientnet-b0 in Keras: {what}", theirs_ms, f"{ratio:.3f} of theirs"))
    return rows


def answers() -> list[tuple[str, str, str]]:
    """Boxes beside their maps, and beside EFFDET's (tools/compare_effdet.py) where it is installed."""
    from benchmarks.answers import answers

    return answers(paired_ms, int(os.environ.get("SPINEC_RUNS", "20")))


def resources() -> list[tuple[str, str, str]]:
    """Counting many candidates, and what a search does between two evaluations."""
    import numpy as np

    from spinec import CostModel, fit, redistribute
    from spinec.compiler.resources.candidates import Space

    d0, space = load("eff-spinenet-d0"), Space(load("sp-efficientnet-b0"))
    model, betas = CostModel(d0), space.draw(1)[0]
    dims = np.random.default_rng(0).integers(1, 40, (200_000, len(model.blocks))) * 8
    rows = [("CostModel of eff-spinenet-d0", _ms(median_ms(lambda: CostModel(d0), 10)), "")]
    for what, count in (("multiply-adds", model.macs), ("parameters", model.params)):
        rate = len(dims) / median_ms(lambda count=count: count(dims), 10) / 1000
        rows.append((f"{what} of 200,000 candidates of eff-spinenet-d0", f"{rate:.1f} M/s", "2 M/s"))
    rows += [
        ("redistribute of sp-efficientnet-b0", _ms(median_ms(lambda: redistribute(space.spec, betas), 50)), ""),
        ("of which the new dims", _ms(median_ms(lambda: space.dims(betas), 50)), ""),
        ("fit of eff-spinenet-d0 by width", _ms(median_ms(lambda: fit(d0, macs=2e9), 5)), ""),
    ]
    return rows


def search() -> list[tuple[str, str, str]]:
    """A study of 2,000 trials in SQLite: what it takes to go on with it."""
    import tempfile

    from optuna.trial import create_trial

    from spinec.compiler.resources.candidates import Space
    from spinec.search.job import finished
    from spinec.search.objectives import likeness_of
    from spinec.search.plan import Plan
    from spinec.search.study import begin

    space = Space(load("sp-efficientnet-b0"))
    plan = Plan(space, "spinec.search.objectives:likeness")
    with tempfile.TemporaryDirectory() as folder:
        storage = f"{folder}/study.db"
        study = begin(storage, space.spec.name, plan)
        for betas in space.draw(2_000):
            dims, params = space.dims(betas), dict(zip(space.names, betas, strict=True))
            attributes = {"dims": list(dims.values()), "macs": 0, "params": 0, "worker": "somewhere/1/else"}
            score = likeness_of(dims)
            trial = create_trial(value=score, params=params, distributions=plan.distributions, user_attrs=attributes)
            study.add_trial(trial)
        options = ["--evaluator", plan.evaluator, "--storage", storage, "--resume"]
        command = ["-m", "spinec", "search", space.spec.name, *options, "--trials", str(finished(study))]
        resume = median_ms(lambda: begin(storage, space.spec.name, plan, resume=True), 5)
        return [
            ("opening a study of 2,000 trials to resume it", _ms(resume), "2,000 ms"),
            ("process: spinec search --resume of it, with nothing left to do", _ms(process_ms(command, 5)), ""),
        ]


def _ms(value: float) -> str:
    return f"{value:.1f} ms"


def batches() -> list[tuple[str, str, str]]:
    """What feeds a training, beside others' transforms."""
    from benchmarks.batches import batches as measured

    return measured(paired_ms)


def training() -> list[tuple[str, str, str]]:
    """A step of training, beside others'."""
    from benchmarks.training import training as measured

    return measured(paired_ms)


def main() -> None:
    """Measure and print."""
    parts = {
        "compiler": compiler,
        "resources": resources,
        "search": search,
        "pictures": pictures,
        "pytorch": pytorch,
        "tensorflow": tensorflow,
        "answers": answers,
        "batches": batches,
        "training": training,
    }
    chosen = sys.argv[1:] or list(parts)
    print(f"Measured on {machine()}. Medians.\n\n| what | median | bar or ratio |\n|---|---:|---:|")
    for name in chosen:
        for row in parts[name]():
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
