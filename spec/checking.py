"""Whether a document is sound, whatever it is: a spec, a fragment, a kind, a recipe or a space."""

from __future__ import annotations

from pathlib import Path

from spinec.spec.document import Allowance, Item, read_text
from spinec.spec.errors import Fault, SpecError
from spinec.spec.fragment import is_fragment, section
from spinec.spec.fragment_check import check_fragment
from spinec.spec.kind_check import check_kind, is_kind
from spinec.spec.library import find
from spinec.spec.load import read_tree
from spinec.spec.recipes.load import is_recipe, read_recipe
from spinec.spec.spaces.load import find_space, names_space, read_space
from spinec.spec.spaces.model import is_space


def checked(name: str | Path) -> tuple[str, tuple[Fault, ...]]:
    """How much a document has, such as ``12 blocks``, and what it warns of.

    Raises:
        SpecError: with every fault; those of a fragment or a kind are what is seen without a spec.
    """
    allowance = Allowance()
    return _checked(*(find_space if names_space(str(name)) else find)(str(name), allowance), allowance)


def checks(text: str, name: str, path: Path) -> tuple[str, tuple[Fault, ...]]:
    """As `checked`, of a text; files that it names are looked for beside `path`."""
    allowance = Allowance()
    return _checked(read_text(text, name, allowance), path, allowance)


def _checked(document: Item, path: Path | None, allowance: Allowance) -> tuple[str, tuple[Fault, ...]]:
    if is_recipe(document):
        schedule = read_recipe(document, path, allowance).schedule
        return f"{schedule.steps:,} steps" if schedule.steps else f"{schedule.epochs:g} epochs", ()
    if is_space(document):
        space = read_space(document, path, allowance)
        space.check()
        shared = " and the work shared out" if space.share else ""
        return f"{len(space.parameters)} choices{shared}", ()
    if is_fragment(document):
        if faults := check_fragment(document):
            raise SpecError(faults)
        return f"{len(section(document, 'blocks')) + len(section(document, 'cell', 'blocks'))} blocks", ()
    if is_kind(document):
        if faults := check_kind(document, path, allowance):
            raise SpecError(faults)
        return f"{len(section(document, 'steps'))} steps", ()
    loaded = read_tree(document, path, allowance)
    return f"{len(loaded.spec.blocks)} blocks", loaded.warnings
