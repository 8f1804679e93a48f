"""Which block of one spec is which of another: by name, and by topology where names differ."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Literal, NamedTuple

from spinec.spec.blocks import Block
from spinec.spec.model import ModelSpec

By = Literal["name", "topology"]


def match_blocks(before: ModelSpec, after: ModelSpec, by: By = "name") -> dict[str, str]:
    """Blocks of one spec and what they are called in the other.

    By name, blocks of one name are one block. The others, or all by topology, are paired where they say the same and
    stand at the same place: first those with the same network before and behind them, then before or behind them, then
    those with the same neighbours though they themselves have changed.
    """
    pairs = {name: name for name in before.blocks if name in after.blocks} if by == "name" else {}
    for rule in _RULES:
        while _pair(before, after, pairs, rule):
            pass
    return pairs


class _Side(NamedTuple):
    """One spec, its blocks' tokens: a number that two blocks share where they are the same as far as is known."""

    spec: ModelSpec
    readers: Mapping[str, list[str]]
    behind: Mapping[str, Hashable]
    ahead: Mapping[str, Hashable]
    known: Mapping[str, Hashable]


def _pair(before: ModelSpec, after: ModelSpec, pairs: dict[str, str], rule: Callable[[_Side, str], Hashable]) -> bool:
    """Pair the blocks that are alike under a rule, in order; whether there were any."""
    numbers: dict[Hashable, int] = {}
    first = _side(before, {name: ("pair", i) for i, name in enumerate(pairs)}, numbers)
    second = _side(after, {name: ("pair", i) for i, name in enumerate(pairs.values())}, numbers)
    waiting: dict[Hashable, list[str]] = {}
    for name in after.blocks:
        if name not in second.known:
            waiting.setdefault(rule(second, name), []).append(name)
    found = False
    for name in before.blocks:
        if name not in first.known and (alike := waiting.get(rule(first, name))):
            pairs[name] = alike.pop(0)
            found = True
    return found


def _side(spec: ModelSpec, known: Mapping[str, Hashable], numbers: dict[Hashable, int]) -> _Side:
    """The tokens of a spec; `numbers` are shared, so that equal things have equal numbers on both sides."""

    def number(thing: Hashable) -> int:
        return numbers.setdefault(thing, len(numbers))

    readers: dict[str, list[str]] = {name: [] for name in spec.blocks}
    for name, block in spec.blocks.items():
        for given in block.inputs:
            if given.block in readers:
                readers[given.block].append(name)
    outputs: dict[str, list[str]] = {}
    for output, name in spec.outputs.items():
        outputs.setdefault(name, []).append(output)
    behind: dict[str, Hashable] = {"image": "image"}
    for name, block in spec.blocks.items():
        given_tokens = tuple(behind[given.block] for given in block.inputs)
        behind[name] = known.get(name) or number(("behind", settings(block), given_tokens))
    ahead: dict[str, Hashable] = {}
    for name in reversed(list(spec.blocks)):
        block = spec.blocks[name]
        reading = sorted((str(ahead[reader]) for reader in readers[name]), key=str)
        own = known.get(name)
        ahead[name] = own or number(("ahead", settings(block), tuple(reading), tuple(sorted(outputs.get(name, ())))))
    return _Side(spec, readers, behind, ahead, known)


def settings(block: Block) -> Hashable:
    """What a block says of itself, inputs left out; equal where two blocks say the same."""
    return repr(block.model_dump(exclude={"inputs"}, exclude_none=True))


def _inputs(side: _Side, name: str) -> Iterable[Hashable]:
    return tuple(side.behind[given.block] for given in side.spec.blocks[name].inputs)


def _readers(side: _Side, name: str) -> Iterable[Hashable]:
    return tuple(sorted(str(side.ahead[reader]) for reader in side.readers[name]))


def _is_output(side: _Side, name: str) -> tuple[str, ...]:
    return tuple(sorted(output for output, block in side.spec.outputs.items() if block == name))


_RULES: tuple[Callable[[_Side, str], Hashable], ...] = (
    lambda side, name: (side.behind[name], side.ahead[name]),
    lambda side, name: side.behind[name],
    lambda side, name: side.ahead[name],
    lambda side, name: (tuple(_inputs(side, name)), tuple(_readers(side, name)), _is_output(side, name)),
)
