"""The wheel: everything in it, under one import name, working from where it is installed."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("spec", "compiler", "backends", "specs", "visualize", "train", "search")
SHIPPED = (".py", ".yaml", ".jinja", ".css", ".js", ".typed")


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A wheel of the files that git would give, built without touching the checkout."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        path = ROOT / name
        if path.is_file() and not name.startswith((".typing/", "tests/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(path.read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--verbose",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        target,
        source,
    ]
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }  # setuptools warns of it
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    (built,) = target.glob("*.whl")
    return built, said.stdout + said.stderr


@pytest.fixture(scope="module")
def wheel(build):
    return build[0]


def test_the_build_prints_no_warning(build):
    lines = build[1].splitlines()
    assert [
        line for line in lines if "warning" in line.lower() and "Location" not in line
    ] == []  # of an index of pip's


def test_the_wheel_holds_every_file_of_the_folders(wheel):
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = set()
    for folder in ("spinec", *FOLDERS):
        names = (path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.suffix in SHIPPED)
        expected |= {name if folder == "spinec" else f"spinec/{name}" for name in names}
    assert shipped == expected


def test_the_installed_wheel_works_from_anywhere(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import spinec, sys; program = spinec.lower(spinec.load('eff-spinenet-d0'));"
        "print(spinec.__file__, spinec.cost(program).params, len(spinec.emit(program)) > 1000, 'compiler' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": ""}
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [str(tmp_path / "site" / "spinec" / "__init__.py"), "3720200", "True", "False"]


def test_the_public_names_are_all_there():
    import spinec

    assert sorted(spinec.__all__) == spinec.__all__
    for name in spinec.__all__:
        assert getattr(spinec, name).__doc__, name
    with pytest.raises(AttributeError):
        spinec.no_such_name  # noqa: B018  (the access is what is tested)


def test_the_public_interface_changes_only_on_purpose(golden):
    import inspect

    import spinec

    offered = {name: getattr(spinec, name) for name in spinec.__all__}
    shown = (
        name + (str(inspect.signature(each)) if inspect.isfunction(each) else "") for name, each in offered.items()
    )
    golden(ROOT / "tests" / "golden" / "public.txt", "\n".join(shown) + "\n")
