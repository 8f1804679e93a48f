"""Imports go one way, and nothing heavy is loaded before it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import make_house as house  # noqa: E402  (tools is no package)

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "matplotlib")


@pytest.fixture(scope="module")
def imports():
    return house.imports()


def test_no_two_files_import_each_other_in_a_circle(imports):
    """Also where a function imports what it needs, or a type checker does."""
    assert not [sorted(circle) for circle in networkx.simple_cycles(imports)]


def test_every_room_imports_what_the_architecture_allows(imports):
    rooms = house.rooms(imports)
    assert set(rooms) == set(house.ROOMS)
    for room in rooms:
        below = set(house.ROOMS[room]).union(
            *(networkx.descendants(house.allowed(), each) for each in house.ROOMS[room])
        )
        assert set(rooms.successors(room)) <= below, room


def test_what_is_allowed_goes_one_way_and_is_used(imports):
    allowed = house.allowed()
    assert networkx.is_directed_acyclic_graph(allowed)
    assert set(allowed.edges) == set(networkx.transitive_reduction(house.rooms(imports)).edges)


@pytest.mark.parametrize("path", house.files(), ids=str)
def test_imports_are_absolute_and_through_spinec(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
        names = (
            [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in getattr(node, "names", [])]
        )
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert not {name.split(".")[0] for name in names} & {*house.FOLDERS} - {"spinec"}, path


def test_only_the_kinds_that_a_spec_names_are_read():
    """Reading all of the library's takes half as long again as all else that a small command does."""
    code = (
        "import spinec; spinec.load('eff-spinenet-d0'); from spinec.spec.kinds.library import SHELF; print(*SHELF.made)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"mbconv", "conv"} <= set(result.stdout.split()) <= {"mbconv", "conv", "squeeze_excite"}


def test_backends_do_not_know_each_other():
    backends = [path for path in (ROOT / "backends").iterdir() if path.is_dir() and (path / "__init__.py").exists()]
    assert backends
    for backend in backends:
        for path in backend.rglob("*.py"):
            for other in backends:
                assert other == backend or f"backends.{other.name}" not in path.read_text(), path


def modules_after(statement):
    code = f"import sys\n{statement}\nprint(chr(10) + ' '.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(result.stdout.split("\n")[-2].split())


def test_import_spinec_loads_nothing_heavy():
    loaded = modules_after("import spinec")
    for heavy in (
        *FRAMEWORKS,
        "networkx",
        "numpy",
        "pydantic",
        "yaml",
        "jinja2",
        "rich",
        "typer",
        "graphviz",
        "optuna",
        "sqlalchemy",
    ):
        assert heavy not in loaded


@pytest.mark.parametrize(
    "command",
    [
        ["cost", "eff-spinenet-d0"],
        ["validate", "eff-spinenet-d0"],
        ["lint", "eff-spinenet-d0"],
        ["fmt", "--check", "specs"],
        ["show", "eff-spinenet-d0"],
        ["list"],
        ["schema"],
        ["draw", "eff-spinenet-d0", "-o", "picture.svg"],
        ["diff", "eff-spinenet-d0", "eff-spinenet-d1"],
    ],
)
def test_fast_commands_load_no_framework(command, tmp_path):
    command = [str(tmp_path / word) if word.endswith(".svg") else word for word in command]
    loaded = modules_after(
        f"sys.argv = ['spinec', *{command!r}]\nfrom spinec.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
    )
    for heavy in (*FRAMEWORKS, "networkx", "numpy", "jinja2", "optuna", "sqlalchemy"):
        assert heavy not in loaded


def test_emit_loads_no_framework():
    loaded = modules_after("import spinec\nspinec.emit(spinec.lower(spinec.load('eff-spinenet-m0')), 'pytorch')")
    assert "jinja2" in loaded
    for heavy in FRAMEWORKS:
        assert heavy not in loaded


def test_folders_never_appear_at_the_top_level():
    loaded = modules_after("import spinec\nspinec.cost(spinec.lower(spinec.load('eff-spinenet-m0')))")
    assert "spinec.compiler.cost.report" in loaded
    assert not loaded & {"spec", "compiler", "backends", "specs", "visualize", "train", "search"}


def test_type_checkers_see_every_folder_and_file():
    links = {path.name for path in (ROOT / ".typing" / "spinec").iterdir()}
    files = {path.name for path in (ROOT / "spinec").iterdir() if path.name != "__pycache__"}
    assert links == files | ({*house.FOLDERS} - {"spinec"}) | {"specs"}
