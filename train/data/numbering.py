"""Which number a class of a data set has among those of a head: by its name, never by guessing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from spinec.spec.classes import ClassList, class_lists, classes_of
from spinec.spec.errors import DataError, did_you_mean
from spinec.spec.heads import Classification, DeepLab, Segmentation
from spinec.train.data.examples import NONE, Numbering, Task

WORDNET = re.compile(r"n\d{8}")
IMAGENET, VOC = "imagenet-1k", "voc-21"


def task_of(head: Any) -> Task:
    """What a head is taught."""
    if isinstance(head, Classification):
        return "classification"
    return "segmentation" if isinstance(head, Segmentation | DeepLab) else "detection"


def numbered(categories: Mapping[int, str], head: Any, name: str, used: Collection[int]) -> Numbering:
    """The classes of a data set, by id, as a head numbers them.

    A head that names its classes decides by name; upper case, spaces, hyphens and underscores do not count. Otherwise
    the data set's classes are numbered in the order of their ids, from the first class that the head finds.

    Raises:
        DataError: when one that is used has no number.
    """
    if head is None or head.labels is None:
        return _in_order(categories, head, name)
    wanted = classes_of(head.labels, head.classes)
    if (
        head.labels == IMAGENET
        and len(categories) == len(wanted.names)
        and all(map(WORDNET.fullmatch, categories.values()))
    ):
        order = sorted(categories, key=lambda each: categories[each])  # the list is in this order
        return Numbering(wanted.names, tuple(order), {each: number for number, each in enumerate(order)})
    return _by_name(categories, wanted, name, used)


def numbered_values(head: Any) -> Numbering:
    """What values in files stand for, that are numbers and have no names: the ids of the head's list, or its numbers.

    Without a head, they are PASCAL VOC's.
    """
    wanted = class_lists()[VOC] if head is None else classes_of(head.labels, head.classes)
    return Numbering(*wanted, {each: number for number, each in enumerate(wanted.ids)})


def _in_order(categories: Mapping[int, str], head: Any, name: str) -> Numbering:
    first = head.first_class if head is not None else 0
    order = sorted(categories)
    if head is not None and first + len(order) > head.classes:
        background = ", of which one is the background" if first else ""
        message = f"{name}: has {len(order)} classes, and the head {head.classes}{background}"
        raise DataError(f"{message}; set the head's classes to the names of the data set's")
    names = ("background",) * first + tuple(categories[each] for each in order)
    return Numbering(names, (NONE,) * first + tuple(order), {each: first + i for i, each in enumerate(order)})


def _by_name(categories: Mapping[int, str], wanted: ClassList, name: str, used: Collection[int]) -> Numbering:
    known = {_plain(each): number for number, each in enumerate(wanted.names) if each}
    numbers = {each: known[_plain(called)] for each, called in categories.items() if _plain(called) in known}
    if lost := [each for each in sorted(used) if each in categories and each not in numbers]:
        called = categories[lost[0]]
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        hint = did_you_mean(called, [each for each in wanted.names if each])
        raise DataError(f"{name}: the class {called!r}{more} is not one of the head's: {hint}")
    owners = {number: each for each, number in reversed(list(numbers.items()))}
    if len(owners) < len(numbers):
        twice = next(each for each, number in numbers.items() if owners[number] != each)
        pair = f"{categories[owners[numbers[twice]]]!r} and {categories[twice]!r}"
        raise DataError(f"{name}: the classes {pair} are the same class of the head")
    ids = tuple(owners.get(number, NONE) for number in range(len(wanted.names)))
    return Numbering(wanted.names, ids, numbers)


def _plain(name: str) -> str:
    """A name without what data sets write in different ways.

    >>> _plain("diningtable") == _plain("Dining table") == _plain("dining_table")
    True
    """
    return re.sub(r"[\s_-]", "", name).casefold()
