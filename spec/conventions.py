"""The names of the counting conventions. Nothing is imported here, so the command line can offer them at no cost.

What each of them counts is in `compiler/cost/conventions.py`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Convention: TypeAlias = Literal[
    "conv",
    "profiler",
    "profiler_without_swish",
    "fvcore",
    "thop",
    "ptflops",
    "torch",
]
