"""Documents made to hurt whoever reads them, and a process that reads one and says what that took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from patience import HUNG

ROOT = Path(__file__).resolve().parent.parent
BLOCK = "{kind: conv, level: 1, dim: 8, inputs: [image]}"
WHOLE = f"name: demo\nblocks:\n  stem: {BLOCK}\noutputs: {{P1: stem}}\n"
SENTINEL = "sentinel"  # what a document would create if it could run code
READ = """
import json, sys, time
from pathlib import Path
import spinec.spec.load, spinec.compiler.lowering.pipeline, spinec.compiler.cost.report
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
Path("/proc/self/clear_refs").write_text("5")  # the peak of the imports is not the document's
before, start = peak(), time.process_time()
try:
    spec = spinec.spec.load.read(sys.argv[1]).spec
    spinec.compiler.cost.report.cost(spinec.compiler.lowering.pipeline.lower(spec))
    codes = []
except spinec.spec.errors.SpecError as error:
    codes = [fault.code for fault in error.faults]
    shown = str(error)
seconds = time.process_time() - start
print(json.dumps([seconds, (peak() - before) / 1024, codes[:3]]))
"""


class Hostile(NamedTuple):
    """A hostile document: what it is made of, and the code that it is refused with."""

    name: str
    make: Callable[[Path], str | bytes]
    code: str


class Refusal(NamedTuple):
    """What refusing a document took, above the interpreter with everything imported."""

    seconds: float
    megabytes: float
    codes: list[str]


def _laughs(folder: Path) -> str:
    lines = ["a0: &a0 [lol]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))]
    return "\n".join(lines) + "\n" + WHOLE


def _merges(folder: Path) -> str:
    lines = ["a0: &a0 {b: 1}", *(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 30))]
    return "\n".join(lines) + "\n" + WHOLE


def _blocks(number: int, block: str = BLOCK) -> str:
    return "name: demo\nblocks:\n" + "".join(f"  b{i}: {block}\n" for i in range(number)) + "outputs: {P1: b0}\n"


def _with(old: str, new: str) -> Callable[[Path], str]:
    return lambda folder: WHOLE.replace(old, new)


def _extends(name: str) -> Callable[[Path], str]:
    return lambda folder: f"name: demo\nextends: {name}\n"


def _linked(target: str) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        (folder / "linked.yaml").symlink_to(target)
        return "name: demo\nextends: linked.yaml\n"

    return make


def _pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe.yaml")
    return "name: demo\nextends: pipe.yaml\n"


def _linked_folder(folder: Path) -> str:
    (folder / "sub").symlink_to("/")
    return "name: demo\nextends: sub/etc/os-release.yaml\n"


def _chain(folder: Path) -> str:
    for i in range(40):
        (folder / f"p{i}.yaml").write_text(f"name: p{i}\nextends: p{i + 1}.yaml\n")
    return "name: demo\nextends: p0.yaml\n"


def _cells(folder: Path) -> str:
    blocks = "".join(f"    n{i}: {BLOCK}\n" for i in range(2_000))
    cell = f"cell:\n  repeats: 64\n  blocks:\n{blocks}  gives: {{P1: n0}}\n"
    (folder / "cells.yaml").write_text(f"takes: [C3]\nblocks: {{}}\ngives: {{P1: $C3}}\n{cell}")
    return WHOLE.replace("outputs: {P1: stem}", "neck: {fragment: cells.yaml, C3: stem}")


def _shared_setting(folder: Path) -> str:
    blocks = "".join(f"  n{i}: {{kind: conv, level: 1, dim: $s, kernel: $s, inputs: [$C3]}}\n" for i in range(3_000))
    (folder / "wide.yaml").write_text(
        f"takes: [C3]\nsettings: {{s: [{', '.join('x' * 4_000)}]}}\nblocks:\n{blocks}gives: {{P3: n0}}\n"
    )
    return WHOLE.replace("outputs: {P1: stem}", "neck: {fragment: wide.yaml, C3: stem}")


def _shared_default(folder: Path) -> str:
    wide = ", ".join(f"k{i}: 1" for i in range(4_000))
    return f"defaults: {{fuse: {{{wide}}}}}\n{_blocks(3_000)}"


def _parents(number: int, text: Callable[[int], str]) -> Callable[[Path], str]:
    """So many parents, one above the other."""

    def make(folder: Path) -> str:
        for i in range(number):
            above = f"extends: p{i + 1}.yaml\n" if i < number - 1 else ""
            (folder / f"p{i}.yaml").write_text(f"name: p{i}\n{above}{text(i)}")
        return "name: demo\nextends: p0.yaml\n"

    return make


def _reading(number: int, inputs: int, block: Callable[[int], str], rest: str = "") -> Callable[[Path], str]:
    """So many blocks that read so many before them."""

    def make(folder: Path) -> str:
        lines = (
            f"  b{i}: {{{block(i)}, inputs: [{', '.join(f'b{j}' for j in range(max(0, i - inputs), i)) or 'image'}]}}\n"
            for i in range(number)
        )
        return f"name: demo\nblocks:\n{''.join(lines)}outputs: {{P1: b{number - 1}}}\n{rest}"

    return make


HOSTILE = (
    Hostile("alias bomb (billion laughs)", _laughs, "SPN-112"),
    Hostile("merge-key bomb", _merges, "SPN-112"),
    Hostile("an alias that holds itself", lambda folder: "&a [*a]", "SPN-112"),
    Hostile("50,000 anchors", lambda folder: "".join(f"a{i}: &x{i} 1\n" for i in range(50_000)), "SPN-112"),
    Hostile("10 MB of comments", lambda folder: WHOLE + "#" * 10_000_000, "SPN-104"),
    Hostile("10 MB on one line", lambda folder: WHOLE + f"source: {'x' * 10_000_000}", "SPN-104"),
    Hostile("1 MB of commas", lambda folder: WHOLE + "source: [" + "1," * (2**19 - 60) + "]", "SPN-105"),
    Hostile("1 MB of duplicate keys", lambda folder: WHOLE + "a: 1\n" * 200_000, "SPN-116"),
    Hostile("100,000 unknown keys", lambda folder: WHOLE + "".join(f"k{i}: 1\n" for i in range(100_000)), "SPN-105"),
    Hostile("4,000 unknown keys", lambda folder: WHOLE + "".join(f"k{i}: 1\n" for i in range(4_000)), "SPN-202"),
    Hostile("4,000 blocks at fault", lambda folder: _blocks(4_000, "{kind: cnv, level: 99}"), "SPN-206"),
    Hostile("a cycle through 2,000 blocks", lambda folder: "name: demo\nblocks:\n" + "".join(
        f"  b{i}: {{kind: conv, level: 1, dim: 8, inputs: [b{(i - 1) % 2000}]}}\n" for i in range(2000)
    ) + "outputs: {P1: b0}\n", "SPN-309"),
    Hostile("4,000 inputs that are not there", lambda folder: _blocks(4_000, "{kind: conv, level: 1, dim: 8, inputs: [nope]}"), "SPN-308"),
    Hostile("4,097 blocks", lambda folder: _blocks(4_097), "SPN-302"),
    Hostile("4,096 blocks at fault", lambda folder: _blocks(4_096, "{kind: conv, level: 1, dim: x, inputs: [image]}"), "SPN-203"),
    Hostile("3,800 blocks, each 64 times", lambda folder: _blocks(3_800, "{kind: mbconv, level: 1, dim: 8, repeats: 64, inputs: [image]}"), "SPN-302"),
    Hostile("a cell of 2,000 blocks, 64 times", _cells, "SPN-302"),
    Hostile("48,000 inputs that are not there", lambda folder: _blocks(800, f"{{kind: conv, level: 1, dim: 8, inputs: [{', '.join(f'x{j}' for j in range(60))}]}}"), "SPN-308"),
    Hostile("36,000 inputs and no such head", _reading(1_800, 20, lambda i: "kind: conv, level: 1, dim: 8", "head: {kind: nope}\n"), "SPN-206"),
    Hostile("a default of 4,000 entries for 3,000 blocks", _shared_default, "SPN-105"),
    Hostile("a setting of 4,000 entries for 3,000 blocks", _shared_setting, "SPN-105"),
    Hostile("15 parents of 1,900 blocks to remove", _parents(15, lambda i: "blocks:\n" + "".join(f"  b{i}_{j}:\n" for j in range(1_900))), "SPN-508"),
    Hostile("15 parents of 4,000 blocks", _parents(15, lambda i: _blocks(4_000).partition("\n")[2]), "SPN-105"),
    Hostile("15 parents of 900,000 lines", _parents(15, lambda i: "\n" * 900_000), "SPN-104"),
    Hostile("4,096 blocks of too many parameters", _reading(4_096, 2, lambda i: f"kind: mbconv, level: {i % 3 + 1}, dim: {5_500 + i}"), "SPN-603"),
    Hostile("200,000 nested lists", lambda folder: WHOLE + "source: " + "[" * 200_000, "SPN-106"),
    Hostile("200,000 nested mappings", lambda folder: WHOLE + "source: " + "{a: " * 200_000, "SPN-106"),
    Hostile("100,000 nested block lists", lambda folder: "- " * 100_000, "SPN-106"),
    Hostile("a key of 1 MB", lambda folder: WHOLE + f"? {'k' * 1_000_000}\n: 1\n", "SPN-202"),
    Hostile("a number of a million digits", _with("dim: 8", f"dim: {'9' * 1_000_000}"), "SPN-117"),
    Hostile("1e9 repeats", _with("dim: 8", "dim: 8, repeats: 1000000000"), "SPN-204"),
    Hostile("a dim of 1e18", _with("dim: 8", "dim: 1000000000000000000"), "SPN-204"),
    Hostile("a weight of 1.7e13 elements", _with("dim: 8, inputs: [image]}", "dim: 65536, inputs: [image]}\n  b: {kind: conv, level: 1, dim: 65536, kernel: 63, inputs: [stem]}"), "SPN-602"),
    Hostile("an input of 1e9 pixels a side", lambda folder: WHOLE + "input: {size: 1000000000}", "SPN-204"),
    Hostile("infinite ratios", _with("kind: conv", "kind: mbconv, expand: .inf"), "SPN-204"),
    Hostile("a tag that runs code", lambda folder: WHOLE + f"source: !!python/object/apply:os.system ['touch {SENTINEL}']", "SPN-113"),
    Hostile("a tag that imports", lambda folder: WHOLE + "source: !!python/name:os.system", "SPN-113"),
    Hostile("code in a value", _with("dim: 8", f"dim: \"__import__('os').system('touch {SENTINEL}')\""), "SPN-203"),
    Hostile("a keyword as a name", _with("stem", "class"), "SPN-304"),
    Hostile("a dunder as a name", _with("stem", "__class__"), "SPN-303"),
    Hostile("a module's attribute as a name", _with("stem", "forward"), "SPN-304"),
    Hostile("quotes and code in a name", _with("stem", f"\"x'); open('{SENTINEL}', 'w') #\""), "SPN-303"),
    Hostile("a newline in a name", _with("stem", '"x\\nimport os"'), "SPN-303"),
    Hostile("markup in a name", _with("stem", "'</title><script>'"), "SPN-303"),
    Hostile("full-width letters that spell eval", _with("stem", "ｅval"), "SPN-303"),
    Hostile("letters that look like others", _with("stem", "ѕtem"), "SPN-303"),
    Hostile("right-to-left marks in a name", _with("stem", '"a\\u202eb"'), "SPN-303"),
    Hostile("an escape sequence in a name", _with("stem", '"a\\e[31mb"'), "SPN-303"),
    Hostile("a path in extends: ../", _extends("../secret.yaml"), "SPN-504"),
    Hostile("a path in extends: absolute", _extends("/etc/secret.yaml"), "SPN-504"),
    Hostile("a path in extends: no spec", _extends("/etc/passwd"), "SPN-502"),
    Hostile("a path in extends: a null character", _extends('"a\\0.yaml"'), "SPN-505"),
    Hostile("a link to a file outside", _linked("/etc/passwd"), "SPN-504"),
    Hostile("a link to an endless device", _linked("/dev/zero"), "SPN-504"),
    Hostile("a link to itself", _linked("linked.yaml"), "SPN-505"),
    Hostile("a linked folder outside", _linked_folder, "SPN-504"),
    Hostile("a pipe that nobody writes to", _pipe, "SPN-505"),
    Hostile("a spec that extends itself", _extends("hostile.yaml"), "SPN-506"),
    Hostile("40 parents", _chain, "SPN-507"),
    Hostile("a picture", lambda folder: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100, "SPN-103"),
    Hostile("a pickle", lambda folder: b"\x80\x04cos\nsystem\n(S'touch sentinel'\ntR.", "SPN-103"),
    Hostile("zero bytes", lambda folder: bytes(100_000), "SPN-111"),
    Hostile("UTF-16", lambda folder: WHOLE.encode("utf-16"), "SPN-103"),
)  # fmt: skip


def refuse(hostile: Hostile, folder: Path) -> Refusal:
    """Read a hostile document in a process of its own."""
    made = hostile.make(folder)
    (folder / "hostile.yaml").write_bytes(made if isinstance(made, bytes) else made.encode())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", READ, "hostile.yaml"]
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=HUNG, check=False
    )
    if run.returncode:
        raise AssertionError(f"{hostile.name}: exit code {run.returncode}\n{run.stderr[-2000:]}")
    return Refusal(*json.loads(run.stdout))
