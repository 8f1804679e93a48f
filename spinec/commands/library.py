"""What is in the library, and how its figures compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from spinec.options import Form, Output, app, print_table
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from spinec.compiler.cost.report import Report


@app.command("list")
def list_specs(
    context: typer.Context,
    recipes: Annotated[
        bool, typer.Option("--recipes", help="List the recipes of training instead of the specs.")
    ] = False,
    spaces: Annotated[bool, typer.Option("--spaces", help="List the spaces to search instead of the specs.")] = False,
    form: Output = Form.table,
) -> None:
    """List the specs, the recipes or the spaces of the library."""
    refuse_idle(context, Idle("spaces", "with --recipes", recipes))
    if spaces:
        from spinec.compiler.resources.spaces import ChoiceSpace
        from spinec.spec.spaces import load as shelf
        from spinec.visualize.table.spaces import spaces_table

        print_table(spaces_table(ChoiceSpace(shelf.load_space(name)) for name in shelf.spaces()), form)
        return
    if recipes:
        from spinec.spec.recipes import load as known
        from spinec.visualize.table.recipes import recipes_table

        print_table(recipes_table(map(known.load_recipe, known.recipes())), form)
        return
    from spinec.visualize.table.costs import library_table

    print_table(library_table(_reports()), form)


@app.command()
def published(form: Output = Form.markdown) -> None:
    """Compare published figures with counted ones."""
    from spinec.visualize.table.costs import published_table

    print_table(published_table(_reports()), form)


def _reports() -> Iterator[Report]:
    """What every spec of the library costs."""
    from spinec.compiler.cost.report import cost
    from spinec.compiler.lowering.pipeline import lower
    from spinec.spec.library import names
    from spinec.spec.load import read

    return (cost(lower(read(name).spec)) for name in names())


@app.command()
def plugins() -> None:
    """List the installed plug-ins and what each adds."""
    from spinec.spec.activations import ACTIVATIONS
    from spinec.spec.conventions import CONVENTIONS
    from spinec.spec.plugin_words import names_of
    from spinec.spec.plugins import plugins as installed

    tables = (ACTIVATIONS, CONVENTIONS)
    for plugin in installed():
        where = f" in {plugin.folder}" if plugin.folder else ": the package cannot be found"
        typer.echo(f"{plugin.name} {plugin.version}: package {plugin.package}{where}")
        words = ((f"{table.sort}s", names_of(plugin, table.sort)) for table in tables)
        for what, names in (("kinds", list(plugin.kinds)), *words, ("modules", plugin.parts)):
            if names:
                typer.echo(f"  {what}: {', '.join(names)}")
    if not installed():
        typer.echo("no plug-ins are installed: docs/how-to/extend.md says how to make one")
    for table in tables:
        table.check()


@app.command()
def conventions() -> None:
    """Explain what each counting convention counts."""
    from spinec.spec.conventions import CONVENTIONS

    for name, convention in CONVENTIONS.items():
        typer.echo(f"{name}: {convention.says}")
