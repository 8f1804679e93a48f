"""Every command with every sort of wrong input: a line that says so and exit code 1 or 2, never a traceback."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.main import get_command

from spinec import cli

ROOT = Path(__file__).parent.parent
GOOD = "name: good\nblocks:\n  b1: {level: 1, kind: mbconv, dim: 8, inputs: [image]}\noutputs: {x: b1}\n"
READS = {  # a command line in which INPUT is what a command reads
    "show INPUT": "a spec",
    "split INPUT": "a spec",
    "cost INPUT": "a spec",
    "cost INPUT --training": "a spec",
    "compile INPUT": "a spec",
    "validate INPUT": "a spec",
    "lint INPUT": "a spec",
    "draw INPUT -o o.svg": "a spec",
    "draw INPUT -o o.dot": "a spec",
    "diff INPUT good.yaml": "a spec",
    "diff good.yaml INPUT": "a spec",
    "chart levels INPUT -o o.csv": "a spec",
    "report INPUT -o o.html --no-charts": "a spec",
    "report INPUT folder -o o.html": "a run",
    "redistribute INPUT --betas 1": "a spec",
    "betas INPUT good.yaml": "a spec",
    "betas good.yaml INPUT": "a spec",
    "scale INPUT": "a spec",
    "compound INPUT 1": "a spec",
    "fit INPUT --params 1M": "a spec",
    "sample INPUT -n 3": "a spec",
    "space INPUT": "a space",
    "export-blocks INPUT --to timm": "a spec",
    "run INPUT picture.png": "a spec",
    "detect INPUT picture.png": "a spec",
    "classify INPUT picture.png": "a spec",
    "segment INPUT picture.png": "a spec",
    "classify classes.yaml INPUT": "a picture",
    "classify classes.yaml picture.png --weights INPUT": "weights",
    "export INPUT --to onnx -o o.onnx": "a spec",
    "verify INPUT": "a spec",
    "search INPUT --evaluator mine:score": "a spec",
    "import INPUT": "a block list",
    "fmt INPUT": "a file to format",
    "draw good.yaml -o o.svg --values INPUT": "a table",
    "chart candidates INPUT -o o.csv": "a table",
    "run good.yaml INPUT": "a picture",
    "verify good.yaml --image INPUT": "a picture",
    "export good.yaml --to onnx -o o.onnx --weights INPUT": "weights",
    "weights convert INPUT o.pt --spec good.yaml": "weights",
    "candidates INPUT": "a study",
    "chart history INPUT -o o.csv": "a study",
    "chart importance INPUT -o o.csv": "a study",
    "chart pareto INPUT -o o.csv": "a study",
    "train INPUT --data data": "a spec",
    "train classes.yaml --data INPUT": "a data set",
    "train classes.yaml --data data --recipe INPUT": "a recipe",
    "train classes.yaml --data data --recipe small-classification --weights INPUT": "weights",
    "train --resume INPUT": "a run",
    "data check INPUT": "a data set",
    "evaluate INPUT --data data": "a spec",
    "evaluate classes.yaml --data INPUT": "a data set",
    "evaluate classes.yaml --data data --weights INPUT": "weights",
    "evaluate --data coco.json --results INPUT": "results",
    "evaluate --run INPUT": "a run",
    "evaluate classes.yaml --data data --statistics 1 --recipe INPUT": "a recipe",
    "data show INPUT -o o.png": "a data set",
}
WRITES = {  # a command line in which OUTPUT is what a command writes
    "compile good.yaml -o OUTPUT": ".py",
    "new OUTPUT": ".yaml",
    "draw good.yaml -o OUTPUT": ".svg",
    "draw good.yaml  -o OUTPUT": ".dot",
    "diff good.yaml other.yaml -o OUTPUT": ".svg",
    "chart levels good.yaml -o OUTPUT": ".csv",
    "report good.yaml --no-charts -o OUTPUT": ".html",
    "redistribute good.yaml --betas 1 -o OUTPUT": ".yaml",
    "scale good.yaml -o OUTPUT": ".yaml",
    "compound good.yaml 1 -o OUTPUT": ".yaml",
    "fit good.yaml --params 1M -o OUTPUT": ".yaml",
    "import blocks.txt -o OUTPUT": ".yaml",
    "data make digits OUTPUT": "",
    "data show data -o OUTPUT": ".png",
    "evaluate boxes.yaml --data coco.json -o OUTPUT": ".json",
    "export-blocks efficientnet-b0 --to timm -o OUTPUT": ".txt",
}
OTHERS = {
    "list",
    "published",
    "plugins",
    "conventions",
    "explain",
    "schema",
}  # read and write no files that a user names
HEAVY = {  # what is loaded before the input is looked at; without it the answer is what to install
    "run": "torch",
    "detect": "torch",
    "evaluate": "torch",
    "train": "torch",
    "classify": "torch",
    "segment": "torch",
    "verify": "torch",
    "export": "torch",
    "weights": "safetensors",
    "search": "optuna",
    "candidates": "optuna",
}
INPUTS = ("absent", "folder", "empty", "binary", "denied", "damaged", "looped", "long")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with what commands read, and every sort of wrong input."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "good.yaml": GOOD,
        "classes.yaml": f"{GOOD}head: {{kind: classification, classes: 3}}\n",
        "boxes.yaml": f"{GOOD}head: {{kind: fcos, dim: 8, layers: 0, classes: 3}}\n",
        "coco.json": '{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cat"}]}',
        "other.yaml": GOOD.replace("dim: 8", "dim: 16"),
        "blocks.txt": "ds_r1_k3_s1_c16\n",
        "empty": "",
        "denied": GOOD,
        "damaged": "blocks: {b1: [",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "data" / "cat").mkdir(parents=True)
    (tmp_path / "data" / "cat" / "a.ppm").write_bytes(b"P6 1 1 255 abc")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "folder").mkdir()
    (tmp_path / "looped").symlink_to("looped")
    deny(monkeypatch, "denied")
    return tmp_path


def deny(monkeypatch, name):
    """As for a file that one may not read: the superuser, who runs tests in containers, may read any."""

    def refusing(real):
        def opened(file, *arguments, **options):
            if not isinstance(file, int) and Path(os.fsdecode(file)).name == name:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(file))
            return real(file, *arguments, **options)

        return opened

    monkeypatch.setattr(io, "open", refusing(io.open))
    monkeypatch.setattr("builtins.open", refusing(open))


def named(sort):
    return {"absent": "no-such-file", "long": "n" * 300}.get(sort, sort)


def test_every_command_is_tried():
    tried = {line.split()[0] for line in (*READS, *WRITES)} | OTHERS
    assert tried == set(get_command(cli.app).commands)


@pytest.mark.parametrize("line", READS)
def test_wrong_input_is_said_in_few_lines(spinec, place, line):
    command = line.split()[0]
    if command in HEAVY and READS[line] != "a spec" and find_spec(HEAVY[command]) is None:
        pytest.skip(f"{HEAVY[command]} is not installed")
    before = sorted(path.name for path in place.iterdir())
    for sort in INPUTS[:-1] if READS[line] == "a study" else INPUTS:  # a long name is the storage's to judge
        code, out, err = spinec(*(named(sort) if word == "INPUT" else word for word in line.split()))
        if command in ("fmt", "lint") and sort == "folder":  # there is nothing in it to look at
            continue
        assert code in (1, 2), (sort, out, err)
        assert "Traceback" not in err, sort
        assert (out + err).strip(), sort
        assert len((out + err).splitlines()) <= 12, sort
        left = {path.name for path in place.iterdir()} - {"empty-shm", "empty-wal"}  # SQLite's, of an empty file
        assert sorted(left) == before, sort


@pytest.mark.parametrize("line", WRITES)
def test_what_cannot_be_written_is_said_in_a_line(spinec, place, line):
    suffix = WRITES[line]
    (place / f"taken{suffix}").mkdir()
    for output in (
        f"absent/o{suffix}",
        f"good.yaml/o{suffix}",
        f"taken{suffix}",
        f"{'n' * 300}{suffix}",
    ):
        code, out, err = spinec(*(output if word == "OUTPUT" else word for word in line.split()))
        assert code == 1, (output, out, err)
        assert "Traceback" not in err, output
        said = ("cannot be written", "exists already", "is called")  # the last where a spec is called as its file
        assert any(words in err for words in said), (output, err)
    assert not list((place / f"taken{suffix}").iterdir())


@pytest.mark.parametrize(
    "line",
    [
        *(
            "compound good.yaml 1e9",
            "compound good.yaml -- -1e9",
            "compound good.yaml nan",
            "compound good.yaml 1 --size-multiple 0",
            "scale good.yaml --width inf",
        ),
        *("scale good.yaml --width 1e400", "scale good.yaml --totals 1.5", "scale good.yaml --totals 1,,2"),
        *("scale good.yaml --totals 99999999999999999999", "redistribute good.yaml --betas 1e400"),
        *(
            "redistribute good.yaml --betas ,",
            "redistribute good.yaml --betas b1=",
            "redistribute good.yaml --betas nan",
        ),
        *("redistribute good.yaml --betas 1 --multiple 0", "redistribute good.yaml --betas 1 --target 0"),
        *("redistribute good.yaml --betas 1 --group ,", "redistribute good.yaml --betas 1 --frozen b9"),
        *("betas good.yaml other.yaml --values ,", "betas good.yaml other.yaml --values 0"),
        *("betas good.yaml other.yaml --values inf", "betas good.yaml other.yaml --multiple 0"),
        *("fit good.yaml --macs 0", "fit good.yaml --macs inf", "fit good.yaml --macs -1", "fit good.yaml --macs nan"),
        *(
            "fit good.yaml --macs 1M --multiple 0",
            "fit good.yaml --macs 1M --by size --size-multiple 0",
            "fit good.yaml",
        ),
        *(
            "sample good.yaml --multiple 0",
            "sample good.yaml -n 0",
            "sample good.yaml --values x",
            "sample good.yaml -n 5 --values 0",
        ),
        *(
            "cost good.yaml --size 0",
            "cost good.yaml --size 1x2x3",
            "cost good.yaml --size ,",
            "cost good.yaml --size ²",
        ),
        *("cost good.yaml --size 99999999999999999999", "lint good.yaml --multiple 0", "lint good.yaml --size 0"),
        *(
            "chart levels",
            "chart levels good.yaml other.yaml -o o.csv",
            "chart candidates",
            "chart tradeoff -o o.csv --cost x",
        ),
        *(
            "draw good.yaml -o o",
            "draw good.yaml -o o.gif",
            "draw good.yaml -o .svg/",
            "chart levels good.yaml -o o.gif",
        ),
        *("import blocks.txt --size 0", "import blocks.txt --stem 99999999", "import blocks.txt --epsilon nan"),
        *(
            "import blocks.txt --momentum 7",
            "import blocks.txt --name /",
            "report good.yaml --source nothing -o o.html",
        ),
        *("scale good.yaml --name /", "compile good.yaml --backend nothing", "explain SPN-999", "explain /"),
        *("export good.yaml --to nothing -o o", "search good.yaml --evaluator nothing"),
    ],
)
def test_wrong_values_are_said_in_a_line(spinec, place, line):
    code, out, err = spinec(*line.split())
    assert code in (1, 2), out
    assert err.strip()
    assert "Traceback" not in err


INTERRUPTED = """
import os, signal, sys
from spinec.__main__ import main
left, sys.argv[:2] = int(sys.argv[1]), []
def watch(event, arguments):
    global left
    if event == "import":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(watch)
