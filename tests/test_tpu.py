"""What the TPU page promises, as far as it can be run without a TPU."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from seeded_faults import CLASSIFIER

from spinec import build, emit, load, lower

PAGE = Path(__file__).parent.parent / "docs" / "tpu.md"


def synchronized(name):
    spec = load(name)
    return lower(spec.model_copy(update={"norm": spec.norm.model_copy(update={"synchronized": True})}), 64)


def test_the_script_runs_on_the_default_strategy_with_a_small_network():
    pytest.importorskip("tensorflow")
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    whole = 'load("eff-spinenet-d0-classification")'
    assert whole in script
    script = script.replace(whole, f"__import__('spinec').loads({CLASSIFIER!r})").replace("classes=1000", "classes=5")
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert 0 < float(re.search(r"loss ([0-9.]+)", result.stdout)[1]) < 20


def test_synchronized_norms_are_in_the_source():
    program = synchronized("eff-spinenet-m0")
    assert "nn.BatchNorm2d" not in emit(program, "pytorch")
    assert "partial(nn.SyncBatchNorm, " in emit(program, "pytorch")
    keras_source = emit(program, "tensorflow")
    made = keras_source.count("BatchNormalization") - keras_source.count("(layer, layers.BatchNormalization)")
    assert keras_source.count("synchronized=True") == made > 0


def test_synchronized_norms_give_the_same_on_one_replica():
    torch = pytest.importorskip("torch")
    plain, shared = build(lower(load("eff-spinenet-m0"), 64)), build(synchronized("eff-spinenet-m0"))
    shared.load_state_dict(plain.state_dict())
    image = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        first, second = plain.eval()(image), shared.eval()(image)
    assert all(torch.equal(first[name], second[name]) for name in first)
