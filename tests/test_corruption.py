"""Library specs, corrupted at random: what comes out is a spec or a SpecError that points into the text."""

from __future__ import annotations

import re
import warnings

from hypothesis import given, settings
from hypothesis import strategies as st

from spinec.spec.errors import Fault, SpecError, SpecWarning
from spinec.spec.library import library
from spinec.spec.load import loads

TEXTS = tuple(path.read_text(encoding="utf-8") for path in library().values())
SCALAR = re.compile(r"(?<=: )[^\s,{}\[\]]+|(?<=[\[ ])\w+(?=[,\]])")
NUMBERS = "0 -1 1 3 64 1e9 0.5 -0.0 .nan .inf -.inf 1e400 0x10 99999999999999999999999999999 1" + "9" * 40
WORDS = "image stem b5 P3 none conv retinanet classification extends eff-spinenet-d0 efficientnet-b0 x.yaml ../x.yaml"
VALUES = "null|~|true|''|[]|{}|[[]]|[a]|{a: b}|{from: b1}|{block: b1}|[{from: image}]|{kind: null}".split("|")
MARKUP = r"""'\n' "\n" "\e[31m" "\0" *a &a !!str << ? - | > @ % ` #"""
CHARACTERS = "ｂ", "é", "\u2028", "\x85", "\ud800", "\x00", "\t"
SCALARS = (*NUMBERS.split(), *WORDS.split(), *VALUES, *MARKUP.split(), *CHARACTERS)
PIECES = st.one_of(
    st.sampled_from((*SCALARS, "\n", "\r", " ", "  ", ":", ": ", ",", "{", "}", "[", "]", "'", '"', "---\n", "...\n")),
    st.text(st.characters(exclude_categories=()), max_size=3),
)


@st.composite
def corrupted(draw: st.DrawFn) -> str:
    """The text of a library spec after a few accidents."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from((_characters, _lines, _scalar)))(draw, text)
    return text


def _characters(draw: st.DrawFn, text: str) -> str:
    """Some characters deleted, inserted or replaced."""
    start = draw(st.integers(0, len(text)))
    end = start + draw(st.integers(0, 4))
    return text[:start] + draw(PIECES) + text[end:]


def _lines(draw: st.DrawFn, text: str) -> str:
    """A line deleted, doubled, or swapped with another."""
    lines = text.splitlines(keepends=True) or [""]
    i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    match draw(st.sampled_from(("delete", "double", "swap"))):
        case "delete":
            del lines[i]
        case "double":
            lines.insert(j, lines[i])
        case "swap":
            lines[i], lines[j] = lines[j], lines[i]
    return "".join(lines)


def _scalar(draw: st.DrawFn, text: str) -> str:
    """A value replaced by another."""
    spans = [match.span() for match in SCALAR.finditer(text)] or [(0, 0)]
    start, end = draw(st.sampled_from(spans))
    return text[:start] + draw(st.sampled_from(SCALARS)) + text[end:]


def faults_of(text: str) -> tuple[Fault, ...] | None:
    """What is said to be wrong with a text; None if it loads. Anything else than a SpecError goes through."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpecWarning)
            loads(text, "corrupted.yaml")
    except SpecError as error:
        return error.faults
    return None


@settings(max_examples=300, deadline=None, derandomize=True)
@given(corrupted())
def test_a_corrupted_spec_loads_or_says_where_it_is_at_fault(text):
    faults = faults_of(text)
    assert faults != ()
    for fault in faults or ():
        assert fault.message in str(fault) or not fault.message.isprintable()
        if fault.place:
            lines = fault.place.source.lines
            assert 1 <= fault.place.line <= len(lines)
            assert 1 <= fault.place.column <= len(lines[fault.place.line - 1]) + 1
            assert fault.place.length >= 1
