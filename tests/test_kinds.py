"""Kinds as documents: where they come from, what is wrong with them, what is said of their classes."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise
from pathlib import Path

import pytest

import spinec
from spinec.compiler.resources.work import total_work
from spinec.spec.kinds.formula import FormulaError, parse
from spinec.spec.kinds.library import KINDS, kind_files, library_kind
from spinec.spec.names import RESERVED
from spinec.spec.schema import schema

BLOCKS = """blocks:
  stem: {kind: conv, level: 1, dim: 16, inputs: [image]}
  b1: {kind: own, level: 2, dim: 24, inputs: [stem]}
outputs: {out: b1}
"""
OWN = "{says: A block, steps: {a: {conv: dim, kernel: 3, stride: stride, norm: true, act: $activation}}}"
WORDS_OF_SOURCE = "lambda class self super nn torch layers batch_norm conv2d name".split()


def spec_with(kind: str, blocks: str = BLOCKS) -> str:
    return f"name: a\ninput: {{size: 64}}\nkinds:\n  own: {kind}\n{blocks}"


@pytest.mark.parametrize("name", kind_files())
def test_every_kind_of_the_library_is_sound_and_says_what_it_is(name):
    kind = library_kind(name)
    assert kind.name == kind.document.kind == name
    assert kind.document.says
    assert all(field.says or field.type in ("kernel", "sides", "dilation") for field in kind.document.fields.values())


def test_no_two_kinds_of_the_library_look_alike_that_say_a_look():
    looks = [kind.definition.document.look for kind in KINDS.values() if kind.definition.document.look is not None]
    assert len(set(looks)) == len(looks)


def test_equal_documents_are_one_kind():
    first, second = spinec.loads(spec_with(OWN)), spinec.loads(spec_with(OWN))
    assert first == second
    assert type(first.blocks["b1"]) is type(second.blocks["b1"])
    assert pickle.loads(pickle.dumps(first)) == first
    other = spinec.loads(spec_with(OWN.replace("kernel: 3", "kernel: 5")))
    assert other != first


def test_a_kind_in_a_file_beside_the_spec(tmp_path: Path):
    (tmp_path / "own.yaml").write_text(f"kind: own\n{'says: A block'}\nsteps: {{a: {{conv: dim, stride: stride}}}}\n")
    (tmp_path / "spec.yaml").write_text("name: a\nkinds: {own: own.yaml}\n" + BLOCKS)
    spec = spinec.load(tmp_path / "spec.yaml")
    assert list(spec.kinds) == ["own"]
    assert spinec.loads(spinec.dump(spec)) == spec  # the document is written into the spec


def test_a_file_that_is_not_there_is_named_where_it_is_used(tmp_path: Path):
    (tmp_path / "spec.yaml").write_text("name: a\nkinds: {own: owm.yaml}\n" + BLOCKS)
    with pytest.raises(spinec.SpecError, match=r"spec.yaml:2:14: kinds: no file 'owm.yaml'"):
        spinec.load(tmp_path / "spec.yaml")


def test_a_kind_is_checked_alone(tmp_path: Path, spinec):
    for name, kind in kind_files().items():
        assert spinec("validate", kind)[:2] == (0, f"{kind}: valid, {len(library_kind(name).steps)} steps\n")
    (tmp_path / "a.yaml").write_text("kind: a\nsays: A\nsteps: {a: {kind: b}}\n")
    (tmp_path / "b.yaml").write_text("kind: b\nsays: B\nsteps: {a: {conv: dimm}}\n")
    assert "b.yaml:3:19: steps.a.conv: nothing is called 'dimm'" in spinec("validate", tmp_path / "a.yaml")[2]
    (tmp_path / "b.yaml").write_text("kind: b\nsays: B\nsteps: {a: {kind: a}}\n")
    assert "b.yaml:3:19: kind 'a' is made of itself: a <- b <- a" in spinec("validate", tmp_path / "a.yaml")[2]
    assert "a.yaml:1:1: expected a spec, got a kind of block" in spinec("cost", tmp_path / "a.yaml")[2]


def test_a_child_inherits_kinds(tmp_path: Path):
    (tmp_path / "parent.yaml").write_text(spec_with(OWN))
    (tmp_path / "child.yaml").write_text("name: b\nextends: parent.yaml\nblocks: {b1: {dim: 32}}\n")
    child = spinec.load(tmp_path / "child.yaml")
    assert child.blocks["b1"].dim == 32
    assert child.blocks["b1"].kind == "own"


def test_a_kind_of_its_own_serves_defaults_and_necks():
    blocks = "".join(f"  c{i}: {{level: {i}, dim: 8, inputs: [image]}}\n" for i in (3, 4, 5))
    neck = "neck: {fragment: fpn, C3: c3, C4: c4, C5: c5, dim: 8, kind: own}\n"
    fields = (
        "kernel: {type: kernel, default: 3}, norm: {type: boolean, default: true}, bias: {type: boolean, default: true}"
    )
    steps = "a: {conv: dim, kernel: kernel, bias: bias, stride: stride}, b: {norm: true, when: norm}"
    own = f"{{says: A block, fields: {{{fields}}}, steps: {{{steps}}}}}"
    spec = spinec.loads(f"name: a\nkinds: {{own: {own}}}\ndefaults: {{kind: own}}\nblocks:\n{blocks}{neck}")
    assert sum(block.kind == "own" for block in spec.blocks.values()) > 3


FAULTS = {
    "{says: A, steps: {a: {conv: dim * widht}}}": ("SPN-522", "nothing is called 'widht'"),
    "{says: A, steps: {a: {conv: dim, kernal: 3}}}": ("SPN-202", "did you mean 'kernel'?"),
    "{says: A, steps: {a: {conv: dim, act: rellu}}}": ("SPN-205", "did you mean 'relu'?"),
    "{says: A, steps: {a: {conv: dim, act: $activatoin}}}": ("SPN-522", "did you mean 'activation'?"),
    "{says: A, steps: {a: {convv: dim}}}": ("SPN-520", "did you mean 'conv'?"),
    "{says: A, steps: {a: {conv: dim, from: b}}}": ("SPN-523", "no earlier step is called 'b'"),
    "{says: A, steps: {a: {conv: dim}, b: {add: [a, c]}}}": ("SPN-523", "no earlier step is called 'c'"),
    "{says: A, steps: {a: {conv: dim}, b: {add: [a, 'a*']}}}": ("SPN-523", "write a"),
    "{says: A, steps: {a: {conv: dim, when: dim}}}": ("SPN-522", "expected true or false, got a number"),
    "{says: A, steps: {a: {conv: dim == 3}}}": ("SPN-522", "expected a number, got true or false"),
    "{says: A, steps: {a: {conv: dim *}}}": ("SPN-522", "expected a number, a name or '('"),
    "{says: A, steps: {a: {conv: dim, groups: 7}}}": ("SPN-316", "cannot take 24 channels to 24"),
    "{says: A, steps: {a: {conv: 2 * dim}}}": ("SPN-316", "gives 48 channels, not the 24 of its 'dim'"),
    "{says: A, steps: {a: {conv: dim, stride: 2 * stride}}}": ("SPN-316", "strides by 4, not by 2"),
    "{says: A, steps: {a: {global_pool: mean}, b: {conv: dim, stride: stride}}}": ("SPN-316", "gives one pixel"),
    "{says: A, steps: {a: {conv: dim / (dim - dim)}}}": ("SPN-316", "division by zero"),
    "{says: A, steps: {a: {kind: own}}}": ("SPN-525", "own <- own"),
    "{says: A, steps: {a: {kind: mbcon}}}": ("SPN-206", "did you mean 'mbconv'?"),
    "{says: A, steps: {a: {kind: mbconv, expnd: 3}}}": ("SPN-202", "did you mean 'expand'?"),
    "{says: A, steps: {a: {kind: conv, norm: false}}}": ("SPN-520", "and a field of conv as well"),
    "{says: A, steps: {a: {kind: squeeze_excite}}}": ("SPN-201", "missing key 'squeezed'"),
    "{says: A, fields: {f: {default: 3}}, steps: {a: {conv: f}}}": ("SPN-521", "either a 'type' or 'one_of'"),
    "{says: A, fields: {f: {type: kernel, default: 4}}, steps: {a: {conv: dim, kernel: f}}}": (
        "SPN-521",
        "4 is no value",
    ),
    "{says: A, fields: {f: {type: ratio, default: 1}}, steps: {a: {conv: dim}}}": (
        "SPN-524",
        "nothing uses the field 'f'",
    ),
    "{says: A, let: {f: dim}, steps: {a: {conv: dim}}}": ("SPN-524", "nothing uses the formula 'f'"),
    "{says: A, fields: {dim: {type: dim}}, steps: {a: {conv: dim}}}": ("SPN-304", "every block has it"),
    "{says: A, steps: {Conv: {conv: dim}}}": ("SPN-303", "step name 'Conv' is not allowed"),
    "{says: A, steps: {forward: {conv: dim}}}": ("SPN-304", "is taken by Python"),
    "{says: A, steps: {}}": ("SPN-520", "at least one step"),
    "{steps: {a: {conv: dim}}}": ("SPN-201", "missing key 'says'"),
    "[1, 2]": ("SPN-203", "expected a mapping"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_wrong_with_a_kind_is_said_at_its_line(kind):
    code, said = FAULTS[kind]
    with pytest.raises(spinec.SpecError) as caught:
        spinec.loads(spec_with(kind))
    found = {fault.code: str(fault) for fault in caught.value.faults}
    assert code in found, found
    assert said in found[code]
    line = 6 + 1 if code == "SPN-316" else 4  # of the block, or of the kind
    assert f"<text>:{line}:" in found[code]


def test_a_formula_in_quotes_is_wrong_at_its_character():
    for written, column in (("dim + dimm", 42), ('"dim + dimm"', 43), ("'max(dim, dimm)'", 46)):
        with pytest.raises(spinec.SpecError, match=f"<text>:4:{column}: steps.a.conv: nothing is called 'dimm'"):
            spinec.loads(spec_with(f"{{says: A, steps: {{a: {{conv: {written}}}}}}}"))


def test_a_formula_may_come_to_another_alone():
    let = "{first: dim // 2 + 1, second: first / ratio}"
    fields = "{ratio: {type: number, min: 1, max: 4, default: 1, says: a ratio}}"
    kind = f"{{says: A, fields: {fields}, let: {let}, inner: second, work: second * dim, "
    spec = spinec.loads(spec_with(kind + "steps: {a: {conv: second, stride: stride}, b: {conv: dim}}}"))
    assert spec.blocks["b1"].inner_dim == 13
    assert total_work(spec) == (24 // 2 + 1) * 24 * 16**2


def test_a_formula_that_no_dim_is_in_is_not_rounded():
    kind = "{says: A, let: {factor: 5 / 2}, steps: {a: {conv: in_dim * factor, stride: stride}, b: {conv: dim}}}"
    spec = spinec.loads(spec_with(kind))
    report = spinec.cost(spinec.lower(spec))
    assert report.by("block")["b1"].params == 16 * 40 + 40 * 24
    assert spinec.CostModel(spec).params([[16, 24]])[0] == report.params


def test_a_field_of_a_kind_within_may_be_called_as_a_setting_of_another_primitive():
    part = "part: {says: P, fields: {epsilon: {type: kernel, default: 3}}, steps: {a: {conv: dim, kernel: epsilon}}}"
    own = "{says: A, fields: {size: {type: kernel, default: 5}}, steps: {a: {kind: part, dim: dim, epsilon: size}}}"
    spec = spinec.loads(spec_with(own).replace("  own:", f"  {part}\n  own:"))
    assert spinec.lower(spec).weights["b1.body.a.a.kernel"] == (24, 24, 5, 5)


def test_repeats_that_do_not_fit_are_named():
    kind = "{says: A, steps: {a: {conv: dim, groups: in_dim / 8, stride: stride}}}"
    blocks = BLOCKS.replace("dim: 24", "dim: 20, repeats: 2").replace("dim: 16", "dim: 8")
    with pytest.raises(spinec.SpecError, match="expected a whole number from 1 to 16,777,216, got 5/2"):
        spinec.loads(spec_with(kind, blocks))


def test_what_nobody_takes_is_not_computed():
    kind = "{says: A, steps: {a: {conv: dim, stride: stride}, b: {conv: 3 * dim}, c: {act: relu, from: a}}}"
    program = spinec.lower(spinec.loads(spec_with(kind)))
    assert [name for name in program.weights if name.startswith("b1")] == ["b1.a.kernel"]


def test_a_kind_that_does_not_stride_has_its_input_resampled():
    kind = "{says: A, steps: {a: {conv: dim}}}"
    program = spinec.lower(spinec.loads(spec_with(kind)))
    assert any(name.startswith("b1.resample") for name in program.weights)


def test_classes_that_differ_in_a_part_or_an_activation_are_called_so():
    blocks = BLOCKS.replace("outputs: {out: b1}", "").rstrip() + (
        "\n  b2: {kind: own, level: 3, dim: 24, activation: relu, inputs: [b1]}\noutputs: {out: b2}\n"
    )
    source = spinec.emit(spinec.lower(spinec.loads(spec_with(OWN, blocks))))
    assert "class OwnSwish(" in source
    assert "class OwnRelu(" in source
    assert "V2" not in source


def test_the_schema_has_kinds_of_a_specs_own():
    assert "kinds" in schema()["properties"]


def test_a_kernel_of_two_sides_is_the_kernel_of_a_convolution_and_nothing_else():
    spec = spinec.loads(
        "name: a\nblocks:\n  b1: {level: 1, kind: conv, dim: 8, kernel: [1, 7], inputs: [image]}\noutputs: {P1: b1}\n"
    )
    assert spec.blocks["b1"].kernel == (1, 7)
    assert spinec.loads(spinec.dump(spec)) == spec
    assert spinec.cost(spinec.lower(spec, 32)).params == 3 * 7 * 8 + 2 * 8
    squared = spinec.loads(spinec.dump(spec).replace("[1, 7]", "[7, 7]"))
    assert squared.blocks["b1"].kernel == 7
    for steps in ("{conv: dim, kernel: size + 1}", "{conv: size}", "{pool: max, kernel: size}"):
        own = f"own: {{says: A, fields: {{size: {{type: sides, default: 3}}}}, steps: {{a: {steps}}}}}"
        with pytest.raises(spinec.SpecError, match="expected a number, got the sides of a kernel"):
            spinec.loads(f"name: a\nkinds: {{{own}}}\n{BLOCKS}")


@pytest.mark.parametrize(
    ("steps", "place", "says"),
    [
        ("{a: {conv: dim}, b: {spread: [a, x]}}", "4:", "what is spread is a map: expected one pixel, as global_pool"),
        ("{a: {conv: dim}, b: {multiply: [x, a]}}", "4:", "the gate is a map: expected one pixel, as global_pool"),
        ("{a: {global_pool: mean, repeat: 1}, b: {spread: [a*, x]}}", "", ""),
        ("{a: {global_pool: mean, repeat: 0}, b: {spread: [a*, x]}}", "4:", "expected two values, got 1"),
        ("{a: {global_pool: mean, repeat: 2}, b: {spread: [a*, x]}}", "4:", "expected two values, got 3"),
        ("{a: {global_pool: mean, repeat: 0}, b: {multiply: [x, a*]}}", "4:", "expected two values, got 1"),
    ],
)
def test_what_is_spread_and_what_is_a_gate_are_one_pixel(steps, place, says):
    text = spec_with(f"{{says: A block, steps: {steps}}}", BLOCKS.replace("level: 2", "level: 1").replace("24", "16"))
    if not says:
        assert spinec.lower(spinec.loads(text)).outputs == {"out": (16, 32, 32)}
        return
    with pytest.raises(spinec.SpecError, match=says) as caught:
        spinec.lower(spinec.loads(text))
    assert f"<text>:{place}" in str(caught.value)


NAMES = """name: a
input: {size: 32}
kinds:
  own:
    says: A block
    fields: {WINDOW: {type: kernel, default: 3}}
    let: {HIDDEN: in_dim * 2, in_dim_half: in_dim / 2, quarter: in_dim_half / 2}
    steps:
      HIDDEN: {conv: HIDDEN, kernel: WINDOW, stride: stride}
      dim: {conv: HIDDEN, kernel: WINDOW}
      WINDOW: {conv: quarter}
      narrow: {conv: dim, norm: true, act: $activation}
    shortcut: {drop: true}
