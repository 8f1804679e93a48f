"""What differs between two specs: random edits are found exactly, whatever blocks are called."""

import json
import random

import pytest

from spinec import cost, load, loads, lower, names
from spinec.spec.dump import dump
from spinec.visualize.diagram.matching import match_blocks
from spinec.visualize.difference import diff

D0 = load("eff-spinenet-d0")


def blocks_of(spec):
    """A spec's blocks as plain data that can be edited."""
    data = spec.model_dump(by_alias=True, exclude_defaults=True)
    blocks = {}
    for name, block in spec.blocks.items():
        inputs = [given["from"] if len(given) == 1 else given for given in data["blocks"][name]["inputs"]]
        blocks[name] = {
            "kind": block.kind,
            "level": block.level,
            "dim": block.dim,
            "repeats": block.repeats,
            "inputs": inputs,
        }
        if block.kind == "mbconv":
            blocks[name]["kernel"] = block.kernel
    return blocks


def spec_of(blocks, outputs):
    lines = [f"  {name}: {json.dumps(block)}" for name, block in blocks.items()]
    named = ", ".join(f"{name}: {block}" for name, block in outputs.items())
    return loads("\n".join(["name: edited", "input: {size: 64}", "blocks:", *lines, f"outputs: {{{named}}}", ""]))


