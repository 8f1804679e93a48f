"""How wide text is, so that a layout knows what it must leave room for, without a font at hand.

The widths are those of DejaVu Sans, the widest of the fonts that the pictures ask for: in any other of them text only
leaves more room.
"""

from __future__ import annotations

from functools import lru_cache

FAMILY = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
BOLD = 1.16  # how much wider bold text is, at most
WIDE = 1.0  # of a character that is not listed: no narrower than any ideograph

# Hundredths of the font size, of the characters from the space to the tilde.
_ASCII = """
32 40 46 84 64 95 78 28 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 53 100 69 69 70 77 64 58 78
76 30 30 66 56 87 75 79 61 79 70 64 62 74 69 99 69 62 69 39 34 39 84 50 50 62 64 55 64 62 36 64 64 28 28 58 28 98 64 62
64 64 42 52 40 64 60 82 60 60 53 64 34 64 84
""".split()
_WIDTHS = {chr(32 + i): int(width) / 100 for i, width in enumerate(_ASCII)} | {"×": 0.84, "·": 0.32, "%": 0.95}


@lru_cache(maxsize=4096)  # labels repeat
def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a line of text is at most, in the unit of its size.

    >>> text_width("b10", 10) < text_width("b10", 10, bold=True) < 25
    True
    """
    width = 0.0
    for character in text:
        width += _WIDTHS.get(character, WIDE)
    return width * size * (BOLD if bold else 1)


def printable(text: str) -> str:
    """The text without what has no shape of its own: line ends, control characters, marks that turn the line around.

    >>> printable("two\\nlines")
    'two�lines'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def shortened(text: str, size: float, most: float, bold: bool = False) -> str:
    """The text, with its middle left out where it would be wider than `most`.

    >>> shortened("a_very_long_name_of_a_block", 10, 90)
    'a_very_l…a_block'
    """
    if text_width(text, size, bold) <= most:
        return text
    kept = len(text) - 1
    while kept > 2 and text_width(_without_middle(text, kept), size, bold) > most:
        kept -= 1
    return _without_middle(text, kept)


def _without_middle(text: str, kept: int) -> str:
    return f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
