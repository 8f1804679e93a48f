"""Packages that add to spinec: kinds and words as YAML files, and primitives, ops, rules and heads as modules.

A package says that it is one by an entry point of the group ``spinec`` whose value is its name. What it adds is found
by where it stands: ``kinds/*.yaml``, ``activations.yaml`` and ``conventions.yaml`` (`spec/plugin_words.py`), and the
modules of `PARTS`. Each is only read or imported when something is not known without it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from spinec.spec.errors import BackendError

GROUP = "spinec"
PARTS = ("primitives", "ops", "heads", "pytorch", "tensorflow")
"""Modules of a plug-in: what steps may say, the ops that they are, heads, and the rules of each backend."""


class Plugin(NamedTuple):
    """An installed package that adds to spinec."""

    name: str
    version: str
    package: str
    folder: Path | None
    """Where it stands; None if the package cannot be found."""

    @property
    def kinds(self) -> dict[str, Path]:
        """Name and file of its kinds."""
        files = sorted((self.folder / "kinds").glob("*.yaml")) if self.folder else []
        return {path.stem: path for path in files}

    @property
    def parts(self) -> list[str]:
        """The modules that it has, of those that spinec looks for."""
        return [part for part in PARTS if self.has(f"{part}.py")]

    def has(self, file: str) -> bool:
        """Whether it has a file."""
        return self.folder is not None and (self.folder / file).is_file()


@cache
def plugins() -> tuple[Plugin, ...]:
    """Every installed plug-in, in alphabetical order."""
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        version = point.dist.version if point.dist else ""
        found.append(Plugin(point.name, version, point.value, _folder(point.value)))
    return tuple(found)


def _folder(package: str) -> Path | None:
    """Where a package stands; it is not imported."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def plugin_kinds() -> dict[str, Path]:
    """Name and file of every kind that a plug-in brings; of two of one name, the first plug-in's."""
    found: dict[str, Path] = {}
    for plugin in plugins():
        for name, path in plugin.kinds.items():
            found.setdefault(name, path)
    return found


@cache
def load_part(part: str) -> tuple[str, ...]:
    """Import a module of every plug-in that has it, once; the names of these plug-ins.

    Raises:
        BackendError: naming the plug-in whose module cannot be imported.
    """
    loaded = []
    for plugin in plugins():
        if part in plugin.parts:
            try:
                import_module(f"{plugin.package}.{part}")
            except Exception as error:  # whatever somebody else's module does
                message = f"plug-in {plugin.name!r}: {plugin.package}.{part} cannot be imported"
                raise BackendError(f"{message}: {type(error).__name__}: {error}") from error
            loaded.append(plugin.name)
    return tuple(loaded)


def missing(what: str, home: str, part: str) -> str:
    """What a plug-in lacks: ``home`` is the module that has what needs it."""
    package = home.partition(".")[0]
    plugin = next((each for each in plugins() if each.package.partition(".")[0] == package), None)
    if plugin is None:
        return what
    file = f"{plugin.package}/{part}.py"
    have = "has none" if part in plugin.parts else "is missing"
    return f"{what}: plug-in {plugin.name!r} ({plugin.package} {plugin.version}) must have it in {file}, which {have}"
