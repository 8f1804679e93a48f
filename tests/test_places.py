"""Lines are counted as editors count them: what ends a line in YAML 1.1 alone is a character like any other."""

from __future__ import annotations

import pytest
import yaml

from fuzz.targets import same
from spinec import SpecError, dump, loads
from spinec.compiler.interchange.convert import import_blocks
from spinec.spec.document import decode, read_text
from spinec.spec.format import format_text
from spinec.spec.scalars import parse, split_lines

NO_BREAKS = ["\x85", "\u2028", "\u2029"]
BREAKS = ["\n", "\r\n", "\r"]
TEXT = """name: demo  # pasted{odd}from a page
source: "one{odd}two"
blocks:
  b: {{kind: conv, level: 1, dim: 8, inputs: [image]}}{odd}
outputs: {{P1: b}}
"""
LINES = TEXT.replace("{odd}\n", "\n")


def faults(text):
    with pytest.raises(SpecError) as caught:
        loads(text, "demo.yaml")
    return [(fault.place.line, fault.place.column, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize("odd", NO_BREAKS)
@pytest.mark.parametrize("end", BREAKS, ids=repr)
def test_places_are_those_of_an_editor(odd, end):
    text = LINES.format(odd=odd).replace("dim: 8", "dim: 0").replace("\n", end)
    assert faults(text) == [(4, 34, "SPN-204")]
    assert split_lines(text)[3][33] == "0"
    with pytest.raises(SpecError) as caught:
        loads(text)
    assert "    4 |   b: {kind: conv, level: 1, dim: 0" in str(caught.value)


@pytest.mark.parametrize("odd", NO_BREAKS)
def test_a_comment_goes_on_to_the_end_of_its_line(odd):
    """In YAML 1.1, what an editor shows as a comment would be read."""
    hidden = LINES.format(odd="").replace("# pasted", f"# pasted{odd}input: {{size: 64}} #")
    assert loads(hidden).input.size == (512, 512)
    formatted = format_text(hidden)
    assert f"# pasted{odd}input: {{size: 64}} #" in formatted
    assert loads(formatted) == loads(hidden)


@pytest.mark.parametrize("odd", NO_BREAKS)
@pytest.mark.parametrize("written", ['"one{}two"', "'one{}two'", "one{}two"])
def test_text_keeps_its_characters(odd, written):
    spec = loads(LINES.format(odd="").replace('"onetwo"', written.format(odd)))
    assert spec.source == f"one{odd}two"
    assert loads(dump(spec)) == spec
    formatted = format_text(LINES.format(odd=odd).replace(f'"one{odd}two"', written.format(odd)))
    assert loads(formatted).source == spec.source
    assert format_text(formatted) == formatted
    (line,) = [line for line in split_lines(formatted) if line.startswith("source:")]
    assert yaml.safe_load(line) == {"source": spec.source}  # escaped, so that readers of YAML 1.1 have it, too


def test_stand_ins_are_none_of_the_texts_characters():
    text = "a: 'x\u2028y\x85z\u2029\U0010fffd\U0010fffc\U0010fffb'"
    assert read_text(text, "x").plain() == {"a": text[4:-1]}
    assert [event.value for event in parse(text) if isinstance(event, yaml.ScalarEvent)] == ["a", text[4:-1]]


@pytest.mark.parametrize("odd", [*NO_BREAKS, "\r", "\r\n", "\r\r\n"], ids=repr)
@pytest.mark.parametrize("at", range(0, len(LINES.format(odd="")), 7))
def test_wherever_one_stands_formatting_keeps_the_meaning(odd, at):
    text = LINES.format(odd="")
    text = text[:at] + odd + text[at:]
    try:
        formatted = format_text(text)
    except SpecError as error:
        lines = [fault.place.line for fault in error.faults if fault.place]
        formatted = None
    if formatted is None:
        assert max(lines) <= len(split_lines(text))
        return
    assert same(read_text(formatted, "x").plain(), read_text(text, "x").plain())
    assert format_text(formatted) == formatted


def test_a_byte_that_is_no_text_has_its_line():
    for end in BREAKS:
        with pytest.raises(SpecError, match=r"x:3: not UTF-8 text \(byte 0xff\)"):
            decode(f"a: 1{end}b: \u2028{end}".encode() + b"c: \xff", "x")


@pytest.mark.parametrize("end", BREAKS, ids=repr)
def test_block_lists_have_the_lines_of_an_editor(end):
    text = f"# SpineNet\u2028{end}[{end}  (2, 'bottleneck', (0, 9), True),{end}]"
    with pytest.raises(SpecError) as caught:
        import_blocks(text, source="list.txt")
    (fault,) = caught.value.faults
    assert str(fault).startswith("list.txt:3:25: input offset 9")
    assert "    3 |   (2, 'bottleneck', (0, 9), True),\n" in str(fault)


@pytest.mark.parametrize("odd", NO_BREAKS)
def test_what_formatting_would_change_is_shown_by_line(spinec, tmp_path, odd):
    path = tmp_path / "demo.yaml"
    path.write_text(LINES.format(odd=odd), encoding="utf-8", newline="")
    out = spinec("fmt", "--diff", path)[1]
    assert "@@ -1,5 +1,5 @@" in out
