"""What `scale` asks of a tree: another input size, wider or narrower blocks, blocks that run more often."""

from __future__ import annotations

from functools import partial

from spinec.spec.document import Item
from spinec.spec.errors import Fault, did_you_mean
from spinec.spec.fields import MAX_DIM
from spinec.spec.model import Image, Scale, scaled_dim
from spinec.spec.validate import validate, validate_given


def apply_scale(tree: Item, faults: list[Fault], own: Item | None = None) -> Item:
    """The tree with its `scale` applied to sizes, dims and repeats, and gone.

    Where the tree is a parent's with what a child says over it, the dims of the child's `own` tree stay as written.
    """
    entries = {key: item for key, item in tree.mapping.items() if key != "scale"}
    given = tree.mapping.get("scale")
    scale = validate(Scale, given, faults, "scale") if given else None
    if given and scale:
        entries = _scale_dims(entries, scale, faults, own)
        entries = _scale_repeats(entries, given, faults)
        entries = _scale_size(entries, given, faults)
    return tree._replace(value=entries)


def _scale_dims(entries: dict[str, Item], scale: Scale, faults: list[Fault], own: Item | None) -> dict[str, Item]:
    if scale.width == 1:
        return entries
    scaled = dict(entries)
    if "defaults" in entries and not _says(own, "defaults"):
        scaled["defaults"] = _scale_dim(entries["defaults"], scale, faults)
    if "blocks" in entries and isinstance(entries["blocks"].value, dict):
        blocks = {
            name: block if _says(own, "blocks", name) else _scale_dim(block, scale, faults)
            for name, block in entries["blocks"].value.items()
        }
        scaled["blocks"] = entries["blocks"]._replace(value=blocks)
    return scaled


def _says(own: Item | None, *path: str) -> bool:
    """Whether a child says the dim at a path itself."""
    return own is not None and own.find((*path, "dim")) is not None


def _scale_dim(item: Item, scale: Scale, faults: list[Fault]) -> Item:
    dim = item.mapping.get("dim")
    if dim is None or type(dim.value) is not int or not 0 < dim.value <= MAX_DIM:  # left for validation to name
        return item
    rounded = scaled_dim(dim.value, scale)
    if rounded > MAX_DIM:
        message = f"dim: {dim.value} scaled by width {scale.width:g} is {rounded}, expected at most {MAX_DIM}"
        faults.append(Fault("SPN-510", message, dim.place))
        return item
    return item._replace(value={**item.mapping, "dim": dim._replace(value=rounded)})


def _scale_repeats(entries: dict[str, Item], scale: Item, faults: list[Fault]) -> dict[str, Item]:
    blocks = dict(entries["blocks"].mapping) if "blocks" in entries else {}
    repeats = scale.mapping["repeats"].mapping if "repeats" in scale.mapping else {}
    for name, item in repeats.items():
        if name not in blocks:
            hint = partial(did_you_mean, name, blocks)
            faults.append(Fault("SPN-511", f"scale.repeats: no block {name!r} to repeat", item.key, hint))
        elif isinstance(blocks[name].value, dict):
            blocks[name] = blocks[name]._replace(value={**blocks[name].mapping, "repeats": item})
    return {**entries, "blocks": entries["blocks"]._replace(value=blocks)} if blocks else entries


def _scale_size(entries: dict[str, Item], scale: Item, faults: list[Fault]) -> dict[str, Item]:
    size = scale.mapping.get("size")
    image = entries.get("input", Item({}, scale.place, scale.key))
    if size is None or not isinstance(image.value, dict):
        return entries
    if "size" in image.value:  # what is replaced may be at fault all the same
        validate_given(Image, image._replace(value={"size": image.value["size"]}), faults, "input")
    return {**entries, "input": image._replace(value={**image.value, "size": size})}