main()
"""


@pytest.mark.parametrize("imports", [1, 20, 150, 220])
def test_ctrl_c_at_any_time_ends_without_a_traceback(imports):
    """At an import: of the command line itself, of a library, of what a command needs. 130 is what shells expect."""
    command = [sys.executable, "-c", INTERRUPTED, str(imports), "spinec", "lint", "eff-spinenet-m0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


SPECS = [line for line in READS if READS[line] == "a spec"]


def typed(monkeypatch, read):
    """Have standard input give what `read` gives."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=SimpleNamespace(read=read)))


@pytest.mark.parametrize("line", SPECS)
def test_ctrl_c_while_a_command_waits_ends_with_130(spinec, place, monkeypatch, line):
    def interrupted(size):
        raise KeyboardInterrupt

    typed(monkeypatch, interrupted)
    code, out, err = spinec(*("-" if word == "INPUT" else word for word in line.split()))
    assert (code, out, err.strip()) == (130, "", "")


@pytest.mark.parametrize("line", [line for line in SPECS if line.split()[0] not in HEAVY])
def test_every_command_reads_a_spec_from_standard_input(spinec, place, monkeypatch, line):
    """And finds in the current folder what the spec extends."""
    (place / "input.yaml").write_text("name: mine\nextends: good.yaml\n")
    code, out, err = spinec(*("input.yaml" if word == "INPUT" else word for word in line.split()))
    data = (place / "input.yaml").read_bytes()
    (place / "input.yaml").unlink()
    typed(monkeypatch, io.BytesIO(data).read)
    assert spinec(*("-" if word == "INPUT" else word for word in line.split())) == (
        code,
        out.replace("input.yaml", "<stdin>"),
        err.replace("input.yaml", "<stdin>"),
    )
    assert code == 0 or line.startswith(("lint", "betas", "export-blocks", "split"))


