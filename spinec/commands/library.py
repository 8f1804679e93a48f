"""What is in the library, and how its figures compare."""

from __future__ import annotations

import typer

from spinec.options import Form, Output, app, print_table


@app.command("list")
def list_specs(form: Output = Form.table) -> None:
    """List the specs of the library."""
    from spinec.spec.library import names
    from spinec.spec.load import read
    from spinec.visualize.tables import library_table, report_of

    print_table(library_table(report_of(read(name).spec) for name in names()), form)


@app.command()
def published(form: Output = Form.markdown) -> None:
    """Compare published figures with counted ones."""
    from spinec.spec.library import names
    from spinec.spec.load import read
    from spinec.visualize.tables import published_table, report_of

    print_table(published_table(report_of(read(name).spec) for name in names()), form)


@app.command()
def conventions() -> None:
    """Say what each counting convention counts."""
    from spinec.compiler.conventions import CONVENTIONS

    for name, convention in CONVENTIONS.items():
        typer.echo(f"{name}: {convention.doc}")
