"""What a head's maps mean, in numbers: one file per kind of head, which registers itself when it is imported."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