def test_standard_input_can_be_read_once(spinec, place, monkeypatch):
    typed(monkeypatch, io.BytesIO(GOOD.encode()).read)
    code, out, err = spinec("diff", "-", "-")
    assert (code, out) == (1, "")
    assert "<stdin>: cannot be read: it is empty, or was read already" in err
    monkeypatch.setattr(sys, "stdin", None)  # as where it is closed
    assert spinec("show", "-")[0] == 1


def test_block_lists_are_read_from_standard_input(spinec, place, monkeypatch):
    typed(monkeypatch, io.BytesIO(b"ds_r1_k3_s1_c16\n").read)
    code, out, _ = spinec("import", "-", "--name", "small")
    assert code == 0
    assert out == spinec("import", "blocks.txt", "--name", "small")[1]


@pytest.mark.parametrize("figure", ["1G", "1e9", "1E+9", "1000000000", "1000000000.0", "1_000_000_000"])
def test_figures_are_read_as_papers_print_them_and_as_python_writes_them(spinec, place, figure):
    assert spinec("fit", "efficientnet-b0", "--macs", figure) == spinec("fit", "efficientnet-b0", "--macs", "1.0B")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("good", "good.yaml"),
        ("goood.yaml", "good.yaml"),
        ("./other", "other.yaml"),
        ("resnet-19", "resnet-18"),
        ("blocs.txt", "blocks.txt"),
    ],
)
def test_what_was_probably_meant_is_suggested(spinec, place, given, meant):
    code, _, err = spinec("import" if given.endswith("txt") else "show", given)
    assert code == 1
    assert f"did you mean {meant!r}?" in err


def test_a_file_beside_is_no_answer_where_nothing_is_close(spinec, place):
    assert "expected convnext-atto, " in spinec("show", "zzz")[2]


def test_a_fault_is_said_once(spinec, place):
    _, _, err = spinec("compound", "resnet-50", "60")
    assert err == (
        "scale: size: expected at most 16384, got 982016 [SPN-702]\n"
        "scale: width: expected at most 64, got 304.48163954141955 [SPN-702]\n"
    )


def test_no_betas_are_no_success(spinec):
    code, out, err = spinec("betas", "resnet-50", "resnet-18")
    assert (code, out) == (1, "")
    assert "differ in more than dims: b2, b3, b4, b5" in err
    code, out, err = spinec("betas", "eff-spinenet-d0", "sp-efficientnet-b0")
    assert (code, out) == (1, "")
    assert "no betas of 1,5,10,15,20 turn eff-spinenet-d0 into sp-efficientnet-b0" in err
