"""Spaces: what can be chosen is what the document says, every candidate is a sound spec, and counts are exact."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinec import cost, load, lower
from spinec.compiler.cost_model.counter import Counter
from spinec.compiler.resources.candidates import Space as Betas
from spinec.compiler.resources.spaces import ChoiceSpace
from spinec.spec.dump import dump
from spinec.spec.errors import SpecError
from spinec.spec.format import format_text
from spinec.spec.library import names
from spinec.spec.load import loads
from spinec.spec.spaces.load import Space, load_space, loads_space, spaces

TINY = """space: tiny
input: {size: 64}
defaults: {kind: conv, activation: relu}
blocks:
  b1: {level: 1, dim: 8, inputs: [image]}
  b2: {level: 2, dim: 8, inputs: [b1]}
  b3: {level: 3, dim: %s, inputs: [b2]}
  b4: {level: 3, dim: 16, inputs: %s}
outputs: {x: b4}
"""


def tiny(dim: str = "16", inputs: str = "[b3]", more: str = "") -> Space:
    return loads_space(TINY % (dim, inputs) + more)


def every(space: Space) -> list[dict]:
    return [dict(zip(space.parameters, values, strict=True)) for values in product(*space.parameters.values())]


def test_a_list():
    space = tiny("{choose: [8, 16, 24]}")
    assert space.parameters == {"b3.dim": (8, 16, 24)}
    assert [space.spec(chosen).blocks["b3"].dim for chosen in every(space)] == [8, 16, 24]


@pytest.mark.parametrize(
    ("choice", "values"),
    [
        ("{from: 8, to: 24, step: 8}", (8, 16, 24)),
        ("{from: 8, to: 9, step: 1}", (8, 9)),
    ],
)
def test_a_range(choice, values):
    assert tiny(f"{{choose: {choice}}}").parameters == {"b3.dim": values}


def test_a_range_of_shares():
    space = loads_space(
        (TINY % ("16", "[b3]")).replace(
            "b2: {", "b2: {kind: mbconv, squeeze: {choose: {from: 0.1, to: 0.4, step: 0.1}}, "
        )
    )
    assert space.parameters == {"b2.squeeze": (0.1, 0.2, 0.3, 0.4)}


def test_inputs_are_drawn_and_a_block_that_nobody_reads_joins_the_output():
    space = tiny(inputs="{choose: 2, from: earlier}")
    assert space.parameters == {"b4.inputs": ("b1 b2", "b1 b3", "b2 b3")}
    found = [[each.block for each in space.spec(chosen).blocks["b4"].inputs] for chosen in every(space)]
    assert found == [["b1", "b2", "b3"], ["b1", "b3"], ["b2", "b3"]]


def test_inputs_are_drawn_from_a_list():
    assert tiny(inputs="{choose: 1, from: [b1, b3]}").parameters == {"b4.inputs": ("b1", "b3")}


def test_a_choice_within_another_counts_only_where_that_is_taken():
    mapping = "{choose: [{kind: mbconv, expand: {choose: [1, 6]}}, {kind: residual}]}"
    space = loads_space(
        (TINY % ("16", "[b3]")).replace(
            "b3: {level: 3, dim: 16, inputs: [b2]}", f"b3: {{level: 3, dim: 16, inputs: [b2], {mapping[1:-1]}}}"
        )
    )
    assert space.parameters == {"b3": ("mbconv", "residual"), "b3.mbconv.expand": (1, 6)}
    assert space.used({"b3": "residual", "b3.mbconv.expand": 6}) == ("b3",)
    assert space.used({"b3": "mbconv", "b3.mbconv.expand": 6}) == ("b3", "b3.mbconv.expand")
    made = space.spec({"b3": "mbconv", "b3.mbconv.expand": 6}).blocks["b3"]
    assert (made.kind, made.expand, made.dim) == ("mbconv", 6, 16)


def test_a_choice_of_a_field_that_the_kind_lacks_is_none():
    own = "b3: {level: 3, kind: {choose: [mbconv, conv]}, expand: {choose: [1, 6]}, dim: 16, inputs: [b2]}"
    space = loads_space((TINY % ("16", "[b3]")).replace("b3: {level: 3, dim: 16, inputs: [b2]}", own))
    assert space.used({"b3.kind": "conv", "b3.expand": 6}) == ("b3.kind",)
    assert space.spec({"b3.kind": "conv", "b3.expand": 6}).blocks["b3"].kind == "conv"
    assert space.spec({"b3.kind": "mbconv", "b3.expand": 6}).blocks["b3"].expand == 6


def test_null_leaves_an_entry_out():
    space = tiny("16", more="head: {kind: classification, classes: 10, dropout: {choose: [null, 0.3]}}\n")
    given = [space.spec(chosen).head.dropout for chosen in every(space)]
    assert given[1] == 0.3
    assert given[0] != 0.3


def test_a_size_and_a_scale_can_be_chosen():
    text = "space: scaled\nextends: eff-spinenet-m0\nscale: {width: {choose: [0.5, 1.0]}, size: {choose: [256, 320]}}\n"
    space = loads_space(text)
    found = {(spec.input.size[0], spec.blocks["b5"].dim) for spec in map(space.spec, every(space))}
    own = load("eff-spinenet-m0")
    assert {size for size, _ in found} == {256, 320}
    assert {dim for _, dim in found} >= {own.blocks["b5"].dim}
    assert len(found) == 4


def test_defaults_are_one_choice_for_all_blocks():
    space = loads_space((TINY % ("16", "[b3]")).replace("kind: conv,", "kind: {choose: [conv, separable_conv]},"))
    assert space.parameters == {"defaults.kind": ("conv", "separable_conv")}
    spec = space.spec({"defaults.kind": "separable_conv"})
    assert {block.kind for block in spec.blocks.values()} == {"separable_conv"}


WRONG = {
    "one value": ("{choose: [16]}", "SPN-711", "b3.dim: expected 2 to 1,000 values"),
    "twice": ("{choose: [16, 16]}", "SPN-711", "16 is listed twice"),
    "nothing": ("{choose: }", "SPN-711", "expected what to choose from"),
    "text": ("{choose: many}", "SPN-711", "expected what to choose from"),
    "no step": ("{choose: {from: 8, to: 16}}", "SPN-711", "expected a range"),
    "a step too long": ("{choose: {from: 8, to: 16, step: 3}}", "SPN-711", "from 8 to 16 in steps of 3"),
    "a step back": ("{choose: {from: 8, to: 16, step: -8}}", "SPN-711", "steps of -8"),
    "too many": ("{choose: {from: 1, to: 5000, step: 1}}", "SPN-711", "from 1 to 5000"),
    "drawn dims": ("{choose: 2, from: earlier}", "SPN-711", "only the inputs of a block are drawn"),
    "beside": ("{choose: [8, 16], step: 8}", "SPN-711", "step beside choose"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_choice_is_said_at_its_place(name):
    dim, code, message = WRONG[name]
    with pytest.raises(SpecError) as caught:
        tiny(dim)
    [fault] = caught.value.faults
    assert fault.code == code
    assert message in fault.message
    assert (fault.place.line, fault.place.source.name) == (7, "<text>")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("{choose: 4, from: earlier}", "4 of 3 blocks can be drawn in 0 ways"),
        ("{choose: 3, from: earlier}", "in 1 ways"),
        ("{choose: 1, from: [b1, b9]}", "is no earlier block"),
        ("{choose: 1}", "drawn from what?"),
    ],
)
def test_what_is_wrong_with_drawn_inputs(inputs, message):
    with pytest.raises(SpecError, match=message):
        tiny(inputs=inputs)


def test_a_space_without_a_choice():
    with pytest.raises(SpecError, match="nothing is left to choose"):
        tiny()


def test_a_spec_is_no_space_and_a_space_is_no_spec():
    with pytest.raises(SpecError, match="expected a space"):
        loads_space(dump(load("eff-spinenet-d0")))
    with pytest.raises(SpecError, match="expected a spec, got a space"):
        loads(TINY % ("{choose: [8, 16]}", "[b3]"))


def test_a_candidate_that_is_no_spec_is_shown_at_its_place(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(TINY % ("{choose: [16, -3]}", "[b3]"))
    with pytest.raises(SpecError) as caught:
        load_space(file)
    faults = {fault.code: fault for fault in caught.value.faults}
    assert faults["SPN-204"].place.line == 7
    assert "b3.dim -3" in faults["SPN-713"].message


def test_what_is_not_chosen_is_said():
    space = tiny("{choose: [8, 16]}")
    for chosen in ({}, {"b3.dim": 12}):
        with pytest.raises(SpecError, match="SPN-713"):
            space.spec(chosen)


PERMUTED = """space: permuted
input: {size: 64}
defaults: {kind: conv, activation: relu}
blocks:
  b0: {level: 1, dim: 8, inputs: [image]}
  b1: {level: 2, dim: 8, inputs: [b0]}
  m1: {level: 2, dim: 8}
  m2: {level: 3, dim: 16}
  o1: {level: 2, dim: 8}
  o2: {level: 3, dim: 16}
