"""A sample of docs/faults.md: mistakes in the library's specs, fragments, necks and kinds are refused at their line, or
known to be legal. With `SPINEC_MUTANTS=1`, all of those in fragments, necks and kinds (minutes)."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

import pytest
from fragment_mutations import FRAGMENT_MUTATIONS, NECK_MUTATIONS, fragment_documents, judge_fragment, neck_documents
from kind_documents import entries, judge_kind, kind_documents
from kind_mutations import KIND_MUTATIONS
from mutations import MUTATIONS, Mutant, documents, judge, some

from spinec.spec.errors import SpecError
from spinec.spec.kinds.steps import PRIMITIVES, Step
from spinec.spec.load import loads

SAMPLE = 4  # specs of each mistake, others for each
EVERYWHERE = bool(os.environ.get("SPINEC_MUTANTS"))
DOCUMENTS = list(documents())
FRAGMENTS, NECKS, KINDS = list(fragment_documents()), list(neck_documents()), list(kind_documents())
COMMON = {field.alias or name for name, field in Step.model_fields.items()}  # what every step may say
PAGE = Path(__file__).parent.parent / "docs" / "faults.md"


def hold(mutation, number, docs, judged_by, folder, everywhere=False):
    """The documents with a mistake, at one place of each that comes next, or at every place of all."""
    (folder / "mutant.yaml").write_text("name: mutant\n")
    turned = docs[number % len(docs) :] + docs[: number % len(docs)]
    mutants = ((doc, mutant) for doc in turned for mutant in some(mutation.make(doc), 1_000 if everywhere else 1))
    judged = [
        (doc, mutant, judged_by(doc, mutant, str(folder)))
        for doc, mutant in islice(mutants, None if everywhere else SAMPLE)
    ]
    assert judged, "the mistake is never made"
    for doc, mutant, verdict in judged:
        assert verdict.at_the_line or verdict.legal, (doc.name, verdict, sorted(mutant.lines), mutant.text)
        assert mutation.legal or not verdict.legal, (doc.name, mutant.text)


def each(mutations):
    """A test for each mistake."""
    return pytest.mark.parametrize(
        "number", range(len(mutations)), ids=lambda i: f"{mutations[i].group}: {mutations[i].name}"
    )


@each(MUTATIONS)
def test_a_mistake_is_refused_at_its_line_or_known_to_be_legal(tmp_path, number):
    hold(MUTATIONS[number], number, DOCUMENTS, judge, tmp_path)


@each(FRAGMENT_MUTATIONS)
def test_a_mistake_in_a_fragment_is_refused_there(tmp_path, number):
    hold(FRAGMENT_MUTATIONS[number], number, FRAGMENTS, judge_fragment, tmp_path, EVERYWHERE)


@each(NECK_MUTATIONS)
def test_a_mistake_in_a_neck_is_refused_there(tmp_path, number):
    hold(NECK_MUTATIONS[number], number, NECKS, judge, tmp_path, EVERYWHERE)


@each(KIND_MUTATIONS)
def test_a_mistake_in_a_kind_is_refused_there(tmp_path, number):
    hold(KIND_MUTATIONS[number], number, KINDS, judge_kind, tmp_path, EVERYWHERE)


@pytest.mark.parametrize("doc", KINDS, ids=lambda doc: doc.name)
def test_a_kind_without_a_mistake_is_legal_and_warns_of_nothing(tmp_path, doc):
    verdict = judge_kind(doc, Mutant(doc.text, frozenset()), str(tmp_path))
    assert (verdict.legal, verdict.codes) == (True, ())


def test_the_kinds_have_every_sort_of_setting():
    """And every primitive: what no kind has is never mistaken."""
    found = {(entry.step.main, str(entry.path[-1])) for doc in KINDS for entry in entries(doc) if entry.step}
    for main, model in PRIMITIVES.items():
        said = {field.alias or name for name, field in model.model_fields.items()}
        assert said - COMMON <= {key for step, key in found if step == main}, main
    assert {key for _, key in found} >= COMMON


@pytest.mark.parametrize("doc", FRAGMENTS, ids=lambda doc: doc.name)
def test_a_fragment_without_a_mistake_is_legal_and_warns_of_nothing(tmp_path, doc):
    verdict = judge_fragment(doc, Mutant(doc.text, frozenset()), str(tmp_path))
    assert (verdict.legal, verdict.codes) == (True, ())


@pytest.mark.parametrize(
    ("mark", "mutations"),
    [
        ("mistakes", MUTATIONS),
        ("fragment-mistakes", (*FRAGMENT_MUTATIONS, *NECK_MUTATIONS)),
        ("kind-mistakes", KIND_MUTATIONS),
    ],
)
def test_the_page_has_every_mistake_and_none_that_was_missed(mark, mutations):
    table = PAGE.read_text(encoding="utf-8").partition(f"<!-- table: {mark} -->")[2].partition("<!-- end -->")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("|")][2:]
    *rows, total = [[cell.strip("|* ") for cell in row] for row in rows]
    assert len(rows) == len(mutations)
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
