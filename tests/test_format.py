"""The one form of a document: the meaning and every comment stay, formatting twice is formatting once, and how it looks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import specs

from spinec import dump, loads
from spinec.spec.document import read_text
from spinec.spec.errors import SpecError
from spinec.spec.format import WIDTH, format_text
from spinec.spec.library import LIBRARY, specs_in
from spinec.spec.spelling import spell, spell_key

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "format"
MARK = re.compile(r"#c\d+\b")
GOOD = "blocks:\n  b1: {level: 1, inputs: [image]}\n"
BAD = "blocks:  {b1:  {inputs: [image], level: 1}}\n"
BROKEN = "blocks: {b1: [\n"

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=20)
scalars = st.one_of(
    texts,
    st.sampled_from(["yes", "1e5", "null", "-", "$dim", "a, b", "a: b", "#c", " x", "3", "0x10", "P3"]),
    st.integers(-(10**18), 10**18),
    st.booleans(),
    st.none(),
)
names = st.one_of(texts, st.sampled_from(["blocks", "defaults", "inputs", "level", "dim", "kind", "cell", "n" * 300]))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
# A seed, and not Hypothesis's own random numbers: each of those that a large spec asks for is drawn data, of
# which an example has only so much.
randoms = st.builds(Random, st.integers(0, 2**32 - 1))


class Mess:
    """Writes a value as YAML in any way that keeps its meaning, with comments that are numbered."""

    def __init__(self, random: Random) -> None:
        self.random, self.comments = random, 0

    def comment(self, chance: float = 0.2) -> str:
        if self.random.random() > chance:
            return ""
        self.comments += 1
        return f"#c{self.comments}"

    def beside(self) -> str:
        comment = self.comment()
        return f"{' ' * self.random.randint(1, 3)}{comment}\n" if comment else "\n"

    def above(self, indent: int) -> str:
        lines = ["\n"] * self.random.choice((0, 0, 0, 1, 3))
        if comment := self.comment():
            lines.append(f"{' ' * self.random.choice((0, indent, indent + 1))}{comment}\n")
        return "".join(lines)

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            return spell(value)
        return self.random.choice((spell(value), quoted(value)))

    def key(self, name: str) -> str:
        key = self.random.choice((spell_key(name), quoted(name)))
        return f"? {key}\n" if len(key) > 128 else key

    def break_(self, indent: int) -> str:
        """Between the parts of what stands in brackets: anything that is no part."""
        comment = self.comment(0.1)
        if comment or self.random.random() < 0.1:
            return f" {comment}\n{self.above(indent)}{' ' * (indent + 1)}"
        return " " * self.random.randint(0, 2)

    def flow(self, value: Any, indent: int) -> str:
        gap = lambda: self.break_(indent)  # noqa: E731
        if isinstance(value, dict):
            parts = [
                f"{gap()}? {quoted(key)} : {gap()}{self.flow(inner, indent)}{gap()}" for key, inner in value.items()
            ]
            return "{" + ",".join(parts) + gap() + "}"
        if isinstance(value, list | tuple):
            return "[" + ",".join(f"{gap()}{self.flow(inner, indent)}{gap()}" for inner in value) + gap() + "]"
        return self.scalar(value) + " "

    def block(self, value: Any, indent: int) -> str:
        """The lines of a mapping or a list, ended; anything else on the line begun."""
        if not value or not isinstance(value, dict | list | tuple) or self.random.random() < 0.3:
            return f" {self.flow(value, indent)}{self.beside()}"
        step = indent + self.random.randint(1, 3)
        lines = [self.beside()]
        for key, inner in value.items() if isinstance(value, dict) else ((None, each) for each in value):
            head = "-" if key is None else self.key(key)
            if head.startswith("?"):
                head = head + " " * step
            lines += [self.above(step), f"{' ' * step}{head}{'' if key is None else ':'}", self.block(inner, step)]
        return "".join([*lines, self.above(step)])

    def document(self, value: Any) -> str:
        return self.above(0) + "---" + self.block(value, -1) + self.above(0)


def quoted(text: str) -> str:
    return (
        '"'
        + "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
        + '"'
    )


def ordered(value: Any) -> Any:
    """A value in which the order of keys counts, but not that of a block's."""
    match value:
        case dict():
            return [
                (key, value[key] if key in ("blocks", "defaults", "cell") else ordered(value[key])) for key in value
            ]
        case list() | tuple():
            return [ordered(inner) for inner in value]
    return value


