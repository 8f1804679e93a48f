"""Golden files, held to the byte: `pytest --rewrite-goldens` writes them anew. And runs as if a framework were absent:
`SPINEC_WITHOUT="torch timm" pytest`."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "calm",  # a busy machine, or a draw of long examples, is no fault of what is tested
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("calm")

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers on two cores: more threads only wait for each other

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts this in the background has it ignored

sys.path.append(str(Path(__file__).parent.parent))  # for benchmarks/, whose large specs tests use too

for absent in os.environ.get("SPINEC_WITHOUT", "").split():
    sys.modules[absent] = None  # importing it fails, and nobody finds it


def pytest_collection_finish() -> None:
    """The collector passes over what imports made, some 800,000 objects that live on: tests take a tenth less time."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-goldens", action="store_true", help="write golden files instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Hold a text to a golden file, or write the file under `--rewrite-goldens`."""

    def hold(path: Path, text: str) -> None:
        if request.config.getoption("--rewrite-goldens"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.is_file(), f"no golden file {path}: write it with --rewrite-goldens, then read it"
        assert text == path.read_bytes().decode()

    return hold


@pytest.fixture
def spinec(capsys, monkeypatch):
    """Run the command line: exit code, what it said, what it said of errors."""
    from spinec.cli import main

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["spinec", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """Where the evaluators of searched.py note what they were asked, in processes that a search starts as well."""
    import searched

    path = tmp_path / "journal"
    monkeypatch.setenv(searched.JOURNAL, str(path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    return path


@pytest.fixture
def kept(tmp_path):
    """Where a study is kept."""
    return str(tmp_path / "study.db")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped, how often, and what would have it run: a skipped test must not look like one that passed."""
    reasons = Counter(_reason(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("skipped, and how to have it run")
    for reason, times in sorted(reasons.items()):
        terminalreporter.line(f"{times:4}  {reason}")


def _reason(skipped: object) -> str:
    text = str(skipped[2] if isinstance(skipped, tuple) else skipped).removeprefix("Skipped: ")
    missing = re.match(r"could not import '([\w.]+)'", text)
    return f"no {missing[1].partition('.')[0]}: make test" if missing else text
