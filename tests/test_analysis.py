"""The network as a networkx graph: what it holds, and the paths and cuts that are found in it."""

from __future__ import annotations

from itertools import pairwise, product

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import specs

from spinec import SpecError, SpecWarning, cost, graph, load, loads, lower, names
from spinec.compiler.analysis.cuts import Split, even_cut, split
from spinec.compiler.analysis.graph import work
from spinec.compiler.analysis.paths import bottlenecks, critical_path, generations
from spinec.spec.conventions import CONVENTIONS

RANDOM = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", names())
def test_a_graph_has_what_was_counted(name):
    report = cost(lower(load(name)))
    found = graph(report)
    assert nx.is_directed_acyclic_graph(found)
    for convention in CONVENTIONS:
        assert sum(work(found, convention).values()) == report.macs(convention)
    assert sum(data["params"] for _, data in found.nodes(data=True)) == report.params
    spec = report.program.spec
    for block_name, block in spec.blocks.items():
        data = found.nodes[block_name]
        assert (data["kind"], data["level"], data["dim"]) == (block.kind, block.level, block.dim)
        assert data["shape"] == report.program.shape(block_name)
        edges = sorted(found.in_edges(block_name, data=True), key=lambda edge: edge[2]["operand"])
        assert [source for source, *_ in edges] == [each.block for each in block.inputs]
        assert all(carried["bytes"] == found.nodes[source]["bytes"] for source, _, carried in edges)
    assert set(found.graph["outputs"]) == set(report.program.outputs)


def test_a_graph_says_how_inputs_are_resampled():
    found = graph(load("eff-spinenet-d0"))
    edges = {source: data["resample"] for source, _, data in found.in_edges("b16", data=True)}
    down = ("space_to_depth", "conv dim=136", "batch_norm")
    assert edges == {"b9": down, "b14": down, "b13": ()}
    for name, ops in edges.items():
        block, target = load("eff-spinenet-d0").blocks[name], load("eff-spinenet-d0").blocks["b16"]
        assert bool(ops) == ((block.level, block.dim) != (target.level, target.dim))


def test_specs_programs_and_reports_give_one_graph():
    spec = load("eff-spinenet-m0")
    of_all = [graph(each) for each in (spec, lower(spec), cost(lower(spec)))]
    assert all(nx.utils.graphs_equal(of_all[0], other) for other in of_all[1:])
    assert graph(lower(spec, 64)).graph["size"] == (64, 64)


def test_every_input_is_one_edge():
    text = (
        "name: twice\ninput: {size: 16}\nblocks:\n  a: {kind: conv, level: 1, dim: 8, inputs: [image]}\n"
        "  b: {kind: conv, level: 1, dim: 8, inputs: [a]}\noutputs: {o: b}\nhead: {kind: deeplab, classes: 2, dim: 8}\n"
    )
    found = graph(loads(text))
    assert found.number_of_edges("a", "b") == 1
    assert found.in_degree("b") == len(loads(text).blocks["b"].inputs)


DIAMOND = """
name: diamond
input: {size: 32}
blocks:
  stem: {kind: conv, level: 1, dim: 8, inputs: [image]}
  left: {kind: conv, level: 1, dim: 8, kernel: 1, inputs: [stem]}
  right: {kind: conv, level: 1, dim: 8, kernel: 5, inputs: [stem]}
  last: {kind: conv, level: 1, dim: 8, inputs: [left, right]}
outputs: {o: last}
"""


def test_the_critical_path_is_the_longest_by_hand():
    found = graph(loads(DIAMOND))
    assert critical_path(found) == ["image", "stem", "right", "last"]
    area = 16 * 16
    assert [work(found)[name] for name in critical_path(found)] == [0, area * 9 * 3 * 8, area * 25 * 64, area * 9 * 64]
    slow = {"left": 5.0, "right": 1.0}
    assert critical_path(found, costs=slow)[2] == "left"
    assert generations(found) == [["image"], ["stem"], ["left", "right"], ["last"]]
    assert bottlenecks(found) == ["image", "stem", "last"]


def test_blocks_that_only_feed_what_nobody_reads_are_named():
    text = DIAMOND.replace("inputs: [left, right]", "inputs: [left]").replace(
        "outputs:", "  further: {kind: conv, level: 2, dim: 8, inputs: [right]}\noutputs:"
    )
    with pytest.warns(SpecWarning) as told:
        loads(text)
    assert [str(each.message).partition("warning: ")[2].splitlines()[0] for each in told] == [
        "block 'right' only feeds blocks that nobody reads [SPN-311]",
        "nobody reads block 'further' [SPN-311]",
    ]


