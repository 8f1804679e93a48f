"""No option is passed over: of any two that a command takes together each changes what it gives, or the command refuses.

Commands that load a framework or keep a study are left out of the walk; what they refuse is listed.
"""

from __future__ import annotations

from itertools import combinations
from shutil import rmtree

import pytest
from typer.main import get_command

from spinec import cli

TINY = """name: tiny
input: {size: 64}
defaults: {expand: 6, squeeze: 0.25}
blocks:
  b1: {level: 1, kind: conv, dim: 120, inputs: [image]}
  b2: {level: 2, kind: mbconv, dim: 200, repeats: 2, inputs: [b1]}
  b3: {level: 2, kind: mbconv, dim: 200, repeats: 2, inputs: [b2]}
  b4: {level: 3, kind: mbconv, dim: 360, inputs: [b3, b1]}
  b5: {level: 2, kind: conv, dim: 80, inputs: [b4]}
outputs: {x: b5}
"""
DEEP = TINY.replace("inputs: [b2]", "kernel: 31, inputs: [b2]")  # much of b3's work grows with its dim, not its square
FILES = {
    "tiny.yaml": TINY,
    "other.yaml": DEEP.replace("200, repeats: 2, inputs: [b1]", "248, repeats: 2, inputs: [b1]")
    .replace("dim: 200", "dim: 176")
    .replace("dim: 360", "dim: 448"),
    "deep.yaml": DEEP,
    "odd.yaml": TINY.replace("dim: 120", "dim: 121"),
    "renamed.yaml": TINY.replace("b1", "stem").replace("b4", "b1"),
    "loose.yaml": TINY.replace("{size: 64}", "{size:   64}"),
    "blocks.txt": "ds_r1_k3_s1_c16\nir_r2_k3_s2_e6_c24_se0.25\n",
    "values.csv": "block,value\nb2,3\nb4,1\n",
    "scores.csv": "name,macs,params,score,other\na,1e9,1e6,0.5,7\nb,2e9,2e6,0.6,8\n",
}
SPEC = ("--name new", "-o -", "--format json")
BLOCKS = ("--color macs", "--theme dark", "--no-labels", "--fold", "--unfold", "--values values.csv")
LINES = {  # what is run, and what it is run with: every option, and every two
    "show tiny.yaml": ("--size 96", "--convention thop", "--critical-path", "--format json"),
    "split tiny.yaml": ("--parts 3", "--balance 2", "--size 96", "--convention thop", "--format json"),
    "cost tiny.yaml": (
        *("--by level", "--convention thop", "--size 96", "--flops", "--compare-conventions", "--training"),
        *("--batch 4", "--optimizer adam", "--format csv"),
    ),
    "cost eff-spinenet-m0 --answers": ("--size 96", "--format csv"),
    "compile tiny.yaml": ("--backend tensorflow", "--size 96", "-o model.py"),
    "compile eff-spinenet-m0": ("--with loss", "-o model.py"),
    "validate tiny.yaml": ("--format json",),
    "lint odd.yaml": ("--multiple 5", "--size 65", "--format json", "--exit-zero"),
    "fmt loose.yaml": ("--check", "--diff"),
    "draw tiny.yaml -o picture.svg": (*BLOCKS, "--view ops", "--depth 1", "--convention thop", "--size 96"),
    "draw resnet-101 -o picture.svg --unfold": ("--wrap",),
    "draw tiny.yaml -o picture.tex": (*BLOCKS, "--depth 1", "--convention thop"),
    "draw tiny.yaml -o picture.html": (*BLOCKS, "--depth 1", "--convention thop"),
    "draw tiny.yaml -o picture.mmd": (*BLOCKS, "--depth 1", "--convention thop", "--size 96"),
    "draw tiny.yaml -o picture.dot": (*BLOCKS, "--view blocks", "--depth 1", "--convention thop", "--size 96"),
    "diff tiny.yaml other.yaml": (
        *("--theme dark", "--no-labels", "--convention thop", "--size 96", "--format json", "-o picture.svg"),
        "-o picture.mmd",
    ),
    "diff tiny.yaml renamed.yaml": ("--match topology",),
    "chart levels tiny.yaml -o chart.csv": ("--cost params", "--score other", "--theme dark", "--convention thop"),
    "chart levels tiny.yaml -o chart.tex": ("--theme dark", "--width column", "--convention thop"),
    "chart tradeoff resnet-18 -o chart.csv": ("--cost params", "--score other", "--width column", "--convention thop"),
    "chart candidates scores.csv -o chart.csv": (
        "--centre 1M",
        "--study search",
        "--cost params",
        "--score other",
        "--convention thop",
    ),
    "report tiny.yaml -o page.html --no-charts": (
        "--source tensorflow",
        "--theme dark",
        "--size 96",
        "--examples 2",
        "--study search",
    ),
    "redistribute deep.yaml --betas b2=5,b3=9,b4=2": (
        *("--target 200M", "--approximate", "--multiple 4", "--group b2,b3", "--frozen b4"),
        *SPEC,
    ),
    "betas deep.yaml other.yaml --values 1,2": (
        *("--target 200M", "--approximate", "--multiple 7", "--group b2,b3", "--frozen b4", "--format json"),
    ),
    "scale tiny.yaml": (
        *("--width 1.5", "--size 96", "--depth 2", "--totals 0,6,3", "--multiple 16"),
        *SPEC,
    ),
    "compound tiny.yaml 2": (
        *("--depth 1.5", "--width 1.4", "--size 1.4", "--multiple 64", "--size-multiple 24"),
        *SPEC,
    ),
    "fit tiny.yaml --macs 70M": ("--params 400K", "--by size", "--over", "--convention thop", "--format json", "-o -"),
    "fit tiny.yaml --params 400K": ("--macs 30M", "--multiple 16", "--size-multiple 24", "--by size", "--name new"),
    "sample deep.yaml -n 30": ("--seed 1", "--values 1,2", "--group b2,b3", "--frozen b4"),
    "sample deep.yaml -n 3": ("--seed 1", "-o drawn"),
    "space mnasnet-operations": ("--samples 30", "--seed 1", "--convention thop", "--format json"),
    "sample deep.yaml --candidates 30": (
        *("--convention thop", "--target 200M", "--approximate", "--multiple 4", "--top 3", "--format json"),
    ),
    "import blocks.txt": (
        *("--name new", "--size 96", "--stem 24", "--features 100", "--features 0", "--classes 7", "--activation relu"),
        *("--padding same", "--epsilon 0.1", "--momentum 0.5", "-o spec.yaml", "--hidden 64", "--no-hidden-bias"),
        *("--squeeze-base hidden", "--squeeze-multiple 3", "--squeeze-limit 0.5", "--squeeze-activation swish"),
        *("--gate hard_sigmoid",),
    ),
}
REFUSED = (
    "cost eff-spinenet-m0 --answers --by level",
    "cost eff-spinenet-m0 --answers --flops",
    "cost eff-spinenet-m0 --answers --training",
    "cost tiny.yaml --training --by level",
    "cost tiny.yaml --training --convention thop",
    "draw tiny.yaml -o picture.svg --fold --unfold",
    "draw tiny.yaml -o picture.svg --depth 2",
    "draw tiny.yaml -o picture.dot --color macs",
    "verify tiny.yaml --training --image photograph.jpg",
    "verify tiny.yaml --rate 0.1",
    "data make nuclei new --seed 1",
    "data make digits-classes new --train 5",
    "evaluate tiny.yaml --data pictures --results found.json",
    "evaluate --data pictures --results found.json --seed 1",
    "evaluate --data pictures --results found.json --batch 2 --backend tensorflow -o new.json",
    "evaluate tiny.yaml --data pictures --weights w.pt --seed 1",
    "evaluate tiny.yaml --data pictures -o - --format json",
    "evaluate tiny.yaml --run run",
    "evaluate --run run --weights w.pt --size 32",
    "evaluate --run run --results found.json --data pictures",
    "evaluate tiny.yaml --data pictures --which plain",
    "evaluate tiny.yaml --data pictures --recipe proxy",
    "evaluate tiny.yaml --data pictures --statistics 0 --set batch=2",
    "weights convert a.pt b.weights.h5 --layout pytorch",
    "export tiny.yaml --to onnx -o a.onnx --dynamic --size 64",
    "export tiny.yaml --to onnx -o a.onnx --with classify --sizes",
    "chart history tiny.yaml --cost params",
    "chart history tiny.yaml --score other",
    "chart importance tiny.yaml --cost params",
    "chart pareto tiny.yaml --convention thop",
    "chart pareto tiny.yaml --centre 1M",
    "chart pareto tiny.yaml -o chart.csv --theme dark",
    "report . --size 96",
    "report . --source tensorflow",
    "report tiny.yaml --examples 2",
    "list --recipes --spaces",
    "sample mnasnet-operations -n 3 --values 1,2",
    "search mnasnet-operations --evaluator mine:score --group b1,b2 --frozen b3",
    "candidates study.db --trial 1 --top 2",
    "candidates study.db -o best.yaml --top 2",
    "candidates study.db -o - --format json",
    "search tiny.yaml --evaluator mine:score -o - --format json",
    "search tiny.yaml --evaluator mine:score --data pictures --backend tensorflow",
    "search tiny.yaml --evaluator mine:score --also synflow --readers 2",
    "search tiny.yaml --proxy proxy-small --data pictures --directions minimize",
)
APART = {  # commands that are not walked, and why
    "classify": "loads a framework: tests/test_predictors.py",
    "conventions": "takes no options",
    "data": "works on folders: tests/test_data_commands.py",
    "detect": "loads a framework: tests/test_predictors.py",
    "evaluate": "loads a framework: tests/test_evaluate.py, and REFUSED",
    "explain": "takes no options",
    "list": "has two options, and counts the whole library",
    "plugins": "has no option: tests/test_plugins.py",
    "published": "has one option, and counts the whole library",
    "export": "loads a framework: see REFUSED",
    "export-blocks": "its options are all needed",
    "new": "takes no options",
    "run": "loads a framework; none of its options depends on another",
    "schema": "takes no options",
    "segment": "loads a framework: tests/test_predictors.py",
    "candidates": "needs a study: see REFUSED",
    "search": "needs a study: see REFUSED",
    "verify": "loads two frameworks: see REFUSED",
    "train": "loads a framework: tests/test_train_command.py",
    "weights": "loads a framework: see REFUSED",
}