blocks:
  stem: {level: 1, kind: conv, dim: 16, inputs: [image]}
  b1: {level: 2, kind: own, dim: 24, inputs: [stem]}
  b2: {level: 2, kind: own, dim: 24, inputs: [b1]}
  b3: {level: 2, kind: own, dim: 24, WINDOW: 5, inputs: [b2]}
outputs: {P2: b3}
"""


@pytest.mark.parametrize(("window", "hidden"), [*pairwise(("sides", "inner", *WORDS_OF_SOURCE))])
@pytest.mark.parametrize("backend", ["pytorch", "tensorflow"])
def test_source_bears_whatever_fields_and_formulas_are_called(window, hidden, backend):
    step = hidden if hidden not in RESERVED else "first"
    text = NAMES.replace("      HIDDEN:", f"      {step}:").replace("HIDDEN", hidden)
    text = text.replace("      WINDOW:", "      last:" if window in RESERVED else f"      {window}:").replace(
        "WINDOW", window
    )
    program = spinec.lower(spinec.loads(text))
    model = spinec.build(program, backend)
    weights = model.parameters() if backend == "pytorch" else model.trainable_weights
    assert sum(math.prod(weight.shape) for weight in weights) == spinec.cost(program).params


def test_a_field_that_a_kind_within_does_not_have_is_wrong_at_its_key():
    with pytest.raises(spinec.SpecError, match=r"<text>:4:44: steps.a: unknown key 'expnd'"):
        spinec.loads(spec_with("{says: A, steps: {a: {kind: mbconv, expnd: 3}}}"))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("dim ** 2", "a power is written with '^'"),
        ("dim if dim = 4 else 8", "equality is written with '=='"),
        ("$expand * dim", "formulas take names as they are"),
        ("dim % 8", "there is no remainder; '//' rounds down"),
        ("floor(dim / 2)", "'//' rounds down"),
        ("sqrt(dim)", "there are round_to, min, max"),
    ],
)
def test_what_other_languages_write_in_formulas_has_a_hint(text, hint):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize("beside", ["", "norm: true, ", "act: relu, "])
def test_a_misspelt_primitive_is_named_whatever_stands_beside_it(beside):
    kinds = f"kinds: {{mine: {{says: one, steps: {{only: {{{beside}conv2d: dim}}}}}}}}"
    blocks = "blocks: {b1: {level: 1, kind: mine, dim: 8, inputs: [image]}}"
    with pytest.raises(spinec.SpecError) as caught:
        spinec.loads(f"name: own\n{kinds}\n{blocks}\noutputs: {{P1: b1}}\n")
    assert ["conv" in fault.advice for fault in caught.value.faults if fault.code == "SPN-520"] == [True]
