"""Networks that timm or torchvision has, too: parameters and multiply-adds to the integer, and logits with weights copied across.

`tools/make_published.py` writes what is found into docs/figures.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm_import", exc_type=ImportError)

try:
    from published_code import NETWORKS, compared
except ImportError:
    pytest.skip("no timm: make test", allow_module_level=True)

import spinec  # noqa: E402  (after the skip)

torch.set_num_threads(1)
PAGE = Path(__file__).parent.parent / "docs" / "figures.md"
BAR = 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_the_published_one(name):
    found = compared(name)
    assert len({*found.params}) == len({*found.macs}) == 1, found
    assert found.logits <= BAR < found.images / 1000


def test_the_page_says_of_every_network_what_is_counted():
    text = PAGE.read_text(encoding="utf-8").partition("<!-- table: public-code -->")[2].partition("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]
    assert [row[:2] for row in rows] == [[name, NETWORKS[name]] for name in NETWORKS], "python tools/make_published.py"
    for name, _, *numbers, logits, images in rows:
        report = spinec.cost(spinec.lower(spinec.load(name)))
        counted = [int(re.sub(",", "", number)) for number in numbers]
        assert counted == [report.params, report.params, report.macs("conv"), report.macs("conv")], name
        assert float(logits) <= BAR < float(images) / 1000