@pytest.fixture
def outcome(spinec, tmp_path, monkeypatch):
    """What a command line gives: exit code, text and files; nothing where it is refused with a reason."""
    monkeypatch.chdir(tmp_path)

    def run(line):
        for path in tmp_path.iterdir():
            rmtree(path) if path.is_dir() else path.unlink()
        for name, text in FILES.items():
            (tmp_path / name).write_text(text)
        code, out, err = spinec(*line.split())
        if code == 2 or (code == 1 and err and not out):
            return None
        return code, out, {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    return run


@pytest.mark.parametrize("line", LINES)
def test_of_two_options_each_does_something_or_is_refused(outcome, line):
    alone = {option: outcome(f"{line} {option}") for option in LINES[line]}
    plain = outcome(line)
    idle = [option for option, given in alone.items() if given is not None and given == plain]
    assert plain is not None
    for one, other in combinations(LINES[line], 2):
        given = outcome(f"{line} {one} {other}") if one.split()[0] != other.split()[0] else None
        if given is not None:
            idle += [f"{b} beside {a}" for a, b in ((one, other), (other, one)) if given == alone[a]]
    assert not idle


@pytest.mark.parametrize("line", REFUSED)
def test_an_option_that_would_do_nothing_is_wrong_usage(spinec, tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY)
    code, out, err = spinec(*line.split())
    assert (code, out) == (2, "")
    assert "Usage" in err
    assert "nothing" in err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_every_option_of_every_command_is_walked():
    commands = get_command(cli.app).commands
    assert set(APART) == set(commands) - {line.split()[0] for line in LINES}
    for name in set(commands) - set(APART):
        given = {
            word
            for line, more in LINES.items()
            for word in f"{line} {' '.join(more)}".split()
            if line.startswith(f"{name} ") or line == name
        }
        for option in commands[name].params:
            if option.param_type_name == "option" and option.name != "help":
                assert given & {*option.opts, *option.secondary_opts}, f"{name} {option.opts}"
