"""What spinec writes, of every sort, into the current folder: `tests/test_determinism.py` runs this in several processes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path

from spinec.cli import main

FAULTS = Path(__file__).parent / "faults"
SPECS = (
    "eff-spinenet-d0",
    "eff-spinenet-d2-segmentation",
    "mobilenet-v2-x0.7-mnasfpn",
    "resnet-101-deeplab-v3",
    "spinenet-49s",
)
PAIR = ("sp-efficientnet-b0", "eff-spinenet-d0")
BETAS = "10,10,5,5,15,20,20,1,20,15,5,20,10,15,15,10,10,1"


def commands() -> Iterator[str]:
    """A command line for every sort of output."""
    for name in SPECS:
        yield f"compile {name} --backend pytorch -o {name}-torch.py"
        yield f"compile {name} --backend tensorflow -o {name}-keras.py"
        for form in ("svg", "tex", "mmd", "dot"):
            yield f"draw {name} -o {name}.{form}"
        yield f"draw {name} --color macs --fold -o {name}-heat.svg"
        for by in ("block", "level", "part", "op", "category"):
            yield f"cost {name} --by {by} --format json"
        yield f"show {name} --format csv"
        yield f"cost {name} --training --format json"
        yield f"cost {name} --compare-conventions"
    before, after = PAIR
    yield f"diff {before} {after} -o difference.svg --format json"
    yield f"diff {before} {after} --match topology"
    yield f"redistribute {before} --betas {BETAS} -o redistributed.yaml"
    yield f"betas {before} {after} --format json"
    yield f"fit {after} --params 2M -o fitted.yaml"
    yield f"scale {after} --width 1.3 --depth 2 -o scaled.yaml"
    yield f"sample {before} --candidates 50 --seed 3 --format csv"
    yield from ("schema", "list", "conventions", "explain all")
    for form in ("text", "json", "sarif", "github"):
        yield f"validate {' '.join(path.name for path in sorted(FAULTS.glob('*.yaml')))} --format {form}"
    if find_spec("matplotlib"):
        yield f"report {before} {after} -o report.html"
        yield f"chart distribution {before} {after} -o chart.svg"
        yield f"chart levels {after} -o levels.csv"
        for form in ("png", "pdf"):
            yield f"draw {after} -o picture.{form}"
            yield f"chart levels {after} -o levels.{form}"


def run(line: str) -> str:
    """What a command says."""
    said = io.StringIO()
    sys.argv = ["spinec", *line.split()]
    with redirect_stdout(said), redirect_stderr(said):
        try:
            main()
        except SystemExit as stop:
            print("exit", stop.code)
    return said.getvalue()


if __name__ == "__main__":
    for fault in FAULTS.glob("*.yaml"):
        Path(fault.name).write_bytes(fault.read_bytes())
    for number, line in enumerate(commands()):
        Path(f"{number}.txt").write_text(f"{line}\n{run(line)}", encoding="utf-8", errors="surrogateescape")
