"""Words that spinec has and that plug-ins add to: what is known of each, and the types of such words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from spinec.spec.errors import did_you_mean

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

    from spinec.spec.plugin_words import Found

Entry = TypeVar("Entry")


class Known(Mapping[str, Entry]):
    """Every word of a sort, and what is known of it.

    To look for plug-ins takes longer than to count most networks, so it is only done for a word that is none of
    spinec's own, and for all words.

    Raises:
        SpecError: when the plug-ins are looked at, and what one of them says is at fault.
    """

    def __init__(self, sort: str, own: Mapping[str, Entry]) -> None:
        self.sort = sort
        """What messages call a word; plug-ins have more of them in the file of this name, in the plural."""
        self.own = own

    def __getitem__(self, word: str) -> Entry:
        found = self.own.get(word)
        return self._further[word].entry if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter([*self.own, *self._further])

    def __len__(self) -> int:
        return len(self.own) + len(self._further)

    def named(self, word: str) -> Entry:
        """What is known of a word.

        Raises:
            ValueError: for a word that nobody has, with a suggestion.
        """
        try:
            return self[word]
        except KeyError:
            raise ValueError(f"unknown {self.sort} {word!r}; {did_you_mean(word, self)}") from None

    def check(self) -> None:
        """Look at the words of all plug-ins.

        Raises:
            SpecError: when one is at fault.
        """
        assert self._further is not None

    def home(self, word: str) -> str:
        """The package that has a word."""
        return __name__ if word in self.own else self._further[word].plugin.package

    @cached_property
    def _further(self) -> Mapping[str, Found[Entry]]:
        from spinec.spec.plugin_words import plugin_words

        return plugin_words(self.sort, self.own)


class OneOf:
    """What makes text one of the words that are known, in models."""

    def __init__(self, known: Known[Any]) -> None:
        self.known = known

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self._checked)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        from pydantic_core import core_schema

        return {"enum": list(self.known), **handler(core_schema.str_schema())}

    def _checked(self, value: Any) -> str:
        if isinstance(value, str) and value in self.known:
            return value
        from pydantic_core import PydanticCustomError

        raise PydanticCustomError(
            "unknown_word", "expected a known {sort}", {"sort": self.known.sort, "known": self.known}
        )