def held(text: str, comments: int = 0) -> str:
    """What a text becomes; it means the same, is in its form, and has every comment."""
    formatted = format_text(text)
    before, after = read_text(text, "before").plain(), read_text(formatted, "after").plain()
    assert after == before
    assert ordered(after) == ordered(before)
    assert format_text(formatted) == formatted
    kept = [int(mark[0][2:]) for mark in MARK.finditer(formatted)]
    assert sorted(kept) == list(range(1, comments + 1))
    for line in formatted.splitlines():
        assert line == line.rstrip()
    return formatted


@given(value=values, random=randoms)
@settings(max_examples=400)
def test_any_document_keeps_its_meaning_and_its_comments(value, random):
    mess = Mess(random)
    text = mess.document(value)
    assert read_text(text, "mess").plain() == plain(value)
    held(text, mess.comments)


def plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list():
            return tuple(map(plain, value))
    return value


@given(text=specs(most_blocks=12), random=randoms)
@settings(max_examples=60)
def test_a_spec_stays_the_spec_it_is(text, random):
    spec, mess = loads(text), Mess(random)
    messy = mess.document(read_text(text, "spec").plain())
    assert loads(held(messy, mess.comments)) == spec
    assert loads(held(text)) == spec
    assert format_text(dump(spec)) == dump(spec)


@given(text=texts, flow=st.booleans())
@settings(max_examples=400)
def test_any_text_is_spelt_so_that_it_is_read_back(text, flow):
    document = f"[{spell(text)}, x]" if flow else f"a: {spell(text, flow=False)}"
    assert read_text(document, "t").plain() == ((text, "x") if flow else {"a": text})
    assert "\n" not in document


@pytest.mark.parametrize(
    "text", ["1e5", ".5", "-3", "+.inf", "~", "", "TRUE", "9" * 5000, "0x10", "no", "Off", "1:30", "="]
)
def test_text_that_looks_like_something_else_is_quoted(text):
    assert spell(text)[0] in "'\""


@pytest.mark.parametrize("path", [*specs_in(LIBRARY), ROOT / "spec" / "starter.yaml"], ids=lambda path: path.stem)
def test_what_ships_is_formatted(path):
    text = path.read_text(encoding="utf-8")
    assert held(text) == text


