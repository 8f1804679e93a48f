"""Recipes of training as a table."""

from __future__ import annotations

from collections.abc import Iterable

from spinec.spec.recipes.model import Recipe
from spinec.visualize.table.table import Cell, Column, Columns, Table


def recipes_table(recipes: Iterable[Recipe]) -> Table:
    """Recipes: how long each trains, on how many images a step, at which rate, and what it is for."""
    rows: list[list[Cell]] = []
    told: list[list[Cell]] = []
    for each in recipes:
        schedule, optimizer = each.schedule, each.optimizer
        length = f"{schedule.epochs:g} epochs" if schedule.epochs else f"{schedule.steps:,} steps"
        common: list[Cell] = [each.batch, optimizer.kind, each.rate, each.says]
        rows.append([each.recipe, length, *common])
        told.append([each.recipe, schedule.epochs, schedule.steps, *common])
    columns: Columns = ["batch", Column("optimizer", rank=1), Column("rate", rank=2), "what"]
    data = Table("", ["recipe", "epochs", "steps", *columns], told)
    return Table("recipes", ["recipe", "length", *columns], rows, kind="recipes", data=data)
