"""What is in the library, and how its figures compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from spinec.options import Form, Output, app, print_table

if TYPE_CHECKING:
    from spinec.compiler.cost.report import Report


@app.command("list")
def list_specs(form: Output = Form.table) -> None:
    """List the specs of the library."""
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
def conventions() -> None:
    """Explain what each counting convention counts."""
    from spinec.compiler.cost.conventions import CONVENTIONS

    for name, convention in CONVENTIONS.items():
        typer.echo(f"{name}: {convention.doc}")
