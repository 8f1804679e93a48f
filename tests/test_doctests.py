"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import spinec

SKIPPED = ("prelude", "__main__", "checkpoints", "export", "observe", "live")  # need a framework to be imported, or run


def modules():
    for name in ("spec", "compiler", "backends", "visualize", "train"):
        package = importlib.import_module(f"spinec.{name}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.rpartition(".")[2] not in SKIPPED:
                yield found.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    assert sum(doctest.testmod(importlib.import_module(name)).attempted for name in modules()) >= 10
    assert spinec.__doc__
