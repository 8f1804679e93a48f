"""Text -> Recipe: read, laid over what it extends, changed by settings of a command, validated."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from spinec.spec.document import Allowance, Item, read_file, read_text
from spinec.spec.errors import Fault, SpecError
from spinec.spec.library import LIBRARY, Sort, find_beside, find_other
from spinec.spec.recipes.model import Recipe
from spinec.spec.validate import show, validate

MAX_PARENTS = 16
LENGTHS = {"schedule": ("epochs", "steps"), "warmup": ("epochs", "steps"), "evaluate": ("every", "steps")}
"""Two ways to say how long, by section: who says one takes the other away."""
FITTING = "give drops that fit into it, or null for none"
OF_SPECS = "a command names it first: spinec train NAME --recipe ..."
WHOLE = ("drops",)  # mappings of numbers, which mean nothing beside others


@cache
def recipes() -> dict[str, Path]:
    """Name and file of every recipe in the library, in alphabetical order."""
    return {path.stem: path for path in sorted((LIBRARY / "recipes").glob("*.yaml"))}


def load_recipe(name: str | Path, settings: Iterable[str] = ()) -> Recipe:
    """The recipe of a name in the library or of a file, changed by settings such as ``optimizer.rate=0.1``.

    Raises:
        SpecError: with every fault of the document and of the settings, each at its place.

    >>> load_recipe("detection", ["batch=8", "schedule.steps=100"]).rate
    0.00875
    """
    allowance = Allowance()
    return read_recipe(*find_other(str(name), "recipe", recipes(), allowance), allowance, settings)


def read_recipe(tree: Item, path: Path | None, allowance: Allowance, settings: Iterable[str] = ()) -> Recipe:
    """The recipe of a document, and of what it extends.

    Raises:
        SpecError: with every fault.
    """
    tree = _extend(tree, path, allowance, [])
    for setting in settings:
        tree = tree._replace(value=_merge(tree, _set(setting)).value)  # what is missing is missing in the document
    faults: list[Fault] = []
    recipe = validate(Recipe, tree, faults, "")
    if recipe is None:
        raise SpecError(faults)
    if recipe.schedule.epochs:
        try:
            recipe.schedule.drops_in(recipe.schedule.epochs)
        except ValueError as error:
            drops = tree.find(("schedule", "drops"))
            raise SpecError(
                [Fault("SPN-208", f"schedule.drops: {error}", drops.place if drops else None, FITTING)]
            ) from None
    return recipe


def is_recipe(document: Item) -> bool:
    """Whether a document is a recipe, not a spec with a key misplaced."""
    keys = document.mapping.keys()
    return bool(keys & {"recipe", "optimizer", "schedule", "augment"}) and not keys & {"name", "blocks", "outputs"}


def _extend(tree: Item, path: Path | None, allowance: Allowance, children: list[Path]) -> Item:
    """A recipe over what it extends."""
    if not isinstance(tree.value, dict):
        raise SpecError(
            [
                Fault(
                    "SPN-118",
                    f"expected a mapping of keys such as batch and schedule, got {show(tree.value)}",
                    tree.place,
                )
            ]
        )
    if not is_recipe(tree) and tree.mapping.keys() & {"name", "blocks"}:
        raise SpecError([Fault("SPN-519", "expected a recipe of training, got a spec", tree.place, OF_SPECS)])
    own = {key: item for key, item in tree.value.items() if key != "extends"}
    given = tree.value.get("extends")
    if given is None:
        return tree
    if not isinstance(given.value, str):
        message = f"extends: expected the name of a recipe, or a file beside this one, got {show(given.plain())}"
        raise SpecError([Fault("SPN-501", message, given.place)])
    chain = [*children, *([path.resolve()] if path else [])]
    if given.value in recipes():
        above: Path = recipes()[given.value]
        parent = read_file(above, f"specs/recipes/{above.name}", allowance, given.place)
    else:
        parent, above = find_beside(given.value, path, given.place, Sort("extends", "recipe", recipes()), allowance)
    if above.resolve() in chain:
        raise SpecError(
            [Fault("SPN-506", f"extends: {given.value!r} extends this recipe in turn, a cycle", given.place)]
        )
    if len(chain) > MAX_PARENTS:
        raise SpecError(
            [Fault("SPN-507", f"extends: more than {MAX_PARENTS} parents, one above the other", given.place)]
        )
    return _merge(_extend(parent, above, allowance, chain), tree._replace(value=own))


def _merge(parent: Item, child: Item, section: str = "") -> Item:
    """The child over the parent: mappings entry by entry, all else replaced; null takes an entry away."""
    if not isinstance(parent.value, dict) or not isinstance(child.value, dict):
        return child
    entries = dict(parent.value)
    if any(way in child.value for way in LENGTHS.get(section, ())):
        entries = {key: item for key, item in entries.items() if key not in LENGTHS[section]}
    for key, item in child.value.items():
        if item.value is None and key in entries:
            del entries[key]
        else:
            entries[key] = _merge(entries[key], item, key) if key in entries and key not in WHOLE else item
    return child._replace(value=entries)


def _set(setting: str) -> Item:
    """``a.b=1`` as the document ``{a: {b: 1}}``, whose places are within the setting."""
    path, equals, value = setting.partition("=")
    if not equals or not path.replace(".", "").replace("_", "").isalnum():
        raise SpecError([Fault("SPN-208", f"--set {setting}: expected a path and a value, such as optimizer.rate=0.1")])
    tree = read_text(value or "null", f"--set {setting}")
    for step in reversed(path.split(".")):
        tree = Item({step: tree}, tree.place, tree.place)
    return tree
