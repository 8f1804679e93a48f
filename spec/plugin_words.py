"""What plug-ins say in the files `activations.yaml` and `conventions.yaml`. They are read as all documents are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, Field

from spinec.spec.document import Item, read_file
from spinec.spec.errors import Fault, SpecError
from spinec.spec.fields import Frozen
from spinec.spec.names import BLOCK_NAME
from spinec.spec.plugins import Plugin, plugins
from spinec.spec.quantities import Elementwise, PriceList, Quantity
from spinec.spec.validate import show, validate

Entry = TypeVar("Entry")
MOST = 1_000  # of a price, and of the work for an element


def _half(price: float) -> float:
    if price * 2 % 1:
        raise ValueError("expected a multiple of 0.5")
    return price


Times = Annotated[int, Field(ge=1, le=MOST)]
Price = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False), AfterValidator(_half)]
Says = Annotated[str, Field(min_length=1, max_length=200, description="what it is, in a line")]


class ActivationDocument(Frozen):
    """An activation of a plug-in."""

    says: Says
    work: Mapping[Quantity, Times] = Field({}, description="what it does for every element, by kind of work")
    keeps: Literal["input", "output"] = Field("input", description="what training keeps for the backward pass")

    def entry(self) -> Elementwise:
        """The activation."""
        return Elementwise(self.says, self.work, self.keeps)


class ConventionDocument(Frozen):
    """A counting convention of a plug-in."""

    says: Says
    prices: Mapping[Quantity, Price] = Field(description="what every kind of work counts, in multiply-adds")
    kernel_weight: Price = Field(0.0, description="what every weight of a kernel counts, once")

    def entry(self) -> PriceList:
        """The convention; its prices are in halves."""
        prices = {quantity: round(2 * price) for quantity, price in self.prices.items()}
        return PriceList(self.says, prices, round(2 * self.kernel_weight))


DOCUMENTS: Mapping[str, type[ActivationDocument | ConventionDocument]] = {
    "activation": ActivationDocument,
    "convention": ConventionDocument,
}


class Found(NamedTuple, Generic[Entry]):
    """A word of a plug-in."""

    plugin: Plugin
    entry: Entry


def plugin_words(sort: str, own: Mapping[str, Any]) -> Mapping[str, Found[Any]]:
    """The words of a sort that plug-ins have; `own` are spinec's.

    Raises:
        SpecError: with all that is wrong in all plug-ins; two of them cannot have one word.
    """
    found: dict[str, Found[Any]] = {}
    faults: list[Fault] = []
    for plugin in plugins():
        try:
            words = written_words(plugin, sort)
        except SpecError as error:
            faults += error.faults
            continue
        for word, item in words.items():
            wrong = [*_name_faults(plugin, sort, word, item, own, found)]
            document = validate(DOCUMENTS[sort], item, wrong, f"plug-in {plugin.name!r}: {sort} {word}")
            if document and not wrong:
                found[word] = Found(plugin, document.entry())
            faults += wrong
    if faults:
        raise SpecError(faults)
    return found


def written_words(plugin: Plugin, sort: str) -> Mapping[str, Item]:
    """The words of a sort that a plug-in has, as it says them.

    Raises:
        SpecError: when its file cannot be read.
    """
    file = f"{sort}s.yaml"
    if not plugin.has(file):
        return {}
    assert plugin.folder
    item = read_file(plugin.folder / file, f"{plugin.package}/{file}")
    if not isinstance(item.value, dict):
        message = f"plug-in {plugin.name!r}: expected a mapping of {sort}s, got {show(item.plain())}"
        raise SpecError([Fault("SPN-203", message, item.place, f"such as my_{sort}: {{says: ...}}")])
    return item.value


def names_of(plugin: Plugin, sort: str) -> list[str]:
    """The words of a sort that a plug-in has; none where its file cannot be read."""
    try:
        return list(written_words(plugin, sort))
    except SpecError:
        return []


def _name_faults(
    plugin: Plugin, sort: str, word: str, item: Item, own: Mapping[str, Any], found: Mapping[str, Found[Any]]
) -> Iterator[Fault]:
    """A word is one that specs can say, and nobody else's."""
    fault = partial(Fault, place=item.key or item.place)
    if not BLOCK_NAME.match(word):
        rule = "expected a small letter, then small letters, digits and '_' (ASCII, 48 at most)"
        yield fault("SPN-303", f"plug-in {plugin.name!r}: {sort} name {show(word)} is not allowed", hint=rule)
    elif word in own or word in found:
        owner = f"plug-in {found[word].plugin.name!r}" if word in found else "spinec"
        message = f"plug-in {plugin.name!r}: {sort} name {word!r} is taken by {owner}"
        yield fault("SPN-305", message, hint=f"such as {plugin.name}_{word}")
