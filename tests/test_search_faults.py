"""Workers of a search are killed at random: the study comes out complete. Larger: `python tests/kill_workers.py`."""

import sys

import pytest
from kill_workers import check, search_with_kills

TRIALS, KILLS = 60, 4


@pytest.mark.skipif(sys.platform != "linux", reason="workers are found in /proc")
def test_a_search_survives_the_death_of_its_workers(tmp_path):
    story = search_with_kills(tmp_path, "sp-efficientnet-b0", TRIALS, KILLS, pause=1.5, seed=1)
    assert story.workers_killed + story.searches_killed == KILLS
    assert story.searches_killed == 1
    check(tmp_path, TRIALS, KILLS)
