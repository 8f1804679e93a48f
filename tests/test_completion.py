"""What a shell completes, asked as shells ask it, and as bash itself asks it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spinec import names
from spinec.cli import main

ROOT = Path(__file__).parent.parent


@pytest.fixture
def completed(capsys, monkeypatch, tmp_path):
    """The words that are offered for the last word of a line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-own.yaml").write_text("")
    (tmp_path / "notes.txt").write_text("")

    def ask(line):
        words = line.split(" ")
        monkeypatch.setenv("_SPINEC_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setattr(sys, "argv", ["spinec"])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out.split()

    return ask


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("spinec com", ["compile", "compound"]),
        ("spinec cost my", ["my-own.yaml"]),
        ("spinec cost eff-spinenet-d0-m", ["eff-spinenet-d0-mask-rcnn"]),
        ("spinec diff resnet-18 resnet-10", ["resnet-101", "resnet-101-deeplab-v3", "resnet-101-deeplab-v3-plus"]),
        ("spinec validate my", ["my-own.yaml"]),
        ("spinec lint my-own.yaml resnet-3", ["resnet-34", "resnet-34-unet"]),
        ("spinec report my", ["my-own.yaml"]),
        ("spinec chart le", ["levels"]),
        ("spinec chart levels my", ["my-own.yaml"]),
        ("spinec cost my-own.yaml --by l", ["level"]),
        ("spinec cost my-own.yaml --optimizer a", ["adam"]),
        ("spinec cost my-own.yaml --convention pro", ["profiler", "profiler_without_swish"]),
        ("spinec cost my-own.yaml --compare", ["--compare-conventions"]),
        ("spinec compile my-own.yaml -b py", ["pytorch"]),
        ("spinec draw my-own.yaml --color m", ["macs"]),
        ("spinec explain SPN-80", ["SPN-801", "SPN-802"]),
        ("spinec weights con", ["convert"]),
        ("spinec cost folder/", []),  # nothing: the shell completes files by itself
        ("spinec draw my-own.yaml -o ", []),
        ("spinec run my-own.yaml ", []),
    ],
)
def test_names_choices_and_commands_complete(completed, line, offered):
    found = completed(line)
    assert sorted(set(found) & set(offered)) == offered
    if line.split(" ")[-1]:
        assert found == offered or set(found) == set(offered)
    else:
        assert found == []


def test_every_spec_is_offered_where_nothing_is_typed(completed):
    assert completed("spinec show ") == [*names(), "my-own.yaml"]


def test_bash_completes(tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    (tmp_path / "spinec").write_text(
        f'#!{bash}\nexec "{sys.executable}" -c \'from spinec.cli import main; main()\' "$@"\n'
    )
    (tmp_path / "spinec").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    script = """
        prog=spinec
        source <(_SPINEC_COMPLETE=source_bash "$prog")
        COMP_WORDS=(spinec cost resnet-3) COMP_CWORD=2
        $(complete -p spinec | sed 's/.*-F \\([^ ]*\\).*/\\1/') spinec
        echo "offered: ${COMPREPLY[*]}"
    """
    done = subprocess.run(
        [bash, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "offered: resnet-34" in done.stdout, done.stderr