outputs: {P2: o1, P3: o2}
permute: {stem: [b0, b1], middle: [m1, m2], outputs: [o1, o2], level: [0, 1], between: [2, 3], dims: {conv: {2: 8, 3: 16}}}
"""


def test_blocks_change_places_in_every_way():
    space = loads_space(PERMUTED)
    assert {name: len(values) for name, values in space.parameters.items()} == {
        "permute.middle.1": 2,
        "permute.outputs.1": 2,
        "m1.level": 2,
        "permute.inputs.2": 3,
        "permute.inputs.3": 6,
        "permute.inputs.4": 10,
    }
    texts = set()
    for chosen in every(space):
        spec = space.spec(chosen)
        order = [*spec.blocks]
        assert order[:2] == ["b0", "b1"]
        assert {*order[2:4]} == {"m1", "m2"}
        read = {each.block for block in spec.blocks.values() for each in block.inputs}
        assert {"m1", "m2"} <= read
        for name in order[2:]:
            inputs = [each.block for each in spec.blocks[name].inputs]
            assert len(inputs) >= 2
            assert all(order.index(each) < order.index(name) for each in inputs)
        assert spec.blocks["m1"].dim == {2: 8, 3: 16}[spec.blocks["m1"].level]
        assert (spec.blocks["o1"].level, spec.blocks["o2"].level) == (2, 3)
        texts.add(dump(spec))
    assert len(texts) == space.size == 2 * 2 * 2 * 3 * 6 * 10


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("middle: [m1, m2]", "middle: [m1, m9]", "no block 'm9'"),
        ("middle: [m1, m2]", "middle: [m1, m2, o1]", "'o1' is listed twice"),
        ("stem: [b0, b1]", "stem: [b1]", "2 inputs of 1 to 4 earlier blocks"),
        ("between: [2, 3]", "between: [5, 6]", "can have no level between"),
        (
            "  o1: {level",
            "  c: {level: 2, dim: 8, inputs: [m1]}\n  o1: {level",
            "'c' stays where it is, but reads 'm1'",
        ),
        ("level: [0, 1]", "level: []", "at least 1"),
    ],
)
def test_what_is_wrong_with_a_permutation(before, after, message):
    with pytest.raises(SpecError, match=message):
        loads_space(PERMUTED.replace(before, after))


def test_spinenet_49_is_a_candidate_of_its_space():
    """Its blocks take those of ResNet-50 in order; each level is that of one a level or two off."""
    space = load_space("spinenet-49-topology")
    wanted = load("spinenet-49")
    middle = [f"b{i}" for i in range(2, 12)]
    bases = dict(zip(middle, (2, 3, 3, 3, 4, 4, 4, 4, 4, 5), strict=True))
    outputs = ["b13", "b12", "b14", "b16", "b15"]
    theirs = [*middle, "b12", "b13", "b14", "b15", "b16"]
    ours = []
    free = sorted(middle, key=lambda name: bases[name])
    for name in middle:  # who can have the level that is wanted, the one furthest below first
        level = wanted.blocks[name].level
        found = next(each for each in free if bases[each] - 1 <= level <= bases[each] + 2)
        free.remove(found)
        ours.append(found)
    renamed = dict(zip(theirs, [*ours, *outputs], strict=True)) | {"b0": "b0", "b1": "b1"}
    position = {renamed[name]: f"@{i + 1}" for i, name in enumerate(theirs)} | {"b0": "b0", "b1": "b1"}
    chosen = {}
    for what, names_, all_ in (("middle", ours, middle), ("outputs", outputs, ["b12", "b13", "b14", "b15", "b16"])):
        rest = [*all_]
        for i, name in enumerate(names_[:-1]):
            chosen[f"permute.{what}.{i + 1}"] = rest.index(name)
            rest.remove(name)
    for i, name in enumerate(theirs):
        block = wanted.blocks[name]
        chosen[f"{renamed[name]}.kind"] = block.kind
        if name in middle:
            chosen[f"{renamed[name]}.level"] = block.level
        drawn = [position[renamed[each.block]] for each in block.inputs][:2]
        rank = ["b0", "b1", *(f"@{i + 1}" for i in range(15))].index
        chosen[f"permute.inputs.{i + 1}"] = " ".join(sorted(drawn, key=rank))
    chosen = {name: value for name, value in chosen.items() if name in space.parameters}
    assert chosen.keys() == space.parameters.keys()
    spec = space.spec(chosen)
    ours_, theirs_ = cost(lower(spec)), cost(lower(wanted))
    assert (ours_.macs(), ours_.params) == (theirs_.macs(), theirs_.params)
    for name in theirs:
        made, own = spec.blocks[renamed[name]], wanted.blocks[name]
        assert (made.kind, made.level, made.dim) == (own.kind, own.level, own.dim)
        assert {each.block for each in made.inputs} == {renamed[each.block] for each in own.inputs}


@pytest.mark.parametrize("name", spaces())
def test_every_candidate_of_the_library_loads_and_is_counted_exactly(name):
    space = ChoiceSpace(load_space(name))
    drawn = space.draw(40, seed=7)
    for i, chosen in enumerate(drawn):
        spec = space.made(chosen)
        assert loads(dump(spec)) == spec
        if i < 8:
            report = cost(lower(spec))
            assert space.figures(chosen) == (report.macs(), report.params)
            assert space.figures(chosen, "profiler")[0] == report.macs("profiler")


@pytest.mark.parametrize("name", spaces())
def test_every_value_is_drawn(name):
    space = ChoiceSpace(load_space(name))
    most = max(map(len, space.parameters.values()))
    drawn = space.draw(20 * most)
    for parameter, values in space.parameters.items():
        assert {each[parameter] for each in drawn} == set(values)


@pytest.mark.parametrize("name", spaces())
def test_a_space_written_out_is_the_same(name):
    space = load_space(name)
    again = loads_space(space.text)
    assert again.parameters == space.parameters
    for chosen in space.draw(5):
        assert again.spec(chosen) == space.spec(chosen)
    file = Path(spaces()[name])
    assert format_text(file.read_text()) == file.read_text()


def test_the_papers_space_is_a_redistribution():
    space, betas = ChoiceSpace(load_space("eff-spinenet-distribution")), Betas(load("sp-efficientnet-b0"))
    for vector in betas.draw(10):
        chosen = {f"{name}.beta": beta for name, beta in zip(betas.names, vector, strict=True)}
        assert space.made(chosen).blocks == betas.candidate(betas.dims(vector)).blocks
        own = dict(zip(betas.names, vector, strict=True))
        assert space.figures(chosen) == betas.figures(own)
        assert space.key(chosen) == betas.key(own)
    assert space.size == 5**18


def test_work_is_shared_out_after_the_other_choices_are_made():
    text = (
        "space: both\nextends: sp-efficientnet-b0\nblocks: {b5: {kernel: {choose: [3, 5]}}}\nshare: {betas: [1, 4]}\n"
    )
    space = ChoiceSpace(loads_space(text))
    assert space.parameters["b5.kernel"] == (3, 5)
    assert space.parameters["b5.beta"] == (1, 4)
    for chosen in space.draw(5):
        spec = space.made(chosen)
        assert spec.blocks["b5"].kernel == chosen["b5.kernel"]
        report = cost(lower(spec))
        assert space.figures(chosen) == (report.macs(), report.params)


def test_limits():
    space = ChoiceSpace(loads_space(TINY % ("{choose: [8, 16, 24, 400]}", "[b3]") + "limits: {params: 20K}\n"))
    drawn, tried = space.drawn(30)
    assert {each["b3.dim"] for each in drawn} == {8, 16, 24}
    assert tried >= 30
    none = ChoiceSpace(loads_space(TINY % ("{choose: [8, 16]}", "[b3]") + "limits: {macs: 10}\n"))
    assert none.drawn(3)[0] == []


@pytest.mark.parametrize("section", ["frozen: [b9]", "groups: [[b2, b9]]"])
def test_work_is_shared_among_blocks_that_are_there(section):
    with pytest.raises(SpecError, match="no block 'b9'"):
        tiny("{choose: [8, 16]}", more=f"share: {{{section}}}\n")


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("macs: 2.5X", "such as 2.5G"),
        ("latency: 8 s", "such as 8 ms"),
        ("params: -1", "above 0"),
        ("speed: 1", "speed"),
    ],
)
def test_what_is_wrong_with_limits(limit, message):
    with pytest.raises(SpecError, match=message):
        tiny("{choose: [8, 16]}", more=f"limits: {{{limit}}}\n")


@pytest.mark.parametrize("name", names())
def test_a_counter_counts_what_a_report_counts(name):
    counter = Counter()
    spec = load(name)
    for _ in range(2):  # the second time, all of it is known
        count, report = counter.count(spec), cost(lower(spec))
        assert (count.work, count.params, count.kernel_weights, count.activations) == (
            report.work,
            report.params,
            report.kernel_weights,
            report.activations,
        )


VALUES = st.lists(st.integers(1, 64), min_size=2, max_size=5, unique=True)


@settings(max_examples=40, deadline=None)
@given(VALUES, VALUES, st.sampled_from([3, 5, 7]), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_any_space(dims, others, kernel, number, seed):
    """Every way to choose gives a spec with just these values, and its count is that of the spec alone."""
    text = TINY.replace(
        "b2: {level: 2, dim: 8", f"b2: {{level: 2, dim: {{choose: {others}}}, kernel: {{choose: [1, {kernel}]}}"
    )
    inputs = f"{{choose: {number}, from: earlier}}" if number < 3 else "[b1, b2, b3]"
    space = ChoiceSpace(loads_space(text % (f"{{choose: {dims}}}", inputs)))
    [chosen] = space.draw(1, seed)
    spec = space.made(chosen)
    assert (spec.blocks["b3"].dim, spec.blocks["b2"].dim) == (chosen["b3.dim"], chosen["b2.dim"])
    assert spec.blocks["b2"].kernel == chosen["b2.kernel"]
    report = cost(lower(spec))
    assert space.figures(chosen) == (report.macs(), report.params)
    inputs = [each.block for each in spec.blocks["b4"].inputs]
    assert number > 2 or tuple(inputs[:number]) in combinations(["b1", "b2", "b3"], number)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loads(dump(spec)) == spec


def test_drawing_repeats():
    space = ChoiceSpace(load_space("mnasnet-operations"))
    assert space.draw(20, 3) == space.draw(20, 3) != space.draw(20, 4)
    assert np.ndim(space.size) == 0


def test_the_schema_describes_spaces():
    import yaml
    from jsonschema import Draft202012Validator

    from spinec.spec.schema import space_schema

    checker = Draft202012Validator(space_schema())
    sound = [yaml.safe_load(path.read_text()) for path in spaces().values()]
    sound += [yaml.safe_load(text) for text in (PERMUTED, TINY % ("{choose: [8, 16]}", "{choose: 2, from: earlier}"))]
    for document in sound:
        document = yaml.safe_load(__import__("json").dumps(document))
        assert not [*checker.iter_errors(document)]
    for wrong in ({"limits": {"macs": "2.5G", "speed": 1}}, {"input": {"size": {"choose": [1]}}}, {"permute": {}}):
        assert [*checker.iter_errors({**sound[0], **wrong})], wrong


def judged(spec) -> float:
    return -abs(cost(lower(spec)).macs() - 6e5)


@pytest.mark.skipif(find_spec("optuna") is None, reason="studies are Optuna's")
@pytest.mark.parametrize("strategy", ["reinforce", "evolution", "nsga2", "tpe", "random"])
def test_a_search_of_a_space_repeats_and_goes_on(tmp_path, strategy):
    """The same seed gives the same candidates; what is kept is enough to go on, and to make each of them again."""
    from spinec.search.plan import Plan
    from spinec.search.results import spec_of
    from spinec.search.run import search
    from spinec.search.study import read

    kind = "kind: {choose: [mbconv, conv]}, expand: {choose: [1, 6]}"
    text = (TINY % ("{choose: {from: 8, to: 64, step: 8}}", "{choose: 2, from: earlier}")).replace(
        "b2: {", f"b2: {{{kind}, "
    )
    found = []
    for run in ("a", "b"):
        plan = Plan(ChoiceSpace(loads_space(text)), "test_spaces:judged")
        told = {"strategy": strategy, "seed": 5, "evaluator": judged}
        storage = str(tmp_path / f"{run}.db")
        search(plan, storage, trials=15, **told)
        study = search(plan, storage, trials=30, resume=True, **told)
        trials = study.get_trials(deepcopy=False)
        found.append([(trial.params, trial.value) for trial in trials])
        _, kept = read(storage)
        for trial in trials[:10]:
            spec = spec_of(kept, trial)
            assert (judged(spec), spec.blocks["b3"].dim) == (trial.value, trial.params["b3.dim"])
        same = [trial for trial in trials if "equal_to" in trial.user_attrs]
        for trial in same:  # also those that differ in what a plain convolution has not
            assert trial.value == trials[trial.user_attrs["equal_to"]].value
    assert len(found[0]) == 30
    assert found[0][:15] == found[1][:15]
    assert found[0] == found[1]


@pytest.mark.skipif(find_spec("optuna") is None, reason="studies are Optuna's")
def test_a_study_of_another_space_is_not_gone_on_with(tmp_path):
    from spinec.search.plan import Plan
    from spinec.search.run import search
    from spinec.spec.errors import SearchError

    storage = str(tmp_path / "s.db")
    for dims, wrong in (("{choose: [8, 16]}", False), ("{choose: [8, 24]}", True)):
        plan = Plan(ChoiceSpace(tiny(dims)), "test_spaces:judged")
        if wrong:
            with pytest.raises(SearchError, match="another document"):
                search(plan, storage, trials=4, resume=True, evaluator=judged)
        else:
            search(plan, storage, trials=2, evaluator=judged)


@pytest.mark.skipif(find_spec("optuna") is None, reason="studies are Optuna's")
def test_no_candidate_of_a_search_is_over_a_limit_of_its_space(tmp_path, spinec, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("def score(spec):\n    return spec.blocks['b3'].dim\n")
    (tmp_path / "s.yaml").write_text(TINY % ("{choose: [8, 16, 24, 400]}", "[b3]") + "limits: {params: 20K}\n")
    code, _, err = spinec(
        *"search s.yaml --evaluator own:score --trials 12 --strategy random --seed 0 -o best.yaml".split()
    )
    assert code == 0, err
    best = load(tmp_path / "best.yaml")
    assert best.blocks["b3"].dim == 24
    assert best.origin.choices == {"b3.dim": 24}


def test_redistributions_are_counted_at_once():
    from spinec.compiler.resources.spaces import counted

    space = ChoiceSpace(load_space("eff-spinenet-distribution"))
    drawn = space.draw(50)
    found = counted(space, drawn)
    assert [(macs, params) for macs, params in zip(found.macs, found.params, strict=True)] == [
        space.figures(chosen) for chosen in drawn
    ]
    assert found.choices == drawn


def test_a_choice_of_a_field_that_no_kind_has_is_a_fault(tmp_path):
    """It is left out where the kind lacks it, so that a misspelt one would be in no candidate."""
    file = tmp_path / "s.yaml"
    file.write_text((TINY % ("16", "[b3]")).replace("b2: {level: 2,", "b2: {level: 2, kernle: {choose: [3, 5]},"))
    with pytest.raises(SpecError, match="no candidate depends on this choice") as caught:
        load_space(file)
    assert caught.value.faults[0].place.line == 6


def test_null_adds_nothing():
    text = (
        "space: both\nextends: sp-efficientnet-b0\nblocks: {b5: {choose: [null, {dim: 8, kernel: {choose: [3, 5]}}]}}\n"
    )
    space = loads_space(text)
    space.check()
    first, other = space.parameters["b5"]
    own = load("sp-efficientnet-b0").blocks["b5"]
    assert space.spec({"b5": first}).blocks["b5"] == own
    made = space.spec({"b5": other, f"b5.{other}.kernel": 5}).blocks["b5"]
    assert (made.dim, made.kernel, made.level) == (8, 5, own.level)


def test_a_space_that_is_misspelt_is_suggested(spinec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = spinec("sample", "spinenet-49-topolog", "-n", "1")
    assert (code, out) == (1, "")
    assert "did you mean 'spinenet-49-topology'?" in err


def test_a_folder_that_cannot_be_made_is_one_line(spinec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    code, _, err = spinec("sample", "spinenet-49-topology", "-n", "1", "-o", "taken/drawn")
    assert code == 1
    assert "taken/drawn" in err
    assert len(err.splitlines()) == 1
