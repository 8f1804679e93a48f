"""Options that would do nothing: a command refuses them, whatever they are, by one rule."""

from __future__ import annotations

from typing import NamedTuple

import typer


class Idle(NamedTuple):
    """Options that have nothing to act on in some case; a command lists its own."""

    options: str
    """Names of the command's parameters, separated by blanks."""
    case: str
    """The case, as a message says it: 'with --training'."""
    holds: object
    """Whether this is the case."""


def refuse_idle(context: typer.Context, *rules: Idle) -> None:
    """Refuse an option that was given and would do nothing, as wrong usage: exits with 2."""
    given = {name: _spelt(context, name) for name in context.params if is_given(context, name)}
    for rule in rules:
        if rule.holds and (idle := [given[name] for name in rule.options.split() if name in given]):
            context.fail(f"{' and '.join(idle)} {'do' if len(idle) > 1 else 'does'} nothing {rule.case}")


def is_given(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _spelt(context: typer.Context, name: str) -> str:
    """An option as a user writes it; of a pair such as --wrap/--no-wrap the one that was given."""
    [parameter] = (each for each in context.command.params if each.name == name)
    if parameter.param_type_name == "argument":
        return str(parameter.metavar)
    negative = context.params[name] is False and parameter.secondary_opts
    return str((parameter.secondary_opts if negative else parameter.opts)[-1])
