"""Packages that add to spinec: one is installed for real, then parts of it are taken away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from spinec.spec import plugin_words
from spinec.spec.activations import ACTIVATIONS
from spinec.spec.conventions import CONVENTIONS
from spinec.spec.errors import SpecError
from spinec.spec.plugins import Plugin

PLUGIN = Path(__file__).parent / "plugin"
SPEC = """name: signed
input: {size: 32}
blocks:
  b1: {level: 1, kind: signed_conv, dim: 8, inputs: [image]}
  b2: {level: 2, kind: signed_conv, dim: 16, steepness: 2, inputs: [b1]}
outputs: {out: b2}
"""
BOWED = """name: bowed
input: {size: 32}
blocks:
  b1: {level: 1, kind: conv, dim: 8, activation: soft_sign, inputs: [image]}
  b2: {level: 2, kind: conv, dim: 16, activation: arctan, inputs: [b1]}
outputs: {out: b2}
published: {table: Table 1, macs: 129K, convention: flash}
"""
WORK = 3 * 8 * 9 * 16**2 + 8 * 16 * 9 * 8**2  # products of the convolutions
SIGNED = 8 * 16**2  # elements of soft_sign
FLASH = WORK + 9 * SIGNED // 2 + 3 * (3 * 8 * 9 + 8 * 16 * 9)
"""What the plug-in's convention counts: products, a sum and a quotient for each element of soft_sign, weights."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the plug-in installed."""
    folder = tmp_path_factory.mktemp("plugin")
    copytree(PLUGIN, folder / "source")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", folder / "site", folder / "source"], check=True)
    (folder / "signed.yaml").write_text(SPEC, encoding="utf-8")
    (folder / "bowed.yaml").write_text(BOWED, encoding="utf-8")
    return folder


