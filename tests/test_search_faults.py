"""Workers and first processes of a search are killed at random: the study comes out complete, and nobody is left.

One run of each; `SPINEC_KILLS=FILE pytest tests/test_search_faults.py` makes 22 of each and writes a line of each to the
file. docs/search.md has their figures. Larger: `python tests/kill_workers.py`.
"""

import json
import os
import sys
from pathlib import Path

import pytest
import searched
from kill_workers import check, search_with_kills

TRIALS = 12
FIGURES = os.environ.get("SPINEC_KILLS")
RUNS = 22 if FIGURES else 1

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are found in /proc")


def hold(folder, victim, seed):
    (folder / "small.yaml").write_text(searched.SMALL)
    story = search_with_kills(folder, TRIALS, [victim], seed, str(folder / "small.yaml"))
    found = check(folder, TRIALS, kills=1)
    if FIGURES:
        with Path(FIGURES).open("a") as figures:
            print(json.dumps({"killed": victim, "seconds": round(story.seconds), **found}), file=figures)


@pytest.mark.parametrize("seed", range(RUNS))
def test_a_search_survives_the_death_of_a_worker(tmp_path, seed):
    hold(tmp_path, "workers", seed)


@pytest.mark.parametrize("seed", range(RUNS))
def test_a_search_survives_the_death_of_its_first_process(tmp_path, seed):
    """Alone, so that its workers have to notice; and together with them."""
    hold(tmp_path, "all" if seed % 2 else "first", seed)
