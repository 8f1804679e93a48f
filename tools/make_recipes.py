"""The tables of the page of recipes: what ships, what a recipe may say, and the command for each row of the paper."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from make_language import fields_table, phrase
from pydantic import TypeAdapter

from spinec import load, lower, names, training_cost
from spinec.spec.document import read_text
from spinec.spec.recipes.load import load_recipe, recipes
from spinec.spec.recipes.model import Recipe
from spinec.train.beginning import default_recipe
from spinec.train.rates import Rates
from spinec.visualize.table.table import Table

PAPER = "arXiv 2010.11426"
EXTENDS = "a recipe of the library, or a file beside this one, to start from"
SECTIONS = ("Data", "Augment", "Optimizer", "Schedule", "Warmup", "Average", "Evaluate")
IMAGES = {"classification": 1_281_167, "segmentation": 10_582}  # to learn from; COCO has as below
COCO = 118_287
PEAK, BANDWIDTH = 989e12, 3.35e12  # H100 SXM: operations and bytes a second, bfloat16 (NVIDIA's data sheet)
FOLDERS = {"classification": "imagenet", "segmentation": "voc"}
ONE_SCALE = "augment.scale=[1, 1]"
D2 = "eff-spinenet-d2"


class Row(NamedTuple):
    """A row of a table of the paper: how it was trained, and what came of it."""

    table: int
    what: str
    score: str
    spec: str
    settings: tuple[str, ...] = ()
    printed: bool = False
    """Whether the table prints what the network costs."""


ABLATIONS = (
    Row(4, "ReLU, no squeeze-excite, one scale", "AP 32.2", f"{D2}-relu-no-squeeze-excite", (ONE_SCALE,)),
    Row(4, "and squeeze-excite", "AP 32.6", f"{D2}-relu", (ONE_SCALE,)),
    Row(4, "and multi-scale training", "AP 40.1", f"{D2}-relu"),
    Row(4, "and swish", "AP 42.1", f"{D2}-no-stochastic-depth"),
    Row(4, "and stochastic depth", "AP 42.5", D2),
    Row(5, "72 epochs", "AP 34.8", D2, ("schedule.epochs=72",)),
    Row(5, "200 epochs", "AP 40.0", D2, ("schedule.epochs=200",)),
    Row(5, "350 epochs", "AP 41.4", D2, ("schedule.epochs=350",)),
    Row(5, "500 epochs", "AP 42.1", D2, ("schedule.epochs=500",)),
    Row(5, "650 epochs", "AP 42.5", D2),
)  # fmt: skip


def recipe_tables() -> dict[str, str]:
    """Every generated table of the page by the name of its mark."""
    whole: dict[str, Any] = TypeAdapter(Recipe).json_schema()
    parts = whole["$defs"]
    sections = {f"recipe-{name.lower()}": fields_table(parts[name], ()) for name in SECTIONS}
    return {"recipes": _recipes(), "recipe-document": _document(whole, parts), **sections, "paper-rows": _rows()}


def _recipes() -> str:
    rows = []
    for name, path in recipes().items():
        own = read_text(path.read_text(encoding="utf-8"), path.name).mapping
        recipe = load_recipe(name)
        extends = f"`{own['extends'].value}`" if "extends" in own else ""
        rows.append([f"`{name}`", recipe.says, extends, recipe.source or "spinec's own"])
    return Table("", ("recipe", "what it is for", "extends", "source"), rows).to_text("markdown")


def _document(whole: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    rows = []
    for name, field in [*whole["properties"].items(), ("extends", {"description": EXTENDS})]:
        own = next((each["$ref"].rpartition("/")[2] for each in (field, *field.get("anyOf", ())) if "$ref" in each), "")
        key = f"[`{name}`](#{own.lower()})" if own else f"`{name}`"
        default = field.get("default", "")
        shown = "required" if name in whole["required"] else "" if own or default == "" else f"`{str(default).lower()}`"
        about = field.get("description") or phrase(parts[own]["description"])
        rows.append([key, "mapping" if own else _type(field), shown, about])
    return Table("", ("key", "what it is", "default", "what it says"), rows).to_text("markdown")


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{choice}`" for choice in field["enum"])
    return {"integer": "whole number", "boolean": "`true`, `false`"}.get(field.get("type", ""), "text")


def paper_rows() -> Iterator[Row]:
    """The rows of the paper's tables of results, in their order."""
    found = list(ABLATIONS)
    for name in names():
        published = load(name).published
        if published is not None and published.table.startswith(f"{PAPER} Table "):
            score = f"{published.metric} {published.score}"
            found.append(Row(int(published.table.split()[-1]), name, score, name, (), printed=True))
    yield from sorted(found, key=lambda row: row.table)


def command(row: Row) -> str:
    """What trains it."""
    recipe = default_recipe(load(row.spec))
    words = ["spinec", "train", row.spec, "--data", FOLDERS.get(recipe, "coco")]
    words += ["--weights", "detector.safetensors"] if recipe == "segmentation" else []
    return shlex.join([*words, *(word for setting in row.settings for word in ("--set", setting))])


def effort(row: Row) -> tuple[float, float]:
    """Multiply-adds of a whole run, and the hours that an accelerator takes at its peak.

    It multiplies, or moves what is kept for the backward pass: once out to memory and once back, in bfloat16.
    """
    spec = load(row.spec)
    name = default_recipe(spec)
    recipe = load_recipe(name, row.settings)
    images = Rates(recipe, IMAGES.get(name, COCO) / recipe.batch).steps * recipe.batch
    step = training_cost(lower(spec))
    seconds = max(2 * step.macs / PEAK, step.kept_bytes / BANDWIDTH)  # half of 4 bytes, twice
    return images * step.macs, images * seconds / 3600


def _rows() -> str:
    rows = []
    for row in paper_rows():
        spec = load(row.spec)
        cost = [spec.published.macs, spec.published.params or ""] if row.printed and spec.published else ["", ""]
        macs, hours = effort(row)
        rows.append(
            [
                f"Table {row.table}",
                row.what,
                row.score,
                *map(str, cost),
                f"{macs:.1e}",
                f"{hours:,.1f}",
                f"`{default_recipe(spec)}`",
                f"`{command(row)}`",
            ]
        )
    columns = ("table", "row", "score", "multiply-adds", "parameters", "of the run", "hours", "recipe", "command")
    return Table("", columns, rows).to_text("markdown")
