"""Lists of classes by name, such as ``coco-91``: what each number of a head stands for, and its id in the data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import BeforeValidator

from spinec.spec.document import Item, file_text, read_file
from spinec.spec.errors import BackendError, Fault, SpecError, did_you_mean
from spinec.spec.library import LIBRARY, NAMES, find_names

LONGEST = 100  # characters of a class's name


class ClassList(NamedTuple):
    """Names of classes by their number, and the ids that files of the data set have for them."""

    names: tuple[str, ...]
    """Nothing where no class has the number."""
    ids: tuple[int, ...]


@cache
def class_lists() -> Mapping[str, ClassList]:
    """Every list of the library by its name.

    >>> coco = class_lists()
    >>> len(coco["coco-91"].names), coco["coco-91"].names[1], coco["coco-80"].names[0], coco["coco-80"].ids[79]
    (91, 'person', 'person', 90)
    """
    found: dict[str, ClassList] = {}
    for path in sorted((LIBRARY / "classes").glob("*.yaml")):
        document = read_file(path, f"specs/classes/{path.name}").plain()
        named = {int(number): name for number, name in document["ids"].items()}
        found |= {name: _listed(named, **form) for name, form in document["lists"].items()}
    return found


def _listed(named: Mapping[int, str], first: int, gaps: bool = True) -> ClassList:
    """The classes from an id on; with gaps, the ids that no class has are numbers, too."""
    ids = range(first, max(named) + 1) if gaps else [number for number in sorted(named) if number >= first]
    return ClassList(tuple(named.get(number, "") for number in ids), tuple(ids))


def classes_of(labels: str | Sequence[str] | None, number: int) -> ClassList:
    """What a head's classes are called; by their numbers where it does not say.

    >>> classes_of(("cat", "dog"), 2).names, classes_of(None, 3).names
    (('cat', 'dog'), ('class 0', 'class 1', 'class 2'))
    """
    if isinstance(labels, str):
        return class_lists()[labels]
    names = (f"class {i}" for i in range(number)) if labels is None else labels
    return ClassList(tuple(names), tuple(range(number)))


def labelled(head: Any, own: str | Sequence[str] | None) -> ClassList:
    """What the classes of a head are called: as it says, or as the user does, who may name a list or a file.

    A number that no class has is called by itself.

    Raises:
        BackendError: where there are not as many names as classes.
    """
    number, file = head.classes, ""
    if isinstance(own, str) and own not in class_lists():
        if not own.endswith(NAMES):
            raise BackendError(f"no list of classes {own!r}; {did_you_mean(own, class_lists())}")
        file, own = f"{own}: ", read_names(own)
    found = classes_of(head.labels if own is None else own, number)
    if len(found.names) != number:
        raise BackendError(f"{file}expected a label for each of {number:,} classes, got {len(found.names):,}")
    return found._replace(names=tuple(name or f"class {i}" for i, name in enumerate(found.names)))


def read_names(file: str) -> list[str]:
    """The names in a file, one on a line.

    Raises:
        BackendError: where a line is none.
    """
    names = _names_in(file_text(Path(file), file).split("\n"))
    if wrong := _fault_of(names):
        raise BackendError(f"{file}: {wrong}")
    return names


def labels(value: Any) -> Any:
    """What names classes, looked at: the name of a list, or the names themselves.

    A name may come twice, as ImageNet's "crane", a bird and a machine: classes are told apart by their numbers.

    Raises:
        ValueError: saying what it should be.
    """
    if isinstance(value, str) and value in class_lists():
        return value
    if isinstance(value, list | tuple) and value:
        for name in value:
            if not isinstance(name, str) or not _is_name(name):
                raise ValueError(f"expected a name of 1 to {LONGEST} characters for every class")
        return tuple(value)
    raise ValueError(f"expected the names of all classes, or one of: {', '.join(class_lists())}")


Labels: TypeAlias = Annotated[str | tuple[str, ...], BeforeValidator(labels)]
"""The name of a list of classes, or their names."""


def with_class_file(tree: Item, path: Path | None) -> Item:
    """The tree with the file of names that its head's `classes` says read in: a name on every line.

    Raises:
        SpecError: where there is no such file or list.
    """
    head = tree.mapping.get("head")
    classes = head.mapping.get("classes") if head else None
    if head is None or classes is None or not isinstance(classes.value, str) or classes.value in class_lists():
        return tree
    lines = _names_in(find_names(classes.value, path, classes.place, class_lists()))
    if wrong := _fault_of(lines):
        raise SpecError([Fault("SPN-208", f"classes: {classes.value}: {wrong}", classes.place)])
    names = [Item(line, classes.place) for line in lines]
    read = head._replace(value={**head.mapping, "classes": classes._replace(value=names)})
    return tree._replace(value={**tree.mapping, "head": read})


def _names_in(lines: list[str]) -> list[str]:
    """The names in the lines of a file, without what is blank at its end."""
    names = [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    return names


def _fault_of(names: Sequence[str]) -> str:
    """What is wrong with the lines of a file of names, if anything."""
    if not names:
        return "it is empty: expected a name on every line"
    wrong = next((i for i, name in enumerate(names, 1) if not _is_name(name)), 0)
    return f"line {wrong}: expected a name of 1 to {LONGEST} characters" if wrong else ""


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isprintable()


def numbered(head: Item) -> Item:
    """A head whose `classes`, or `labels` alone, say names, with their number beside the names."""
    own = dict(head.mapping)
    said = own.get("classes")
    if said and isinstance(said.value, str | list):
        own.setdefault("labels", said)
        own["classes"] = said._replace(value=_number_of(said))
    elif (said := own.get("labels")) and "classes" not in own and isinstance(said.value, str | list):
        own["classes"] = said._replace(value=_number_of(said))
    return head._replace(value=own) if said else head


def _number_of(named: Item) -> int:
    if isinstance(named.value, str):
        return len(class_lists()[named.value].names) if named.value in class_lists() else 1
    return max(1, len(named.plain()))
