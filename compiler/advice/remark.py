"""What advice is made of: what the rules look at, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from spinec.compiler.cost.report import Report
from spinec.compiler.lowering.resample import Features
from spinec.spec.blocks import Block
from spinec.spec.load import Loaded


class Remark(NamedTuple):
    """One piece of advice, and the path in the spec of what it is about."""

    code: str
    message: str
    path: tuple[str | int, ...]
    hint: str


@dataclass(frozen=True)
class Linted:
    """What the rules look at."""

    loaded: Loaded
    report: Report
    multiple: int

    def level(self, name: str) -> int:
        """The level of a block or of the image."""
        return self.loaded.spec.level_of(name)

    def dim(self, name: str) -> int:
        """The channels of a block or of the image."""
        spec = self.loaded.spec
        return spec.input.channels if name == "image" else spec.blocks[name].dim

    def features(self, name: str) -> Features:
        """What a block or the image gives, as it is resampled."""
        spec = self.loaded.spec
        if name != "image":
            return self.features_of(spec.blocks[name])
        return Features(name, 0, spec.input.channels, *self.report.program.size)

    def features_of(self, block: Block) -> Features:
        """What a block gives, as it is resampled."""
        height, width = (-(-side // 2**block.level) for side in self.report.program.size)
        return Features("x", block.level, block.dim, height, width, block.inner_dim)

    def as_is(self, block: Block) -> bool:
        """Whether a block takes its input as it is."""
        return block.takes_as_is(*(self.level(given.block) for given in block.inputs))


Rule = Callable[[Linted], Iterator[Remark]]
