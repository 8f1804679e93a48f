"""Fuzzes one target, guided by which branches of spinec its inputs reach.

python fuzz/run.py loader -runs=100000   with any option of libFuzzer; ends at an input that raises what it should not
python fuzz/run.py table 980000 20000    so many inputs for loader and emitter, and docs/security.md's table of them
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools"), str(ROOT / "tests")]

TARGETS = ("loader", "emitter")
SECONDS = 10  # that one input may take
MEGABYTES = 2048  # that a run may take


def fuzz(target: str, options: list[str]) -> None:
    """Run a target until it ends with a fault or has seen enough; never returns."""
    import atheris

    with atheris.instrument_imports(include=["spinec", "fuzz.targets"]):
        from fuzz import targets
    from fuzz import seeds

    def one(data: bytes) -> None:
        if target == "loader":
            targets.loader(data)
        else:
            targets.emitter(data, atheris.FuzzedDataProvider)

    with tempfile.TemporaryDirectory() as made:
        grown, words = Path(made, "corpus"), Path(made, "words")
        grown.mkdir()
        words.write_text(seeds.dictionary(), encoding="utf-8")
        seeds.write(target, grown)
        limits = [f"-max_len={seeds.LONGEST}", f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-dict={words}"]
        atheris.Setup([sys.argv[0], *limits, *options, str(grown)], one)
        atheris.Fuzz()


def measured(target: str, runs: int) -> list[str | int | float | None]:
    """A row of the table: a run in a process of its own."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as found:
        command = [
            sys.executable,
            __file__,
            target,
            f"-runs={runs}",
            "-print_final_stats=1",
            f"-artifact_prefix={found}/",
        ]
        run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        faults = len(list(Path(found).iterdir()))
    if run.returncode and not faults:
        raise SystemExit(run.stderr[-4000:])
    reached = re.findall(r"\bcov: (\d+)", run.stderr)
    done = re.findall(r"stat::number_of_executed_units:\s*(\d+)", run.stderr)
    if faults:
        print(run.stdout[-8000:], run.stderr[-8000:])
    return [target, int(done[-1]), round((time.monotonic() - start) / 60), int(reached[-1]), faults]


def table(runs: dict[str, int]) -> None:
    """Run every target and write what came of it into docs/security.md."""
    from importlib.metadata import version

    from make_tables import filled

    from spinec.spec.files import write_whole
    from spinec.visualize.table.table import Table

    rows = [measured(target, runs[target]) for target in TARGETS]
    made = Table("fuzzing", ["target", "inputs", "minutes", "branches reached", "faults"], rows).to_text("markdown")
    made += f"\n\nPython {platform.python_version()}, atheris {version('atheris')}, one process."
    page = ROOT / "docs" / "security.md"
    write_whole(page, filled(page.read_text(encoding="utf-8"), {"fuzzing": made}))
    if any(row[-1] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["table", loader, emitter]:
            table({"loader": int(loader), "emitter": int(emitter)})
        case [target, *options] if target in TARGETS:
            fuzz(target, options)
        case _:
            sys.exit(__doc__)
