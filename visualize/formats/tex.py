"""What TeX writers share: text that stays text, and colours."""

from __future__ import annotations

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "`": r"\textasciigrave{}",
    "×": r"$\times$", "·": r"$\cdot$", "−": r"$-$", "…": r"\ldots{}", "-": "{-}", "[": "{[}", "]": "{]}",
}  # fmt: skip


def escaped(text: str) -> str:
    r"""Text that TeX prints as it is; what its plain fonts lack is printed as a question mark.

    >>> escaped("50 % of b_1")
    '50 \\% of b\\_1'
    """
    return "".join(_SPECIAL.get(c, c if c.isascii() and c.isprintable() else "?") for c in text)


def colour(code: str) -> str:
    """A colour of the palette, as TikZ reads it.

    >>> colour("#ff8000")
    '{rgb,255:red,255;green,128;blue,0}'
    """
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"
