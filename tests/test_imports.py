"""Imports go one way, and nothing heavy is loaded before it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "spec": {"spec"},
    "compiler": {"compiler", "spec"},
    "backends": {"backends", "compiler", "spec"},
    "visualize": {"visualize", "compiler", "spec"},
    "search": {"search", "compiler", "spec"},
    "spinec": {"spinec", "backends", "visualize", "search", "compiler", "spec"},
}
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "matplotlib")


def imported_folders(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" if node.module == "spinec" else node.module for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "spinec" and len(parts) > 1 and parts[1] in MAY_IMPORT:
                yield parts[1]
            assert parts[0] not in MAY_IMPORT or parts[0] == "spinec", f"{path}: imports the bare folder {parts[0]}"


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_go_one_way(folder):
    for path in (ROOT / folder).rglob("*.py"):
        wrong = set(imported_folders(path)) - MAY_IMPORT[folder]
        assert not wrong, f"{path.relative_to(ROOT)} imports from {wrong}"


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
    assert not loaded & {"spec", "compiler", "backends", "specs", "visualize", "search"}


def test_type_checkers_see_every_folder_and_file():
    links = {path.name for path in (ROOT / ".typing" / "spinec").iterdir()}
    files = {path.name for path in (ROOT / "spinec").iterdir() if path.name != "__pycache__"}
    assert links == files | (MAY_IMPORT.keys() - {"spinec"}) | {"specs"}
