"""A declarative graph compiler and spec library for vision networks."""

import importlib.util
from pathlib import Path

if importlib.util.find_spec("spinec.spec") is None:  # a plain checkout: the folders stand beside this one
    __path__.append(str(Path(__file__).resolve().parent.parent))
