"""Block strings taken apart: timm's, ``ir_r2_k3_s2_e6_c24_se0.25``, and TensorFlow's, ``r2_k3_s22_e6_i16_o24_se0.25``.

Both come out in timm's terms: TensorFlow's say the type of a block by its expansion and `c`, the dim by `o`, and a
stride for each side; they also say what a block takes, `i`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from spinec.spec.activations import Activation
from spinec.spec.document import Item
from spinec.spec.errors import Fault, Place, did_you_mean
from spinec.spec.fields import MAX_DIM, MAX_KERNEL, MAX_REPEATS
from spinec.spec.validate import show

TYPES = {  # options of each type: those that it must have, and those that it may have
    "ir": ("rksec", ("se", "noskip", "n")),
    "ds": ("rksc", ("e", "se", "noskip", "n")),
    "er": ("rksec", ("se", "noskip", "n")),
    "cn": ("rksc", ("e", "skip", "n")),
}
PLAIN = "block"  # what a string of TensorFlow, which has no type, is called
PLAIN_OPTIONS = ("rkseio", ("se", "noskip", "c"))
ACTIVATIONS: dict[str, Activation] = {"re": "relu", "r6": "relu6", "hs": "hard_swish", "sw": "swish"}
OPTION = re.compile(r"(?P<key>[a-z]+?)(?P<value>\d{1,6}(\.\d{1,6})?)\Z", re.ASCII)
UNTYPED = re.compile(r"r\d", re.ASCII)
NUMBERS = ("e", "se", "c")
STRIDES = {"1": 1, "2": 2, "11": 1, "22": 2}  # of TensorFlow: one for both sides, or one for each
MOST = {"r": MAX_REPEATS, "k": MAX_KERNEL, "s": 2, "c": MAX_DIM, "e": 64, "se": 1, "i": MAX_DIM, "o": MAX_DIM}


@dataclass
class Options:
    """The options of one string, by key, each with its place."""

    kind: str
    is_tensorflow: bool = False
    values: dict[str, float] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    activation: Activation | None = None

    @property
    def known(self) -> tuple[str, tuple[str, ...]]:
        """The options that it must have, and those that it may have."""
        return PLAIN_OPTIONS if self.is_tensorflow else TYPES[self.kind]


def decoded(item: Item, faults: list[Fault]) -> Options | None:
    """A string taken apart, or None after adding what is wrong with it."""
    text = str(item.value)
    is_tensorflow = UNTYPED.match(text) is not None
    kind, *words = [PLAIN, *text.split("_")] if is_tensorflow else text.split("_")
    quote = item.place.length - len(text) == 2  # a quotation mark before the text
    column = item.place.column + quote
    if kind not in TYPES and not is_tensorflow:
        place = item.place._replace(column=column, length=max(1, len(kind)))
        faults.append(Fault("SPN-707", f"unknown block type {show(kind)}", place, partial(did_you_mean, kind, TYPES)))
        return None
    found, wrong = Options(kind, is_tensorflow), list[Fault]()
    column += 0 if is_tensorflow else len(kind) + 1
    for word in words:
        wrong += _add(found, word, item.place._replace(column=column, length=max(1, len(word))))
        column += len(word) + 1
    missing = [key for key in found.known[0] if key not in found.values]
    if missing and not wrong:
        wrong.append(Fault("SPN-707", f"{kind}: missing option {', '.join(missing)}", item.place))
    if is_tensorflow and not wrong:
        wrong += _typed(found)
    faults += wrong
    return None if wrong else found


def _add(found: Options, word: str, place: Place) -> Iterator[Fault]:
    """Add an option to those of its string, or say what is wrong with it."""
    kind, (needed, may) = found.kind, found.known
    is_activation = word[:1] == "n" and word[1:] in ACTIVATIONS
    option = None if is_activation else OPTION.match(word)
    key = option["key"] if option else "n" if is_activation else word
    is_number = key in (*needed, *NUMBERS)
    if key not in (*needed, *may) or (option and not is_number) or word == "n":
        activations = [f"n{each}" for each in ACTIVATIONS] if "n" in may else []
        known = [*needed, *(each for each in may if each != "n"), *activations]
        yield Fault("SPN-707", f"{kind}: unknown option {show(word)}", place, f"expected {', '.join(known)}")
    elif key in found.places:
        yield Fault("SPN-707", f"{kind}: option {key!r} twice", place)
    elif is_number and not option:
        yield Fault("SPN-707", f"{kind}: option {key!r} without a number", place)
    else:
        found.places[key] = place
        if key == "n":
            found.activation = ACTIVATIONS[word[1:]]
        if option:
            found.values[key] = float(option["value"])
            yield from _out_of_range(found, key, option["value"], place)


def _out_of_range(found: Options, key: str, text: str, place: Place) -> Iterator[Fault]:
    value, kind = float(text), found.kind
    if found.is_tensorflow and key in "sc":
        choices = list(STRIDES) if key == "s" else ["0", "1"]
        if text not in choices:
            yield Fault("SPN-707", f"option {key}{text}: expected {', '.join(choices)}", place)
        return
    least = 0 if key == "se" else 1
    if not least <= value <= MOST[key] or (key in "rkscio" and "." in text) or (key == "k" and value % 2 == 0):
        what = "an odd number, " if key == "k" else "" if key in ("e", "se") else "a whole number, "
        yield Fault("SPN-707", f"option {key}{text}: expected {what}{least} to {MOST[key]}", place)
    elif key == "e" and kind in ("ds", "cn") and value != 1:
        yield Fault("SPN-707", f"{kind} has no expansion, got e{text}", place, "ir has")
    elif key == "e" and kind in ("ir", "er") and value == 1:
        message = f"{kind} of e1 expands to as many channels as there are: no block of specs does"
        yield Fault("SPN-707", message, place, f"{'ds' if kind == 'ir' else 'cn'} has no expansion")


def _typed(found: Options) -> Iterator[Fault]:
    """TensorFlow's options in timm's terms: `c1` has one full convolution where the others have two."""
    values, places = found.values, found.places
    has_pair = values["s"] > MOST["s"]
    is_full = values.get("c") == 1
    if is_full and values["e"] == 1 and (has_pair or values.get("se")):
        message = "c1 of e1 with a stride for each side or squeeze-excite: what is left of the block is not known"
        yield Fault("SPN-707", message, places["c"], "c1 needs an expansion here")
    values["s"] = STRIDES[f"{values['s']:g}"]
    values["c"], places["c"] = values["o"], places["o"]
    if values["e"] > 1:
        found.kind = "er" if is_full else "ir"
    elif is_full:
        found.kind = "cn"
        if "noskip" not in places:
            places["skip"] = places["e"]
    else:
        found.kind = "ds"