def run(site: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of the command line with the plug-in installed."""
    return python(site, "-m", "spinec", *arguments)


def python(site: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of Python with the plug-in installed."""
    paths = os.pathsep.join(filter(None, [str(site / "site"), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=site,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_installed_is_listed(site):
    code, said = run(site, "plugins")
    assert code == 0
    assert "softsign 0.1: package spinec_softsign" in said
    assert "kinds: signed_conv" in said
    assert "activations: arctan, soft_sign" in said
    assert "conventions: flash" in said
    assert "modules: primitives, ops, pytorch, tensorflow" in said


def test_a_kind_of_a_plug_in_is_counted_and_compiled(site):
    assert run(site, "validate", "signed.yaml") == (0, "signed.yaml: valid, 2 blocks\n")
    code, said = run(site, "cost", "signed.yaml")
    assert code == 0
    assert "129,024" in said  # 3 * 8 * 9 * 16^2 + 8 * 16 * 9 * 8^2
    code, source = run(site, "compile", "signed.yaml", "--backend", "pytorch")
    assert code == 0
    assert "F.softsign(" in source
    code, said = run(site, "schema")
    assert code == 0
    assert "signed_conv" in said
    assert '"soft_sign"' in said
    assert '"flash"' in said


ASKED = """
from spinec import CostModel, cost, fit, load, lower
from spinec.compiler.cost.training import training_cost

spec = load("bowed.yaml")
report = cost(lower(spec))
model = CostModel(spec)
print(report.macs("flash"), report.to_dict()["macs"]["flash"], *model.macs([[8, 16]], convention="flash"))
print(*model.macs([[8, 16]]), *model.params([[8, 16]]) - report.params)
kept = {}
for name in ("soft_sign", "sigmoid", "arctan", "swish"):
    blocks = {"b1": spec.blocks["b1"].model_copy(update={"activation": name})}
    kept[name] = training_cost(lower(spec.model_copy(update={"blocks": {**spec.blocks, **blocks}}))).kept_bytes
print(kept["soft_sign"] == kept["sigmoid"], kept["arctan"] == kept["swish"], kept["soft_sign"] < kept["arctan"])
print(fit(spec, macs=2 * report.macs("flash"), convention="flash").report.macs("flash") <= 2 * report.macs("flash"))
"""


def test_what_activations_and_conventions_say_is_counted(site):
    code, said = python(site, "-c", ASKED)
    assert code == 0, said
    figures, told = said.split()[:5], said.split()[5:]
    assert [*map(float, figures)] == [FLASH, FLASH, FLASH, WORK, 0]
    assert told == ["True"] * 4
    code, said = run(site, "cost", "bowed.yaml", "--convention", "flash", "--format", "json")
    assert code == 0, said
    assert json.loads(said)["total"]["macs"] == FLASH
    code, said = run(site, "cost", "bowed.yaml", "--compare-conventions", "--format", "csv")
    assert f"flash,{FLASH}," in said


def test_words_of_plug_ins_are_offered(site):
    code, said = run(site, "cost", "--help")
    assert "ptflops|torch|flash" in "".join(said.split())
    code, said = run(site, "cost", "bowed.yaml", "--convention", "flas")
    assert (code, "'torch', 'flash'." in said) == (2, True)
    (site / "typo.yaml").write_text(BOWED.replace("arctan", "arctann"), encoding="utf-8")
    code, said = run(site, "validate", "typo.yaml")
    assert code == 1
    assert "b2: unknown activation 'arctann' [SPN-205]" in said
    assert "did you mean 'arctan'?" in said


@pytest.mark.parametrize("spec", ["signed.yaml", "bowed.yaml"])
def test_both_backends_compute_the_same(site, spec):
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    code, said = run(site, "verify", spec)
    assert code == 0, said
    assert "all within the bar" in said


@pytest.mark.parametrize(
    ("module", "command", "said"),
    [
        ("pytorch", ["compile", "signed.yaml", "--backend", "pytorch"], "must have it in spinec_softsign/pytorch.py"),
        ("ops", ["cost", "signed.yaml"], "must have it in spinec_softsign/ops.py"),
        ("primitives", ["cost", "signed.yaml"], "no primitive is named"),
        (
            "tensorflow",
            ["compile", "bowed.yaml", "--backend", "tensorflow"],
            "backend 'tensorflow' has no rule for the activation 'soft_sign': plug-in 'softsign' (spinec_softsign 0.1) "
            "must have it in spinec_softsign/tensorflow.py, which is missing",
        ),
    ],
)
def test_what_is_missing_is_said(site, module, command, said):
    path = site / "site" / "spinec_softsign" / f"{module}.py"
    kept = path.read_text()
    path.unlink()
    try:
        code, output = run(site, *command)
    finally:
        path.write_text(kept)
    assert code == 1
    assert said in output
    assert "Traceback" not in output


def test_a_broken_module_is_named(site):
    path = site / "site" / "spinec_softsign" / "ops.py"
    kept = path.read_text()
    path.write_text("raise RuntimeError('no luck')\n")
    try:
        code, output = run(site, "cost", "signed.yaml")
    finally:
        path.write_text(kept)
    assert code == 1
    assert "plug-in 'softsign': spinec_softsign.ops cannot be imported: RuntimeError: no luck" in output
    assert "Traceback" not in output


def test_an_activation_leaves_for_onnx(site):
    pytest.importorskip("torch")
    onnx = pytest.importorskip("onnx")
    code, said = run(site, "export", "bowed.yaml", "--to", "onnx", "-o", "bowed.onnx")
    assert code == 0, said
    assert "Atan" in {node.op_type for node in onnx.load(site / "bowed.onnx").graph.node}


SAYS = "mine: {says: such, "


@pytest.mark.parametrize(
    ("sort", "text", "place", "said"),
    [
        ("activation", "relu: {says: such}", "1:1", "activation name 'relu' is taken by spinec [SPN-305]"),
        ("activation", "Mine: {says: such}", "1:1", "activation name 'Mine' is not allowed [SPN-303]"),
        ("activation", SAYS + "work: {rellu: 1}}", "1:27", "activation mine.work: unknown key 'rellu' [SPN-202]"),
        ("activation", SAYS + "work: {relu: -1}}", "1:33", "mine.work.relu: expected at least 1, got -1 [SPN-204]"),
        ("activation", SAYS + "keeps: all}", "1:27", "activation mine: unknown keeps 'all' [SPN-205]"),
        ("activation", "mine: {work: {relu: 1}}", "1:1", "activation mine: missing key 'says' [SPN-201]"),
        ("activation", "- mine", "1:1", "expected a mapping of activations, got a list [SPN-203]"),
        ("activation", "mine: {says: [}", "1:15", ""),
        ("convention", SAYS + "prices: {macs: -1}}", "1:35", "mine.prices.macs: expected at least 0, got -1 [SPN-204]"),
        ("convention", SAYS + "prices: {add: 0.3}}", "1:34", "add: expected a multiple of 0.5, got 0.3 [SPN-208]"),
        ("convention", SAYS + "prices: {adds: 1}}", "1:29", "convention mine.prices: unknown key 'adds' [SPN-202]"),
        ("convention", SAYS + "prices: {}, kernel_weight: .nan}", "1:47", "kernel_weight: expected a finite number"),
        ("convention", "conv: {says: such, prices: {macs: 1}}", "1:1", "convention name 'conv' is taken by spinec"),
    ],
)
def test_what_is_wrong_is_said_with_its_package(monkeypatch, tmp_path, sort, text, place, said):
    (tmp_path / f"{sort}s.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(plugin_words, "plugins", lambda: (Plugin("first", "1", "first_package", tmp_path),))
    own = ACTIVATIONS.own if sort == "activation" else CONVENTIONS.own
    with pytest.raises(SpecError) as caught:
        plugin_words.plugin_words(sort, own)
    assert str(caught.value).startswith(f"first_package/{sort}s.yaml:{place}: ")
    assert said in str(caught.value)
    assert "plug-in 'first': " in str(caught.value) or not said
    assert len(caught.value.faults) == 1


def test_two_plug_ins_cannot_have_one_word(monkeypatch, tmp_path):
    plugins = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "activations.yaml").write_text("mine: {says: such}", encoding="utf-8")
        plugins.append(Plugin(name, "1", f"{name}_package", tmp_path / name))
    monkeypatch.setattr(plugin_words, "plugins", lambda: tuple(plugins))
    with pytest.raises(SpecError) as caught:
        plugin_words.plugin_words("activation", ACTIVATIONS.own)
    said = "second_package/activations.yaml:1:1: plug-in 'second': activation name 'mine' is taken by plug-in 'first'"
    assert str(caught.value).startswith(said)


def test_a_faulty_file_spoils_the_list_and_nothing_else(site):
    path = site / "site" / "spinec_softsign" / "conventions.yaml"
    kept = path.read_text()
    path.write_text("flash: {says: such, prices: {macs: -1}}\n")
    try:
        listed, counted = run(site, "plugins"), run(site, "cost", "signed.yaml")
    finally:
        path.write_text(kept)
    assert counted[0] == 0
    assert listed[0] == 1
    assert "kinds: signed_conv" in listed[1]
    assert "spinec_softsign/conventions.yaml:1:36: plug-in 'softsign': convention flash.prices.macs" in listed[1]
    assert "Traceback" not in listed[1]
