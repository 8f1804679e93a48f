"""The names of a kind: code can bear them, and no two are mixed up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from spinec.spec.errors import Fault
from spinec.spec.kinds.kind import Kind
from spinec.spec.kinds.plan import SWITCH
from spinec.spec.names import BLOCK_NAME, RESERVED
from spinec.spec.validate import show

TAKEN = frozenset(
    "level dim inputs repeats activation padding fuse kind image x in_dim stride fields definition own_norm".split()
)
"""What every block has: no field and no formula is called so."""
OF_NODES = re.compile(r"(resample|fuse)(\d.*)?|concat|act|x\d+")
"""What resampling and fusion call their parts: in a node, the steps stand beside them."""
RULE = "expected a small letter, then small letters, digits and '_' (ASCII, 48 at most)"


def names(kind: Kind) -> Iterator[Fault]:
    """What is wrong with the names of fields, formulas and steps."""
    seen: dict[str, str] = {}
    for sort, section in (("field", "fields"), ("formula", "let")):
        found = kind.item.find((section,))
        for name, item in (found.mapping if found else {}).items():
            place = item.key or item.place
            if not BLOCK_NAME.match(name):
                yield Fault("SPN-303", f"{sort} name {show(name)} is not allowed", place, RULE)
            elif name in TAKEN:
                message = f"{sort} name {name!r} is taken: every block has it"
                yield Fault("SPN-304", message, place, f"such as {name}_1")
            elif name == SWITCH and not _switches(kind, sort):
                message = f"{sort} name {name!r} is taken: every block says there which norm it has"
                yield Fault("SPN-304", message, place, "a boolean field of that name says whether there is one")
            elif name in seen:
                yield Fault("SPN-305", f"{sort} name {name!r} is taken by a {seen[name]}", place, "rename one of them")
            seen.setdefault(name, sort)
    yield from _steps(kind)


def _switches(kind: Kind, sort: str) -> bool:
    """Whether a name is that of a field which leaves the norm out."""
    return sort == "field" and kind.document.fields[SWITCH].type == "boolean"


def _steps(kind: Kind) -> Iterator[Fault]:
    seen: set[str] = set()
    for name, _, path in kind.placed():
        item = kind.item.find(path)
        place = (item.key if item else None) or kind.item.place
        value = f"shortcut_{name}" if path[0] == "shortcut" else name
        if not BLOCK_NAME.match(name) or name in ("x", "image"):
            yield Fault("SPN-303", f"step name {show(name)} is not allowed", place, RULE)
        elif name in RESERVED - {"head"}:
            message = f"step name {name!r} is taken by Python, by a framework or by generated code"
            yield Fault("SPN-304", message, place, f"such as {name}_1")
        elif kind.document.node and OF_NODES.fullmatch(name):
            message = f"step name {name!r} is taken: in a node, a part of resampling or fusion has it"
            yield Fault("SPN-304", message, place, f"such as {name}_1")
        elif value in seen:
            yield Fault("SPN-305", f"step name {name!r} is taken by an earlier step", place, "rename one of them")
        seen.add(value)