class Edit:
    """A random edit script on blocks, and what it should be found to have done."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.blocks = blocks_of(D0)
        self.outputs = dict(D0.outputs)
        self.old_names = {name: name for name in self.blocks}  # by new name
        self.changed, self.added, self.removed = {}, set(), set()
        self.touched = set()
        for step in self.random.choices(
            [self.set_field, self.rewire, self.add, self.remove], k=self.random.randint(0, 5)
        ):
            step()

    def pick(self):
        return self.random.choice([name for name in self.blocks if name not in self.touched and name != "stem"])

    def readers(self, name):
        return [reader for reader, block in self.blocks.items() if name in block["inputs"]]

    def set_field(self):
        name = self.pick()
        field = self.random.choice(["dim", "repeats", "kernel"])
        before = self.blocks[name][field]
        self.blocks[name][field] = self.random.choice([value for value in (1, 3, 5, 7, 9, 11) if value != before])
        self.note(name, field)

    def rewire(self):
        name = self.pick()
        order = list(self.blocks)
        block = self.blocks[name]
        earlier = [each for each in order[: order.index(name)] if each not in block["inputs"]]
        spare = [source for source in block["inputs"] if len(self.readers(source)) > 1]
        if earlier and spare and len(block["inputs"]) > 1:
            source = self.random.choice(spare)
            block["inputs"][block["inputs"].index(source)] = self.random.choice(earlier)
            self.note(name, "inputs")

    def add(self):
        order = list(self.blocks)
        at = self.random.randrange(4, len(order))
        new, sources = f"n{len(self.added)}", self.random.sample(order[:at], 2)
        reader = self.random.choice([name for name in order[at:] if name not in self.added])
        items = list(self.blocks.items())
        items.insert(
            at, (new, {"kind": "residual", "level": 3, "dim": 7 + len(self.added), "repeats": 1, "inputs": sources})
        )
        self.blocks = dict(items)
        self.blocks[reader]["inputs"].append(new)
        self.added.add(new)
        self.touched |= {new, reader}
        self.note(reader, "inputs")

    def remove(self):
        gone = [name for name in self.blocks if name not in self.outputs.values() and name not in self.touched]
        gone = [name for name in gone if all(len(self.blocks[reader]["inputs"]) > 1 for reader in self.readers(name))]
        gone = [name for name in gone if all(len(self.readers(source)) > 1 for source in self.blocks[name]["inputs"])]
        if gone:
            name = self.random.choice(gone)
            for reader in self.readers(name):
                self.blocks[reader]["inputs"].remove(name)
                self.note(reader, "inputs")
            del self.blocks[name]
            self.removed.add(name)
            self.changed.pop(name, None)

    def note(self, name, field):
        self.touched.add(name)
        if name not in self.added:
            self.changed.setdefault(name, set()).add(field)


def found(difference):
    changed = {
        block.before: {change.field for change in block.changes}
        for block in difference.blocks
        if block.status == "changed"
    }
    added = {block.after for block in difference.blocks if block.status == "added"}
    return changed, added, {block.before for block in difference.blocks if block.status == "removed"}


BASE = spec_of(blocks_of(D0), D0.outputs)


@pytest.mark.parametrize("first", range(0, 1000, 250))
def test_a_thousand_edit_scripts_are_found_exactly(first):
    base = cost(lower(BASE))
    for seed in range(first, first + 250):
        edit = Edit(seed)
        edited = cost(lower(spec_of(edit.blocks, edit.outputs)))
        difference = diff(base, edited)
        assert found(difference) == (edit.changed, edit.added, edit.removed), f"seed {seed}"
        assert [change for change in difference.settings if change.field.startswith("outputs")] == [], f"seed {seed}"
        back = diff(edited, base)
        assert found(back) == (edit.changed, edit.removed, edit.added), f"seed {seed}"
        rows = difference.table.rows
        macs = difference.macs
        assert sum(row[3] or 0 for row in rows) == macs[1] - macs[0]


@pytest.mark.parametrize("seed", range(100))
def test_names_are_no_part_of_the_topology(seed):
    """Renamed, shuffled names and all, every block is found again, and one edit is still one change."""
    source = random.Random(seed)
    fresh = [f"x{i}" for i in range(len(BASE.blocks))]
    source.shuffle(fresh)
    new = dict(zip(BASE.blocks, fresh, strict=True)) | {"image": "image"}
    blocks = blocks_of(BASE)
    renamed = {
        new[name]: {**block, "inputs": [new[each] for each in block["inputs"]]} for name, block in blocks.items()
    }
    name = source.choice([each for each in BASE.blocks if each != "stem"])
    renamed[new[name]]["dim"] += 3
    edited = spec_of(renamed, {output: new[block] for output, block in BASE.outputs.items()})
    difference = diff(BASE, edited)
    assert {block.before: block.after for block in difference.blocks} == {each: new[each] for each in BASE.blocks}
    beyond = {
        block.before: [change.field for change in block.changes]
        for block in difference.blocks
        if len(block.changes) > 1
    }
    assert beyond == {name: ["name", "dim"]}


def test_a_renumbered_spec_by_topology():
    """A block in front and every number one higher: by name all differ, by topology one was added."""
    blocks = blocks_of(BASE)
    new = {name: name if name in ("stem", "b1") else f"b{int(name[1:]) + 1}" for name in blocks} | {"image": "image"}
    shifted = {}
    for name, block in blocks.items():
        shifted[new[name]] = {**block, "inputs": [new[each] for each in block["inputs"]]}
        if name == "b1":
            shifted["b2"] = {"kind": "residual", "level": 1, "dim": 16, "repeats": 1, "inputs": ["b1"]}
    shifted["b3"]["inputs"] = ["b2"]
    edited = spec_of(shifted, {output: new[block] for output, block in BASE.outputs.items()})
    by_name, by_topology = diff(BASE, edited), diff(BASE, edited, by="topology")
    assert by_name.count_beyond_names > 15
    assert by_topology.count_beyond_names == 2, "the new block, and the one that reads it"
    assert [block.name for block in by_topology.blocks if block.status == "added"] == ["b2"]


@pytest.mark.parametrize("name", names())
def test_a_spec_does_not_differ_from_itself(name):
    spec = load(name)
    assert diff(spec, loads(dump(spec))).is_empty
    assert match_blocks(spec, spec, "topology") == dict(zip(spec.blocks, spec.blocks, strict=True))


def test_the_order_of_inputs_matters():
    """Weights of a fusion and the places of a concatenation go by it."""
    blocks = blocks_of(BASE)
    blocks["b5"]["inputs"].reverse()
    difference = diff(BASE, spec_of(blocks, BASE.outputs))
    assert found(difference) == ({"b5": {"inputs"}}, set(), set())


def test_settings_of_the_whole_spec():
    fields = [change.field for change in diff(D0, load("eff-spinenet-d1")).settings]
    assert fields == ["input.size", "endpoints.dim", "head.dim"]


def test_the_diff_as_data_and_as_text(golden):
    from test_golden import GOLDEN

    difference = diff(D0, load("eff-spinenet-d0-classification"))
    golden(GOLDEN / "pictures" / "diff.json", json.dumps(difference.to_dict(), indent=2, ensure_ascii=False) + "\n")
    golden(GOLDEN / "pictures" / "diff.md", difference.table.to_text("markdown") + "\n")


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_pictures_of_differences_are_readable(seed):
    from test_layout import check, shared_lines

    edit = Edit(seed)
    drawing = diff(BASE, spec_of(edit.blocks, edit.outputs)).draw()
    check(drawing.picture)
    assert not list(shared_lines(drawing.picture))
    statuses = {box.name: box.status for box in drawing.picture.boxes}
    assert {name for name, status in statuses.items() if status == "added"} == edit.added
    assert {name for name, status in statuses.items() if status == "removed"} == edit.removed
