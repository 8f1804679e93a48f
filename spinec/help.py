"""Help and usage errors in the words of this command line, whatever those of the library below it are."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

GROUPS = {
    "Write and check specs": "new validate lint fmt explain schema",
    "Count": "list show cost split conventions published plugins",
    "Draw and compare": "draw diff chart report",
    "Change what a network costs": "redistribute betas scale compound fit",
    "Search": "search candidates sample space",
    "Detect, classify, segment": "detect classify segment",
    "Train": "train evaluate data",
    "Compile, run, export": "compile run export weights verify",
    "Exchange with other projects": "import export-blocks",
}
"""The commands by what they are for; one that is not listed comes last."""

_VALUES = {"int": "N", "integer": "N", "float": "NUMBER", "path": "FILE", "file": "FILE", "str": "TEXT", "text": "TEXT"}
_PLAIN = (
    ("Value error, ", ""),
    ("Input should be a valid integer.*", "expected a whole number"),
    ("Input should be a valid number.*", "expected a number"),
    ("Input should be (?=greater|less)", "expected a number "),
    ("Input should be ", "expected "),
)
WIDEST = 76  # characters of an argument with its choices, in a terminal of eighty


class Command(TyperCommand):
    """A command whose help and usage errors name values as this project does."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage line: NAME for what is required, [NAME] for what is not, ... for several."""
        arguments = [each for each in self.get_params(ctx) if each.param_type_name == "argument"]
        return ["[OPTIONS]", *(_usage(argument) for argument in arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then options, each with what it takes."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            records = [
                (_told(parameter, record[0]), record[1])
                for parameter in self.get_params(ctx)
                if parameter.param_type_name == kind and (record := parameter.get_help_record(ctx))
            ]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; what is wrong with one is said in plain words."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = plain(error.message)
            raise


class Commands(TyperGroup):
    """Commands by what they are for, none of their descriptions cut."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Every group of commands with the first lines of their help."""
        known = {name: title for title, names in GROUPS.items() for name in names.split()}
        rest = [name for name in self.commands if name not in known]
        for title, names in (*((title, names.split()) for title, names in GROUPS.items()), ("More", rest)):
            records = [(name, _summary(self.commands[name].help)) for name in names if name in self.commands]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def plain(message: str) -> str:
    """A message of the library below in plain words.

    >>> plain("Value error, 'x' is not one of 'a', 'b'."), plain("Input should be greater than or equal to 1")
    ("'x' is not one of 'a', 'b'.", 'expected a number greater than or equal to 1')
    """
    for said, better in _PLAIN:
        message = re.sub(said, better, message)
    return message


def _usage(argument: Any) -> str:
    name = _name(argument) if argument.required else f"[{_name(argument)}]"
    return name if argument.nargs == 1 else f"{name}..."


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _told(parameter: Any, record: str) -> str:
    """The name of an argument or an option, with what it takes."""
    if parameter.param_type_name == "argument":
        choices = re.search(r"<([^<>]*\|[^<>]*)>", record)
        told = f"{_name(parameter)} {choices[1]}" if choices else _name(parameter)
        head, cut, rest = told[:WIDEST].rpartition("|") if len(told) > WIDEST else (told, "", "")
        return head + (f"|\n    {rest}{told[WIDEST:]}" if cut else "")
    return re.sub(r"<([^<>]+)>|\b([A-Z]+(?: RANGE)?)$", lambda found: _value(found[1] or found[2]), record)


def _value(words: str) -> str:
    """What an option takes; a choice stays as it is."""
    if words == "CONVENTION":
        from spinec.spec.conventions import CONVENTIONS

        return "|".join(CONVENTIONS)
    kind = re.sub(r"(?i)^list\[|\]$| range$", "", words)
    return _VALUES.get(kind.lower(), words)


def _summary(help_text: str | None) -> str:
    return (help_text or "").partition("\n")[0].rstrip()
