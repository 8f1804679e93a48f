"""Norms and padding that a block says for itself: against PyTorch written out, in both frameworks, in counts and source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import spinec
from spinec import CostModel, SpecError, cost, emit, loads, lower
from spinec.compiler.advice.lint import lint
from spinec.compiler.resources.redistribute import redistribute
from spinec.compiler.resources.work import total_work
from spinec.spec.blocks import Norm
from spinec.spec.dump import dump
from spinec.spec.load import reads

MIXED = """
name: mixed
input: {size: [45, 70]}
norm: {epsilon: 1.0e-4}
resample: {down: depthwise}
blocks:
  stem: {level: 1, kind: conv, dim: 10, padding: same, activation: relu, inputs: [image]}
  b1: {level: 2, kind: residual, dim: 20, norm: {kind: group, groups: 5}, activation: relu, repeats: 2, inputs: [stem]}
  b2: {level: 2, kind: mbconv, dim: 15, norm: {epsilon: 0.01, momentum: 0.9}, inputs: [b1]}
  b3: {level: 3, kind: mbconv, dim: 20, norm: {kind: layer}, padding: same, inputs: [b2, stem]}
  b4: {level: 3, kind: conv, dim: 10, norm: false, inputs: [b3]}
  b5: {level: 2, kind: conv, dim: 10, norm: {kind: group, groups: 5}, fuse: {kind: concat}, inputs: [b4, b1, stem]}
  b6: {level: 4, kind: identity, dim: 15, norm: {epsilon: 0.1}, padding: same, inputs: [b2, b4]}