def test_examples_in_the_documentation_are_formatted():
    found = 0
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for text in re.findall(
            r"^```yaml\n(name: .*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            found += 1
            if page.name != "errors.md":  # of which each is a sound spec with one change
                assert format_text(text) == text
    assert found > 10


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_how_it_looks(golden, path):
    golden(path.with_suffix(".txt"), held(path.read_text(encoding="utf-8")))


def test_what_is_too_wide_for_a_line_has_a_line_an_entry():
    fits = f"source: [{'a' * (WIDTH - 13)}, b]\n"
    assert held(fits) == fits
    assert held(fits.replace("b]", "bc]")) == f"source:\n  - {'a' * (WIDTH - 13)}\n  - bc\n"


def test_names_of_very_different_length_are_in_no_column():
    near, far = "blocks:\n  b:     {}\n  abcde: {}\n", "blocks:\n  b: {}\n  abcdef: {}\n"
    assert (held(near), held(far)) == (near, far)


def test_lines_end_as_they_ended():
    assert format_text(BAD.replace("\n", "\r\n")) == GOOD.replace("\n", "\r\n")
    assert format_text("\ufeff" + BAD) == GOOD


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "a: &x 1\n", "a: 1\na: 2\n", "a: [\n", "a: 1\n---\nb: 2\n", "a: \0"]
)
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(SpecError):
        format_text(text)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in {"good": GOOD, "bad": BAD, "sub/bad": BAD, ".hidden/bad": BAD, "other": "jobs:  [1]\n"}.items():
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts_in(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.yaml"))}


def test_fmt_formats_the_specs_below_and_nothing_else(spinec, folder):
    before = texts_in(folder)
    code, out, err = spinec("fmt")
    assert (code, err) == (0, "2 files formatted, 1 file formatted already\n")
    assert out == "formatted: bad.yaml\nformatted: sub/bad.yaml\n"
    assert texts_in(folder) == {**before, "bad.yaml": GOOD, "sub/bad.yaml": GOOD}
    assert spinec("fmt", ".") == (0, "", "3 files formatted already\n")


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_check_and_diff_write_nothing_and_exit_with_one(spinec, folder, option):
    before = texts_in(folder)
    code, out, err = spinec("fmt", option)
    assert (code, err) == (1, "2 files not formatted, 1 file formatted already\n")
    assert "bad.yaml" in out
    assert ("+  b1: {level: 1, inputs: [image]}" in out) == (option == "--diff")
    assert texts_in(folder) == before
    assert spinec("fmt", option, "good.yaml")[0] == 0


def test_a_difference_can_be_applied(spinec, folder):
    Path("bad.yaml").write_text(BAD.rstrip())
    _, patch, _ = spinec("fmt", "--diff", "bad.yaml")
    Path("it.patch").write_text(patch)
    subprocess.run(["patch", "-p0", "-s", "-i", "it.patch", "bad.yaml"], check=True)
    assert Path("bad.yaml").read_text() == GOOD


def test_what_is_at_fault_is_left_as_it_is_and_exits_with_two(spinec, folder):
    Path("broken.yaml").write_text(BROKEN)
    code, out, err = spinec("fmt", "broken.yaml", "bad.yaml", "absent.yaml")
    assert code == 2
    assert out == "formatted: bad.yaml\n"
    assert "broken.yaml:1:14: not valid YAML" in err
    assert "absent.yaml: cannot be read" in err
    assert err.endswith("1 file formatted, 2 files at fault\n")
    assert Path("broken.yaml").read_text() == BROKEN


def test_a_file_that_cannot_be_written_keeps_what_it_has(spinec, folder, monkeypatch):
    from spinec.spec import files

    def refuse(path, data):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "write_whole", refuse)
    code, out, err = spinec("fmt", "bad.yaml")
    assert (code, out) == (2, "")
    assert "bad.yaml: cannot be written: Permission denied" in err
    assert Path("bad.yaml").read_text() == BAD


@pytest.mark.parametrize(
    ("options", "text", "code", "out"),
    [
        ([], BAD, 0, GOOD),
        ([], GOOD, 0, GOOD),
        (["--check"], BAD, 1, "not formatted: <stdin>\n"),
        (["--check"], GOOD, 0, ""),
        ([], BROKEN, 2, ""),
        ([], "blocks: \xff", 2, ""),
    ],
)
def test_stdin(options, text, code, out):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "spinec", "fmt", "-", *options]
    run = subprocess.run(command, input=text.encode("latin-1"), env=environment, capture_output=True, check=False)
    assert (run.returncode, run.stdout.decode()) == (code, out)
    assert run.returncode != -signal.SIGABRT
    assert b"Traceback" not in run.stderr


def test_deep_and_large_documents_are_formatted():
    deep = "a: " + "[" * 20 + "]" * 20 + "\n"
    assert held(deep) == deep
    many = "blocks:\n" + "".join(f"  b{i:04}: {{level: 1, inputs: [image]}}\n" for i in range(4000))
    assert format_text(many) == many