@RANDOM
@given(specs(most_blocks=8))
def test_paths_are_what_trying_all_finds(text):
    found = graph(loads(text))
    costs, simple = work(found), nx.DiGraph(found)
    starts = [name for name, degree in simple.in_degree() if not degree]
    ends = [name for name, degree in simple.out_degree() if not degree]
    every = [path for a in starts for b in ends for path in (nx.all_simple_paths(simple, a, b) if a != b else [[a]])]
    path = critical_path(found)
    assert all(simple.has_edge(*pair) for pair in pairwise(path))
    assert sum(costs[name] for name in path) == max(sum(costs[name] for name in each) for each in every)
    given_out = set(found.graph["outputs"].values())
    to_outputs = [path[: i + 1] for path in every for i, name in enumerate(path) if name in given_out]
    assert set(bottlenecks(found)) == set.intersection(*map(set, to_outputs))


def brute_force(found, parts, limit):
    """The fewest bytes of all cuts within a limit, by trying every one."""
    order = [name for name, data in found.nodes(data=True) if data["kind"] not in ("image", "crops")]
    costs, best = work(found), None
    for chosen in product(range(parts), repeat=len(order)):
        cut = dict(zip(order, chosen, strict=True))
        if any(cut[a] > cut[b] for a, b in found.edges() if a in cut):
            continue
        loads_ = [sum(costs[name] for name in order if cut[name] == part) for part in range(parts)]
        if max(loads_) > limit or len(set(chosen)) < parts:
            continue
        last = {name: max((cut[each] for each in found.successors(name)), default=cut[name]) for name in order}
        sent = sum(found.nodes[name]["bytes"] * (last[name] - cut[name]) for name in order)
        best = sent if best is None else min(best, sent)
    return best


@RANDOM
@given(specs(most_blocks=5, most_pixels=64), st.integers(2, 3), st.sampled_from([1.0, 1.2, 1.6, 3.0]))
def test_cuts_are_the_best_of_all(text, parts, balance):
    found = graph(loads(text).model_copy(update={"head": None}))
    order = [name for name, data in found.nodes(data=True) if data["kind"] not in ("image", "crops")]
    if not parts <= len(order) <= 9:
        return
    got = split(found, parts, balance)
    costs = [work(found)[name] for name in order]
    even = even_cut(costs, parts)
    limit = max(
        balance * sum(costs) / parts,
        *(sum(c for c, p in zip(costs, even, strict=True) if p == i) for i in range(parts)),
    )
    assert_is_a_cut(found, got, limit)
    assert got.is_best
    assert got.sent == brute_force(found, parts, limit)


def assert_is_a_cut(found, got: Split, limit=float("inf")):
    part = {name: i for i, each in enumerate(got.parts) for name in each.nodes}
    assert sorted(part) == sorted(
        name for name, data in found.nodes(data=True) if data["kind"] not in ("image", "crops")
    )
    assert all(each.nodes for each in got.parts)
    assert all(part[a] <= part[b] for a, b in found.edges() if a in part)
    for i, each in enumerate(got.parts):
        assert each.macs == sum(work(found)[name] for name in each.nodes) <= limit
        crossing = {a for a, b in found.edges() if a in part and part[a] <= i < part[b]}
        assert set(each.crossing) == crossing
        assert each.sent == sum(found.nodes[name]["bytes"] for name in crossing)


@pytest.mark.parametrize(("parts", "sent"), [(2, 4_202_496), (4, 14_169_600)])
def test_eff_spinenet_d2_is_cut(parts, sent):
    found = graph(load("eff-spinenet-d2"))
    got = split(found, parts)
    assert_is_a_cut(found, got, 1.1 * sum(work(found).values()) / parts)
    assert (got.sent, got.is_best) == (sent, True)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.integers(2, 4))
def test_an_even_cut_has_the_least_largest_part(amounts, parts):
    if parts > len(amounts):
        return
    cut = even_cut(amounts, parts)
    assert cut == sorted(cut)
    assert set(cut) == set(range(parts))
    ways = (
        sorted(way)
        for way in product(range(parts), repeat=len(amounts))
        if list(way) == sorted(way) and len(set(way)) == parts
    )
    largest = [max(sum(a for a, p in zip(amounts, way, strict=True) if p == i) for i in range(parts)) for way in ways]
    assert max(sum(a for a, p in zip(amounts, cut, strict=True) if p == i) for i in range(parts)) == min(largest)


@pytest.mark.parametrize(
    ("parts", "balance", "said"),
    [
        (1, 1.1, "parts: expected 2 to 7, got 1"),
        (8, 1.1, "got 8"),
        (2, 0.9, "at least 1"),
        (2, float("nan"), "at least 1"),
    ],
)
def test_what_cannot_be_cut_is_refused(parts, balance, said):
    with pytest.raises(SpecError, match=said):
        split(graph(load("resnet-18")), parts, balance)


def test_the_commands_show_cuts_and_the_critical_path(spinec):
    code, out, _ = spinec("split", "eff-spinenet-d2", "--parts", "2")
    assert code == 0
    assert "b5 b6 b7" in out
    assert "no cut as even sends less" in out
    code, out, _ = spinec("show", "eff-spinenet-d0", "--critical-path")
    assert "critical path, 1,857,439,456 multiply-adds, 75.7 % of all: image -> stem -> b1 -> b2" in out
    code, _, err = spinec("split", "resnet-18", "--parts", "99")
    assert (code, "SPN-710" in err) == (1, True)
