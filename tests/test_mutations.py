"""A sample of docs/faults.md: mistakes in the library's specs are refused at their line, or known to be legal."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import pytest
from mutations import MUTATIONS, documents, judge, some

from spinec.spec.errors import SpecError
from spinec.spec.load import loads

SAMPLE = 4  # specs of each mistake, others for each
DOCUMENTS = list(documents())
PAGE = Path(__file__).parent.parent / "docs" / "faults.md"


@pytest.mark.parametrize("number", range(len(MUTATIONS)), ids=lambda i: f"{MUTATIONS[i].group}: {MUTATIONS[i].name}")
def test_a_mistake_is_refused_at_its_line_or_known_to_be_legal(tmp_path, number):
    (tmp_path / "mutant.yaml").write_text("name: mutant\n")
    mutation = MUTATIONS[number]
    turned = DOCUMENTS[number % len(DOCUMENTS) :] + DOCUMENTS[: number % len(DOCUMENTS)]
    mutants = ((doc, mutant) for doc in turned for mutant in some(mutation.make(doc), 1))
    judged = [(doc, mutant, judge(doc, mutant, str(tmp_path))) for doc, mutant in islice(mutants, SAMPLE)]
    assert judged, "the mistake is never made"
    for doc, mutant, verdict in judged:
        assert verdict.at_the_line or verdict.legal, (doc.name, verdict, sorted(mutant.lines), mutant.text)
        assert mutation.legal or not verdict.legal, (doc.name, mutant.text)


def test_the_page_has_every_mistake_and_none_that_was_missed():
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")][2:]
    *rows, total = [[cell.strip("|* ") for cell in row] for row in rows]
    assert len(rows) == len(MUTATIONS)
    for row in [*rows, total]:
        made, refused, at_line, legal = (int(re.sub(r"\D", "", row[i]) or 0) for i in (3, 4, 5, 7))
        assert refused == at_line
        assert made == refused + legal > 0


def test_a_size_at_fault_is_named_though_scale_replaces_it():
    with pytest.raises(SpecError, match=r"<text>:3:15: input.size: expected"):
        loads("name: demo\nextends: eff-spinenet-d0\ninput: {size: large}\nscale: {size: 256}\n")


def test_blocks_that_are_a_list_are_named_though_a_neck_adds_some():
    text = "name: demo\nextends: resnet-50\nblocks: [b1]\nneck: {fragment: fpn, C3: b3, C4: b4, C5: b5}\n"
    with pytest.raises(SpecError, match=r"<text>:3:9: blocks: expected a mapping, got a list"):
        loads(text)