outputs: {P2: b5, P4: b6}
"""


def written_out(torch: Any) -> Any:
    """The stem and b1 of `MIXED`, by hand: a window of 'same' begins further on, and statistics are of four channels."""
    nn, pad = torch.nn, torch.nn.functional.pad

    class Residual(nn.Module):
        def __init__(self, given: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(given, 20, 3, stride, 1, bias=False)
            self.norm1 = nn.GroupNorm(5, 20, eps=1e-4)
            self.conv2 = nn.Conv2d(20, 20, 3, 1, 1, bias=False)
            self.norm2 = nn.GroupNorm(5, 20, eps=1e-4)
            self.shortcut = (
                nn.Sequential(nn.Conv2d(given, 20, 1, stride, bias=False), nn.GroupNorm(5, 20, eps=1e-4))
                if stride > 1
                else nn.Identity()
            )

        def forward(self, x: Any) -> Any:
            y = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
            return (y + self.shortcut(x)).relu()

    class WrittenOut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 10, 3, 2, bias=False)
            self.norm = nn.BatchNorm2d(10, eps=1e-4, momentum=0.01)
            self.b1 = nn.Sequential(Residual(10, 2), Residual(20, 1))

        def forward(self, image: Any) -> Any:
            x = pad(image, (0, 1, 1, 1))  # 45 x 70: one row above and below, one column at the right
            return self.b1(self.norm(self.conv(x)).relu())

    return WrittenOut()


@pytest.mark.parametrize("training", [False, True])
def test_it_is_what_it_says(training):
    torch = pytest.importorskip("torch")
    flop_counter = pytest.importorskip("torch.utils.flop_counter")
    torch.manual_seed(0)
    spec = spinec.loads(MIXED)
    first = {name: spec.blocks[name] for name in ("stem", "b1")}
    program = lower(spec.model_copy(update={"blocks": first, "outputs": {"P2": "b1"}}))
    model, by_hand = spinec.build(program).double(), written_out(torch).double()
    report = cost(program)
    own = [*model.state_dict().values()]
    assert len(own) == len(by_hand.state_dict())
    for weight in own:
        if weight.is_floating_point():
            weight.copy_(torch.rand_like(weight) + 0.1)
    by_hand.load_state_dict(dict(zip(by_hand.state_dict(), own, strict=True)))
    image = torch.randn(2, 3, 45, 70, dtype=torch.float64)
    torch.testing.assert_close(model.train(training)(image), by_hand.train(training)(image), rtol=1e-12, atol=1e-12)
    assert sum(weight.numel() for weight in by_hand.parameters()) == report.params
    with flop_counter.FlopCounterMode(display=False) as counter:
        by_hand.eval()(image[:1])
    assert counter.get_total_flops() == 2 * report.macs("conv")


def test_every_block_is_the_same_in_both_frameworks_and_learns_the_same():
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    from spinec.backends.verify import Course, compare

    program = lower(loads(MIXED))
    found = compare(program, "float64")
    assert found.worst.error <= found.bar
    course = Course(program, steps=2, batch=4).compare("float64")
    assert {each.value for each in course.statistics} == set(program.state)
    assert not {what: each for what, (each, bar) in course.worst.items() if not each.error <= bar}


def norms_of(block: str, text: str = MIXED) -> set[str]:
    """The norms that a block makes."""
    steps = lower(loads(text)).steps
    return {repr(step.op) for step in steps if step.op.category == "norm" and step.path.startswith(f"{block}.")}


def test_it_holds_for_the_body_and_for_what_resamples_and_fuses():
    assert norms_of("b1") == norms_of("b5") == {"GroupNorm(groups=5, epsilon=0.0001)"}
    assert norms_of("b3") == {"LayerNorm(epsilon=0.0001)"}
    paths = [step.path for step in lower(loads(MIXED)).steps if step.op.category == "norm"]
    assert {"b3.resample2.0.norm", "b5.fuse.norm", "b5.resample3.0.norm", "b5.body.norm"} <= {*paths}
    padded = {step.path for step in lower(loads(MIXED)).steps if getattr(step.op, "padding", "") == "same"}
    assert "b6.resample1.0.conv" in padded
    assert not any(path.startswith(("b1.", "b2.", "b5.")) for path in padded)


def test_what_a_block_does_not_say_is_the_specs():
    spec = loads(MIXED)
    assert spec.norm_of(spec.blocks["b1"]) == Norm(kind="group", groups=5, epsilon=1e-4)
    assert spec.norm_of(spec.blocks["b2"]) == Norm(epsilon=0.01, momentum=0.9)
    assert spec.norm_of(spec.blocks["b4"]) is spec.norm
    assert norms_of("b4") == norms_of("b6.body") == set()  # which norm there is says not whether there is one
    assert norms_of("b6") == {
        "BatchNorm(epsilon=0.1, momentum=0.99, zero_init=False, synchronized=False)",
    }


@pytest.mark.parametrize("groups", [5, 7, 48])
def test_many_candidates_cost_what_each_of_them_does(groups):
    text = re.sub(r"groups: 5", f"groups: {groups}", MIXED)
    text = re.sub(r"dim: (10|15|20)", lambda dim: f"dim: {int(dim[1]) // 5 * groups}", text)
    spec = loads(text)
    dims = [block.dim for block in spec.blocks.values()]
    report = cost(lower(spec))
    model = CostModel(spec)
    for convention in ("conv", "profiler", "torch"):
        assert model.macs([dims], convention=convention)[0] == report.macs(convention)
    assert model.params([dims])[0] == report.params


def test_equation_2_and_what_is_shared_out_anew_do_not_depend_on_it():
    plain = loads(re.sub(r", (norm: \{[^}]*\}|padding: same)", "", MIXED))
    assert plain.blocks["b3"].norm is None
    assert plain.blocks["b3"].padding is None
    spec = loads(MIXED)
    assert total_work(spec) == total_work(plain) > 0
    betas = [1 + i for i in range(sum(block.definition.takes_part for block in spec.blocks.values()))]
    shared = redistribute(spec, betas, multiple=5)
    dims = {name: block.dim for name, block in redistribute(plain, betas, multiple=5).blocks.items()}
    assert {name: block.dim for name, block in shared.blocks.items()} == dims != {}
    assert shared.blocks["b1"].own_norm == spec.blocks["b1"].own_norm
    assert shared.blocks["b3"].padding == "same"


def test_training_keeps_what_the_blocks_own_norm_keeps():
    """A batch norm keeps two numbers a channel of the whole batch, a layer norm two a pixel of each image."""
    kept = {}
    for kind in ("batch", "layer"):
        text = f"""
