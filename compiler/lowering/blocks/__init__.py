"""One file per kind of block: each registers its lowering when imported, so a new file is all that a new kind needs."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
