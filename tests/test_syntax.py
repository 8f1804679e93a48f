"""What is not YAML: the fault, its place and its words are ours, whichever parser reads the text and in which version."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml
from test_faults import FAULTS, GENERATED

from spinec.spec import document
from spinec.spec.document import MAX_DEPTH, read_text
from spinec.spec.errors import SpecError

SPECS = Path(__file__).parent.parent / "specs"
PARSERS = ("C", "Python") if hasattr(yaml, "CLoader") else ("Python",)
SYNTAX = ("SPN-106", "SPN-109", "SPN-110", "SPN-111")
CAUSES = {  # text, the place, and what is said of it
    "a: {b: 1\n": (1, 4, "'{' is never closed", "expected '}'"),
    "a: {b: [1, 2}\nc: 3\n": (1, 13, "'}' does not close the '['", "expected ']'"),
    "a: {b: 1\nc: 2\n": (1, 4, "'{' is not closed", "still open on line 2"),
    "a: {b: 1,\n  c: 2 d: 3}\n": (2, 9, "expected ',' or '}'", "entries have commas between them: {key: value, key: value}"),
    "a: [b, , c]\n": (1, 8, "no value before this ','", "a value is missing, or this is one too many"),
    "a: [b, @c]\n": (1, 8, "no value can begin with '@'", "quote text that begins with this character"),
    "a: `b`\n": (1, 4, "no value can begin with '`'", "quote text that begins with this character"),
    "a: 'b\nc: d\n": (1, 4, "a quote that is never closed", "expected '"),
    "a: 'b\nc: 'd'\n": (1, 4, "a quote that is not closed on its line", "it ends on line 2"),
    "a: b: c\n": (1, 5, "a second colon", "one 'key: value' on a line; quote text that has ': ' in it"),
    "a: 1\nb\nc: 2\n": (2, 1, "a line without a colon", "expected 'key: value'"),
    "a: 1\nb\n": (2, 1, "a line without a colon", "expected 'key: value'"),
    "a:\n  b: 1\n c: 2\n": (3, 2, "indented unlike the lines above", "indent it like the keys beside it"),
    "a: b]\nc: ]\n": (2, 4, "']' outside of brackets", "remove it, or quote the text that it is part of"),
    "a: |x\n  b\n": (1, 5, "a block of text that is not written as YAML has it", "quote text with '|'"),
    "a: 1\n\tb: 2\n": (2, 1, "a tab where spaces are expected", "indent with spaces"),
    # Neither of these has an open bracket or quote before the fault, though each seems to.
    "a: it's [\nb: c: d\n": (2, 5, "a second colon", "one 'key: value' on a line; quote text that has ': ' in it"),
    "a: |\n  {[ '\nb: c: d\n": (3, 5, "a second colon", "one 'key: value' on a line; quote text that has ': ' in it"),
    "a: 1 # {[ '\nb: c: d\n": (2, 5, "a second colon", "one 'key: value' on a line; quote text that has ': ' in it"),
    "a: ['[', \"{\\\"\", 'it''s']\nb: c: d\n": (2, 5, "a second colon", "one 'key: value' on a line; quote text that has ': ' in it"),
    "- - ? a\n  - b: c: d\n": (2, 9, "a second colon", "one 'key: value' on a line; quote text that has ': ' in it"),
}  # fmt: skip
LEVEL_34 = MAX_DEPTH + 1
DEEP = {  # nested a level too deep and further, and where the level that is one too many begins
    "brackets": ("a: " + "[" * 1200, (1, 3 + MAX_DEPTH + 1)),
    "braces": ("a: " + "{b: " * 1200, (1, 3 + 4 * MAX_DEPTH + 1)),
    "brackets on lines": ("a: " + "[\n " * 1200, (MAX_DEPTH + 1, 2)),
    "block lists": ("- " * 1200, (1, 2 * LEVEL_34 + 1)),
    "both": ("- " * 10 + "[" * 1200, (1, 20 + MAX_DEPTH - 10 + 2)),
    "brackets in quotes": ("a: " + "['[', " * 1200, (1, 3 + 6 * (MAX_DEPTH - 1) + 2)),
    "brackets in a quote of their own": (f"a: '{'[' * 1200}'\nb: " + "[" * 1200, (2, 3 + MAX_DEPTH + 1)),
}


@pytest.fixture(params=PARSERS)
def parser(request, monkeypatch):
    if request.param == "Python":
        monkeypatch.delattr(yaml, "CLoader", raising=False)
    return request.param


def faults_of(text, name="t"):
    try:
        read_text(text, name)
    except SpecError as error:
        return error.faults
    return ()


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text", CAUSES)
def test_the_cause_is_found_and_said_the_same_with_every_parser(text):
    (fault,) = faults_of(text)
    line, column, message, hint = CAUSES[text]
    assert (fault.message, fault.advice) == (f"not valid YAML: {message}", hint)
    assert (fault.place.line, fault.place.column) == (line, column)


@pytest.mark.parametrize("text", [path.read_text() for path in FAULTS.glob("*.yaml")], ids=str.split)
def test_the_faulty_documents_are_the_same_to_both_parsers(text, monkeypatch):
    ours = list(map(str, faults_of(text)))
    monkeypatch.setattr(yaml, "CLoader", yaml.Loader, raising=False)
    assert list(map(str, faults_of(text))) == ours


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("name", DEEP)
def test_too_deep_is_said_where_it_gets_too_deep(name):
    text, place = DEEP[name]
    (fault,) = faults_of(text)
    assert fault.code == "SPN-106"
    assert (fault.place.line, fault.place.column) == place


def refusing(text, at):
    """A parser that refuses a text at a place before it has given any event."""
    line, column = text.count("\n", 0, at), at - (text.rfind("\n", 0, at) + 1)
    raise yaml.MarkedYAMLError("their context", None, "their problem", yaml.Mark("t", at, line, column, text, at))
    yield


@pytest.mark.parametrize("limit", [MAX_DEPTH + 2, 100, 1000])
@pytest.mark.parametrize("name", [name for name in DEEP if name != "block lists"])  # for which no parser looks ahead
def test_a_limit_of_the_parsers_own_does_not_matter(name, limit, monkeypatch):
    """PyYAML 6.0.4 refuses what is nested 1,000 deep, and looks ahead so far that no event comes before."""
    text, place = DEEP[name]
    opened = [i for i, sign in enumerate(text) if sign in "[{" and text[:i].count("'") % 2 == 0]
    parse = document.parse
    monkeypatch.setattr(
        document, "parse", lambda given: refusing(text, opened[limit]) if given == text else parse(given)
    )
    (fault,) = faults_of(text)
    assert fault.code == "SPN-106"
    assert (fault.place.line, fault.place.column) == place


def corrupted(number):
    """A spec of the library with a character or two wrong, or cut short."""
    rng = random.Random(number)
    text = rng.choice(sorted(SPECS.glob("*.yaml"))).read_text()
    for _ in range(rng.randint(1, 2)):
        at, what = rng.randrange(len(text) + 1), rng.random()
        text = (
            text[:at]
            + ("" if what > 0.4 else rng.choice("[]{}:,#&*!|>'\"%@`-? \n\\"))
            + ("" if what > 0.7 else text[at + (what > 0.4) :])
        )
    return text


@pytest.mark.parametrize("number", range(150))
def test_what_both_parsers_refuse_has_one_cause_in_one_place(number, monkeypatch):
    text = corrupted(number)
    first = [fault for fault in faults_of(text) if fault.code in SYNTAX]
    for fault in first:
        assert fault.place.line <= len(fault.place.source.lines)
    monkeypatch.setattr(yaml, "CLoader", yaml.Loader, raising=False)
    second = [fault for fault in faults_of(text) if fault.code in SYNTAX]
    if first and second:
        assert [(fault.code, fault.place.line) for fault in first] == [
            (fault.code, fault.place.line) for fault in second
        ]


def test_no_word_of_the_parser_is_shown(monkeypatch):
    monkeypatch.setattr(document, "parse", lambda text: refusing(text, 0))
    (fault,) = faults_of("a: 1\n")
    assert "their" not in str(fault)


def test_the_generated_faults_are_the_same_to_both_parsers(monkeypatch):
    texts = [text for text, _ in GENERATED.values() if isinstance(text, str) and len(text) < 10_000]
    ours = [str(fault) for text in texts for fault in faults_of(text)]
    monkeypatch.setattr(yaml, "CLoader", yaml.Loader, raising=False)
    assert [str(fault) for text in texts for fault in faults_of(text)] == ours
