"""Generated parts of the documentation are what their command makes now."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))

from make_tables import filled, tables  # noqa: E402  (docs is no package)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_tables_are_current(page):
    text = page.read_text(encoding="utf-8")
    assert filled(text, tables()) == text, "run 'make tables'"
