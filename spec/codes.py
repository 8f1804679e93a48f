"""What the code of a fault means: why it is raised, an example that raises it, and how that is mended.

`codes.yaml` has one entry a code; the first digit of its number says what it is about, as `SECTIONS` has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOUND = """\
name: my-network
input: {size: 256}
defaults: {kind: mbconv}
blocks:
  stem: {kind: conv, level: 1, dim: 16, inputs: [image]}
  b1: {level: 3, dim: 40, inputs: [stem]}
  b2: {level: 4, dim: 96, inputs: [b1]}
outputs: {P3: b1, P4: b2}
endpoints: {dim: 64}
head: {kind: retinanet, dim: 64}
"""
WITH_KIND = """\
name: my-network
input: {size: 256}
kinds:
  my_block:
    says: Depthwise and 1x1 convolutions
    fields: {ratio: {type: number, default: 4}}
    let: {hidden: in_dim * ratio}
    steps:
      depthwise: {conv: in_dim, groups: in_dim, kernel: 3, stride: stride, norm: true}
      widen: {conv: hidden, act: $activation}
      narrow: {conv: dim}
    shortcut: {drop: true}
blocks:
  stem: {kind: conv, level: 1, dim: 16, inputs: [image]}
  b1: {kind: my_block, level: 2, dim: 40, inputs: [stem]}
outputs: {P2: b1}
"""
SECTIONS = {
    "1": "Reading a text",
    "2": "Keys and values",
    "3": "Names and the graph",
    "4": "The head",
    "5": "Parents, scaling, necks",
    "6": "Compiling",
    "7": "Specs from specs and from block lists",
    "8": "Pictures",
    "9": "Advice",
}


@dataclass(frozen=True)
class Code:
    """One sort of fault. Its example is `right` in a sound spec, or a command, turned `wrong`; some have none."""

    code: str
    title: str
    why: str
    cure: str
    right: str | None = None
    wrong: str | None = None

    @property
    def is_command(self) -> bool:
        """Whether the example is a command line, not a spec."""
        return bool(self.right and self.right.startswith("spinec "))

    @property
    def faulty(self) -> str | None:
        """The example: a spec or a command that raises the fault."""
        if self.right is None or self.wrong is None:
            return None
        return self.wrong if self.is_command else self._sound.replace(self.right, self.wrong)

    @property
    def _sound(self) -> str:
        """The spec of the example: one with a kind of its own where that is what the fault is about."""
        return SOUND if self.right and self.right in SOUND else WITH_KIND

    @property
    def cured(self) -> str | None:
        """The example without the fault."""
        return self.right if self.is_command else self._sound

    @property
    def change(self) -> str:
        """What cures the example, as a difference of lines."""
        from difflib import unified_diff

        lines = unified_diff((self.faulty or "").splitlines(), (self.cured or "").splitlines(), lineterm="", n=0)
        return "\n".join(f"{line[0]} {line[1:]}" for line in lines if not line.startswith(("---", "+++", "@@")))


@cache
def codes() -> dict[str, Code]:
    """Every code, in order.

    >>> codes()["SPN-116"].title
    'A key is given twice'
    """
    import yaml

    text = Path(__file__).with_name("codes.yaml").read_text(encoding="utf-8")
    return {code: Code(code, **entry) for code, entry in yaml.safe_load(text).items()}


def explanation(code: Code) -> str:
    """What a person is told about a code."""
    parts = [f"{code.code}: {code.title}", f"{code.why} {code.cure}"]
    if code.faulty:
        parts += ["For example:", _indented(code.faulty), "Cured:", _indented(code.change)]
    return "\n\n".join(parts)


def reference() -> str:
    """The reference of all codes in Markdown."""
    parts = []
    for code in codes().values():
        if code.code.endswith("01"):
            parts.append(f"## {SECTIONS[code.code[4]]}")
        parts += [f"### {code.code}", f"**{code.title}.** {code.why} {code.cure}"]
        if code.faulty:
            parts.append(f"```{'sh' if code.is_command else 'yaml'}\n{code.faulty.rstrip()}\n```")
            parts.append(f"```diff\n{code.change}\n```")
    return "\n\n".join(parts) + "\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())