name: a
input: {{size: 16}}
norm: {{kind: layer}}
blocks: {{b: {{level: 0, kind: conv, dim: 8, kernel: 1, norm: {{kind: {kind}}}, activation: none, inputs: [image]}}}}
outputs: {{P0: b}}
"""
        report = cost(lower(loads(text)))
        (norm,) = (step for step in report.program.steps if step.op.category == "norm")
        kept[kind] = norm.op.kept(norm.output, *norm.input_shapes)
    assert kept["batch"].batch_bytes == 2 * 4 * 8
    assert not kept["batch"].image_bytes
    assert kept["layer"].image_bytes == 2 * 4 * 16 * 16
    assert not kept["layer"].batch_bytes


def test_source_has_the_commonest_norm_at_its_top_and_every_other_where_it_is():
    one = re.sub(r", momentum: 0.9", "", MIXED)  # a model takes a momentum where all batch norms have one
    for text, argument in ((MIXED, False), (one, True)):
        source = emit(lower(loads(text)), "pytorch")
        assert ("norm_momentum" in source) is argument
        assert "batch_norm = partial(nn.BatchNorm2d, eps=0.1, momentum=" in source
        assert source.count("nn.BatchNorm2d(") == 1 + 3  # of the stem, and of b2
        assert {f"{name}(" for name in ("nn.GroupNorm", "LayerNorm2d", "batch_norm")} <= {
            *re.findall(r"[\w.]+\(", source)
        }
    assert "batch_norm = partial(" in emit(lower(loads(one)), "tensorflow")


@pytest.mark.parametrize("backend", ["pytorch", "tensorflow"])
def test_live_norms_have_the_settings_of_their_block(backend):
    pytest.importorskip("torch" if backend == "pytorch" else "keras")
    program = lower(loads(MIXED))
    model = spinec.build(program, backend)
    if backend == "pytorch":
        made = {name: (type(m).__name__, m.eps) for name, m in model.named_modules() if hasattr(m, "eps")}
        assert model.b2.expand_norm.momentum == pytest.approx(0.1)
        assert model.stem.norm.momentum == pytest.approx(0.01)
    else:
        made = {each.name: (type(each).__name__, each.epsilon) for each in model.layers if hasattr(each, "epsilon")}
        momenta = {each.name: each.momentum for each in model.layers if hasattr(each, "momentum")}
        assert momenta["b2.expand_norm"] == 0.9
        assert momenta["stem.norm"] == 0.99
    expected = {step.module: step.op.epsilon for step in program.steps if step.op.category == "norm"}
    assert {name: made[name][1] for name in expected} == pytest.approx(expected)
    kinds = {"BatchNorm": "BatchNorm", "LayerNorm": "LayerNorm", "GroupNorm": "GroupNorm"}
    for step in program.steps:
        if step.op.category == "norm":
            assert made[step.module][0].startswith(kinds[type(step.op).__name__][:5])


def test_docstrings_name_the_norm():
    source = emit(lower(loads(MIXED)), "pytorch")
    classes = re.findall(r'class \w+\(nn.Module\):\n    """([^"]*)"""(.*?)(?=\nclass |\Z)', source, re.S)
    for doc, body in classes:
        for kind, word in (("batch", "batch_?norm"), ("layer", "LayerNorm2d"), ("group", "nn.GroupNorm")):
            assert f"{kind} norm" not in doc or re.search(word, body, re.IGNORECASE), doc


# --------------------------------------------------------------------------------------------------------- the text


def test_it_is_written_as_it_was_read():
    spec = loads(MIXED)
    text = dump(spec)
    assert loads(text) == spec
    assert dump(loads(text)) == text
    assert "norm: {kind: group, groups: 5}" in text
    assert "norm: false" in text
    assert "padding: same" in text
    said = "norm: {kind: batch, epsilon: 0.001}, padding: symmetric"  # the usual values, which are not the spec's here
    head = "padding: same\nnorm: {kind: group, groups: 5, epsilon: 1.0e-4}"
    other = MIXED.replace("norm: {kind: layer}, padding: same", said).replace("norm: {epsilon: 1.0e-4}", head)
    own = loads(other)
    assert said in dump(own)
    assert loads(dump(own)) == own


DEFAULTS = """
name: a
input: {size: 32}
defaults: {kind: mbconv, %s}
blocks:
  stem: {level: 1, kind: conv, dim: 8, inputs: [image]}
  b1: {level: 2, dim: 16, inputs: [stem]}
  b2: {level: 2, dim: 16, norm: {epsilon: 0.1}, padding: symmetric, inputs: [b1]}
  b3: {level: 2, kind: identity, dim: 16, inputs: [b1, b2]}
outputs: {P2: b3}
"""


def test_defaults_say_it_for_every_block_that_does_not():
    spec = loads(DEFAULTS % "norm: {kind: group, groups: 4}, padding: same")
    assert [block.padding for block in spec.blocks.values()] == ["same", "same", "symmetric", "same"]
    norms = [spec.norm_of(block) for block in spec.blocks.values()]
    assert norms == [Norm(kind="group", groups=4)] * 2 + [Norm(epsilon=0.1), Norm(kind="group", groups=4)]
    assert not norms_of("b3.norm", dump(spec))  # a kind that has none has none after it


def test_a_default_that_says_whether_is_for_kinds_that_can_leave_it_out():
    spec = loads(DEFAULTS % "norm: false")
    assert [block.norm for block in spec.blocks.values()][::3] == [False, False]
    assert spec.blocks["b1"].norm is None


def test_a_child_changes_part_of_it(tmp_path: Path):
    (tmp_path / "parent.yaml").write_text(DEFAULTS % "norm: {kind: group, groups: 4}")
    child = "name: b\nextends: parent.yaml\nblocks: {b1: {norm: {epsilon: 0.5}}, b2: {padding: null, norm: null}}\n"
    spec = reads(child, "b", tmp_path / "b.yaml").spec
    assert spec.norm_of(spec.blocks["b1"]) == Norm(epsilon=0.5)  # what replaces a default
    assert spec.blocks["b2"].own_norm == spec.blocks["stem"].own_norm
    own = (DEFAULTS % "expand: 2").replace("b1: {", "b1: {norm: {kind: group, groups: 4}, ")
    (tmp_path / "parent.yaml").write_text(own)
    spec = reads(child, "b", tmp_path / "b.yaml").spec
    assert spec.norm_of(spec.blocks["b1"]) == Norm(kind="group", groups=4, epsilon=0.5)


def test_a_fragment_says_it_of_its_blocks(tmp_path: Path):
    (tmp_path / "part.yaml").write_text(
        """
fragment: part
source: here
takes: [C2]
settings: {groups: 4, padding: same}
defaults: {kind: conv, norm: {kind: group, groups: $groups}, padding: $padding}
blocks: {n3: {level: 3, dim: 8, inputs: [$C2]}, n4: {level: 4, dim: 8, norm: false, inputs: [n3]}}
gives: {P3: n3, P4: n4}
"""
    )
    text = """
name: a
input: {size: 32}
blocks: {c2: {level: 2, kind: conv, dim: 8, inputs: [image]}}
neck: {fragment: part.yaml, C2: c2, groups: 2}
"""
    spec = reads(text, "a", tmp_path / "a.yaml").spec
    assert spec.norm_of(spec.blocks["n3"]) == Norm(kind="group", groups=2)
    assert [block.padding for block in spec.blocks.values()] == [None, "same", "same"]
    assert spec.blocks["n4"].norm is False


@pytest.mark.parametrize("sort", ["integer", "number"])
def test_a_field_of_a_kind_called_norm_says_whether_there_is_one(sort):
    kind = "kinds: {own: {says: A, fields: {norm: {type: %s, default: %s}}, steps: {a: {conv: dim, norm: %s}}}}\n"
    text = "name: a\n%sblocks: {b: {kind: own, level: 0, dim: 8, inputs: [image]%s}}\noutputs: {P0: b}\n"
    with pytest.raises(SpecError, match=r"2:33: field name 'norm' is taken: every block says there which"):
        loads(text % (kind % (sort, 1, "true"), ""))
    boolean = kind % ("boolean", "false", "norm")
    assert not norms_of("b", text % (boolean, ""))
    assert not norms_of("b", text % (boolean, ", norm: {kind: layer}"))
    assert norms_of("b", text % (kind % ("boolean", "true", "norm"), ", norm: {kind: layer}")) == {
        "LayerNorm(epsilon=0.001)"
    }


LINTED = """\
name: a
input: {size: 64}
norm: {epsilon: 1.0e-5}
blocks:
  stem: {level: 1, kind: conv, dim: 16, inputs: [image]}
  b1: {level: 2, kind: mbconv, dim: 16, inputs: [stem]}
  b2: {level: 2, kind: mbconv, dim: 16, inputs: [b1, stem]}
  b3: {level: 2, kind: convnext, dim: 16, inputs: [b2]}
outputs: {P2: b3}
"""


@pytest.mark.parametrize(
    ("block", "said", "advice"),
    [
        ("stem", "padding: symmetric", "stem: 'padding' has no effect as the spec says the same"),
        ("stem", "padding: same", ""),
        ("b2", "padding: same", "b2: 'padding' has no effect where no window strides"),
        ("b2, kernel: 1", "padding: same", "b2: 'padding' has no effect where no window strides"),
        ("b1", "norm: {epsilon: 1.0e-5}", "b1: 'norm' has no effect as the spec says the same"),
        ("b1", "norm: {}", "b1: 'norm' has no effect as the spec says the same"),
        ("b1", "norm: {epsilon: 0.1}", ""),
        ("b1", "norm: {kind: group, groups: 8}", ""),
        ("b1", "norm: {kind: batch, epsilon: 0.1}", "b1: 'kind' has no effect as the spec says the same"),
        ("b1", "norm: {kind: layer, momentum: 0.9}", "b1: 'momentum' has no effect on a norm of the kind 'layer'"),
        ("b3", "norm: {kind: layer}", "b3: 'norm' has no effect on a block without such a norm"),
    ],
)
def test_what_is_said_in_vain_is_named(block, said, advice):
    name, _, more = block.partition(", ")
    text = LINTED.replace(f"{name}: {{", f"{name}: {{{more + ', ' if more else ''}{said}, ")
    loaded = reads(text)
    assert [fault.message for fault in lint(loaded, cost(lower(loaded.spec)))] == ([advice] if advice else [])


def test_what_keeps_a_default_away_is_not_in_vain():
    text = LINTED.replace("blocks:", "defaults: {norm: {kind: layer}, padding: same}\nblocks:")
    text = text.replace("b1: {", "b1: {norm: {kind: batch}, padding: symmetric, ")
    loaded = reads(text)
    assert not lint(loaded, cost(lower(loaded.spec)))
    alone = LINTED.replace("blocks:", "defaults: {norm: {epsilon: 1.0e-5}, padding: symmetric}\nblocks:")
    loaded = reads(alone)
    messages = [fault.message for fault in lint(loaded, cost(lower(loaded.spec)))]
    assert messages == ["defaults: 'norm' has no effect", "defaults: 'padding' has no effect"]
