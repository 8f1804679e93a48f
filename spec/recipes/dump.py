"""Recipe -> YAML."""

from __future__ import annotations

from spinec.spec.dump import flow
from spinec.spec.format import format_text
from spinec.spec.recipes.model import Recipe


def dump_recipe(recipe: Recipe) -> str:
    """The text of a recipe, without what is a default anyway; loading it gives an equal recipe."""
    data = {"recipe": recipe.recipe, **recipe.model_dump(exclude_defaults=True)}
    if drops := data["schedule"].get("drops"):
        data["schedule"]["drops"] = {f"{epoch:g}": factor for epoch, factor in drops.items()}
    return format_text("\n".join(f"{key}: {flow(value)}" for key, value in data.items()))
