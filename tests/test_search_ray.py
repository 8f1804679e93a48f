"""Workers on Ray, where it is installed: they share the study, and an evaluator's failure is told."""

import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from spinec.search.study import read

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="no Ray: pip install 'spinec[ray]'")
QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(Path(__file__).parent)}


def search(storage, evaluator, **environment):
    arguments = ["search", "sp-efficientnet-b0", "--evaluator", evaluator, "--storage", storage]
    command = [sys.executable, "-m", "spinec", *arguments, "--trials", "10", "--workers", "2", "--ray"]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET, **environment})


def test_workers_on_ray_share_a_study(tmp_path):
    storage = tmp_path / "study.db"
    found = search(storage, "spinec.search.objectives:likeness")
    assert found.returncode == 0, found.stderr
    study, _ = read(str(storage))
    assert Counter(trial.state.name for trial in study.get_trials())["COMPLETE"] == 10
    assert len({trial.user_attrs["worker"] for trial in study.get_trials()}) == 2


def test_a_failure_on_ray_is_told(tmp_path):
    (tmp_path / "broken").touch()
    found = search(tmp_path / "study.db", "searched:fragile", SPINEC_TEST_JOURNAL=str(tmp_path / "journal"))
    assert found.returncode == 1
    assert "RuntimeError: the disk is full" in found.stderr
