"""Runs the code of the documentation, page by page, and writes into console blocks what their commands print.

Every page is run from top to bottom in a folder of its own, in which `examples/` is what it is in the repository:

- `yaml`, `python` and `text` with a title (``yaml title="my.yaml"``) are files; specs among them are loaded;
- `yaml` without a title is loaded if it is a spec, and parsed if not; `json` is parsed;
- `python` is executed, `pycon` too, its results compared; the blocks of a page share their variables;
- `console` has commands behind ``$`` and what they print; ``...`` stands for anything, within a line or for lines;
- `sh` has commands alone, which must succeed;
- `diff`, and `text` without a title, are shown, not run.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import yaml

from spinec import load, loads
from spinec.cli import main as command_line
from spinec.spec.errors import SpecWarning
from spinec.spec.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md")))
SHOWN = ("diff", "pyi")

# What is not run, by page and first line of the block, or by page for all of them; and why.
NOT_RUN = {
    ("README.md", "make demo"): "takes minutes; .ci/run runs both in CI",
    ("docs/index.md", "pip install"): "installs; every target of the Makefile does",
    ("docs/how-to/detect.md", "pip install"): "installs; every target of the Makefile does",
    ("docs/how-to/detect.md", "python examples/learn"): "trains for minutes",
    ("docs/how-to/data.md", "pip install"): "installs; every target of the Makefile does",
    ("docs/how-to/evaluate.md", "pip install"): "installs; every target of the Makefile does",
    ("docs/how-to/training.md", "pip install"): "installs; every target of the Makefile does",
    ("docs/how-to/fine-tune.md", "pip install"): "installs; every target of the Makefile does",
    ("docs/how-to/training.md", "torchrun"): "trains for hours; tests/test_processes.py runs small ones",
    ("docs/how-to/training.md", "TF_CONFIG"): "trains for hours; tests/test_processes.py runs small ones",
    ("docs/errors.md", ""): "every example is raised and cured by tests/test_codes.py",
    ("docs/search.md", "# mine.py"): "trains for hours; docs/how-to/resources.md runs a small search",
    ("docs/search.md", "spinec search"): "trains for hours; docs/how-to/resources.md runs a small search",
    ("docs/tpu.md", '"""Train'): "tests/test_tpu.py runs it with a small network",
}

_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, and where its text stands in it."""

    page: str
    language: str
    title: str
    text: str
    start: int
    line: int

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return f"{self.page}:{self.line}"

    @property
    def reason(self) -> str | None:
        """Why it is not run, if it is not."""
        return next((NOT_RUN[key] for key in NOT_RUN if self.page == key[0] and self.text.startswith(key[1])), None)


@dataclass(frozen=True)
class Command:
    """A command of a console block, and what the page says that it prints."""

    line: str
    expected: str


@dataclass
class Run:
    """A page being run: its folder, and the variables of its Python."""

    folder: Path
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self, block: Block) -> str:
        """Run a block; its text as it ought to be."""
        match block.language:
            case "console":
                return "".join(self._shown(command) for command in commands(block.text))
            case "sh":
                for line in block.text.replace("\\\n", " ").splitlines():
                    code, printed = self.command(line)
                    assert code == 0, f"{block.place}: {line}: {printed}"
            case "pycon":
                self._session(block)
            case "json":
                json.loads(block.text)
            case "python" if not block.title:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile("\n" * block.line + block.text, block.page, "exec"), self.names)
            case "yaml" | "python" | "text":
                self._text(block)
            case _:
                assert block.language in SHOWN, f"{block.place}: name the language; 'text' if it is none"
        return block.text

    def _shown(self, command: Command) -> str:
        printed = tidy(self.command(command.line)[1])
        return f"$ {command.line}\n{command.expected if fits(printed, command.expected) else printed}"

    def command(self, line: str) -> tuple[int, str]:
        """Exit code and output of a command; spinec's own run in this process, which spares its start."""
        if re.search(r"[|>;&$`]", line) or not line.startswith("spinec "):
            function = f'spinec() {{ {shlex.quote(sys.executable)} -m spinec "$@"; }}'  # wherever it is installed
            ended = subprocess.run(
                ["bash", "-c", f"{function}\n{line}"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            return ended.returncode, ended.stdout
        with mock.patch("sys.argv", shlex.split(line)), printed_text() as printed:
            try:
                command_line()
            except SystemExit as stop:
                return int(stop.code or 0), printed.getvalue()
        return 0, printed.getvalue()

    def _session(self, block: Block) -> None:
        session = doctest.DocTestParser().get_doctest(block.text, self.names, block.place, block.page, block.line)
        told: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
        runner.run(session, out=told.append, clear_globs=False)
        self.names.update(session.globs)
        assert not runner.failures, "".join(told)

    def _text(self, block: Block) -> None:
        if block.title:
            (self.folder / block.title).write_text(block.text, encoding="utf-8")
        if block.language == "yaml" and is_spec(yaml.safe_load(block.text)):
            load(self.folder / block.title) if block.title else loads(block.text, block.place)


@contextlib.contextmanager
def printed_text() -> Iterator[io.StringIO]:
    """What is printed meanwhile, faults too, as a terminal shows it."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        yield text


def is_spec(document: object) -> bool:
    """Whether a YAML document is a spec, not a part of one nor a file of another program."""
    return isinstance(document, dict) and "name" in document and ("blocks" in document or "extends" in document)


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert len(_FENCE.findall(text)) * 2 == len(re.findall(r"^ *```", text, re.MULTILINE)), f"{page}: an odd fence"
    return [
        Block(page, found[1], found[2] or "", found[3], found.start(3), text.count("\n", 0, found.start(3)))
        for found in _FENCE.finditer(text)
    ]


def commands(text: str) -> list[Command]:
    """The commands of a console block, each with the lines that follow it."""
    parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n", text, flags=re.MULTILINE)
    assert parts[0] == "", "a console block begins with '$ '"
    return [Command(*pair) for pair in zip(parts[1::2], parts[2::2], strict=True)]


def tidy(printed: str) -> str:
    """Output without what nobody sees: blanks at the end of lines, empty lines around it."""
    lines = [line.rstrip() for line in printed.splitlines()]
    text = "\n".join(lines).strip("\n")
    return f"{text}\n" if text else ""


def fits(printed: str, expected: str) -> bool:
    """Whether output is what a page shows of it."""
    pattern = ""
    for line in expected.splitlines(keepends=True):
        pattern += r"(.*\n)*" if line == "...\n" else re.escape(line).replace(re.escape("..."), ".*")
    return bool(re.fullmatch(pattern, printed))


def examples(page: str, folder: Path) -> str:
    """A page with what its commands print now."""
    text, run = (ROOT / page).read_text(encoding="utf-8"), Run(folder)
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
    made, end = "", 0
    path = [str(folder), *sys.path]
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(mock.patch("sys.path", path))
        stack.enter_context(mock.patch.dict(os.environ, COLUMNS="100"))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("error", SpecWarning)
        for block in blocks(page):
            if block.reason is None:
                made += text[end : block.start] + run.run(block)
                end = block.start + len(block.text)
    return made + text[end:]


def main() -> None:
    """Rewrite what the pages show, all or those named."""
    for page in sys.argv[1:] or PAGES:
        with tempfile.TemporaryDirectory() as folder:
            made = examples(page, Path(folder))
        if made != (ROOT / page).read_text(encoding="utf-8"):
            write_whole(ROOT / page, made)
            print(page)


if __name__ == "__main__":
    main()
