"""Paths, cuts and votes, against what trying everything finds on small graphs."""

from itertools import combinations, pairwise, permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from numen.trust.breaching import Cutter, closure, paths
from numen.trust.history import NOW, STEPS, History
from numen.trust.judgement import Rule, judge, trusted, trusted_by_each
from numen.trust.paths import ITSELF, widest_path
from numen.trust.web import Web, web_of
from tests.trust.town import kernel_at, sheet, town

NODES = 6
PAIRS = [(a, b) for a in range(NODES) for b in range(NODES) if a != b]
EDGES = st.dictionaries(
    st.sampled_from(PAIRS), st.tuples(st.integers(1, 50), st.booleans()), max_size=len(PAIRS)
)
ENDS = st.sampled_from(PAIRS)


def web(edges):
    return Web.of(NODES, [(a, b, weight, good) for (a, b), (weight, good) in edges.items()])


def simple_paths(edges, start, end):
    """Every path of good edges that visits no node twice."""
    others = [node for node in range(NODES) if node not in (start, end)]
    for count in range(len(others) + 1):
        for between in permutations(others, count):
            way = (start, *between, end)
            steps = list(pairwise(way))
            if all(edges.get(step, (0, False))[1] for step in steps):
                yield way, min(edges[step][0] for step in steps)


@given(EDGES, ENDS)
def test_the_widest_path_is_the_best_of_all(edges, ends):
    found = widest_path(web(edges), *ends)
    best = max((weight for _, weight in simple_paths(edges, *ends)), default=None)

    assert (found.weight if found else None) == best
    if found:
        assert (found.nodes, found.weight) in list(simple_paths(edges, *ends))


def test_a_node_trusts_itself():
    assert widest_path(web({}), 2, 2).weight == ITSELF


@given(EDGES, ENDS)
def test_the_cut_is_the_least_that_leaves_no_path(edges, ends):
    found = Cutter(web(edges)).breach(*ends)
    ways = [way[1:-1] for way, _ in simple_paths(edges, *ends) if len(way) > 2]
    others = [node for node in range(NODES) if node not in ends]
    least = next(
        size
        for size in range(NODES)
        for cut in combinations(others, size)
        if all(set(cut) & set(way) for way in ways)
    )

    assert found.value == len(found.cut) == least
    assert all(set(found.cut) & set(way) for way in ways)
    assert found.is_direct is edges.get(ends, (0, False))[1]


@given(EDGES, ENDS, ENDS)
def test_an_honest_edge_never_makes_it_easier(edges, ends, more):
    before = Cutter(web(edges)).breach(*ends).value

    assert Cutter(web({**edges, more: (9, True)})).breach(*ends).value >= before


@given(EDGES, ENDS, st.integers(1, 30), st.integers(1, 4))
def test_invented_nodes_add_no_more_than_the_bribed_ones(edges, ends, invented, bribed):
    """Behind g bribed nodes the cut grows by at most g; the other readings grow at will."""
    observer, target = ends
    others = [node for node in range(NODES) if node not in ends][:bribed]
    crowd = range(NODES, NODES + invented)
    added = [(a, b) for a in crowd for b in crowd if a != b]
    added += [(a, b) for a in others for b in crowd] + [(b, target) for b in crowd]
    plain = [(a, b, weight, good) for (a, b), (weight, good) in edges.items()]
    grown = Web.of(NODES + invented, plain + [(a, b, 9, True) for a, b in added])

    before = Cutter(web(edges)).breach(observer, target).value
    after = Cutter(grown).breach(observer, target).value

    assert after <= before + len(others)
    assert closure(grown, target) >= invented


@given(EDGES, ENDS)
def test_closure_and_paths_are_what_they_say(edges, ends):
    start, end = ends
    endorsers = {
        a for a in range(NODES) if a != end and any(True for _ in simple_paths(edges, a, end))
    }

    assert closure(web(edges), end) == len(endorsers)
    good = np.zeros((NODES, NODES), int)
    for (a, b), (_, is_good) in edges.items():
        good[a, b] = is_good
    walks = sum(int(np.linalg.matrix_power(good, length)[start, end]) for length in range(1, 4))
    assert paths(web(edges), start, end, 3) == walks


@given(EDGES, ENDS)
def test_plain_trust_is_a_path(edges, ends):
    found = trusted(web(edges), ends[0], Rule.PLAIN)

    assert bool(found[ends[1]]) is any(True for _ in simple_paths(edges, *ends))


@given(EDGES, st.sampled_from(list(Rule)))
def test_trust_found_together_is_what_each_finds_alone(edges, rule):
    found = trusted_by_each(web(edges), np.arange(NODES), rule)

    assert [list(row) for row in found] == [
        list(trusted(web(edges), observer, rule)) for observer in range(NODES)
    ]


@given(EDGES, ENDS)
def test_a_judgement_names_the_votes_that_decide(edges, ends):
    found = judge(web(edges), *ends)

    assert found.votes_for == sum(vote.is_for for vote in found.votes)
    assert found.votes_for + found.votes_against == len(found.votes)
    circle = trusted(web(edges), ends[0])
    assert found.is_trusted is bool(circle[ends[1]])
    assert all(circle[vote.attester] for vote in found.votes)
    assert found.is_reached is any(vote.is_for for vote in found.votes)


def test_one_report_is_a_vote_and_no_veto():
    edges = {(0, a): (9, True) for a in (1, 2, 3)}
    edges |= {(1, 4): (9, True), (2, 4): (9, True), (3, 4): (50, False)}

    assert judge(web(edges), 0, 4).is_trusted
    assert not judge(web({**edges, (2, 4): (1, False)}), 0, 4).is_trusted
    assert judge(web({**edges, (2, 4): (1, False)}), 0, 4, Rule.PLAIN).is_trusted


def test_the_vote_of_who_is_not_trusted_does_not_count():
    edges = {(0, 1): (9, True), (1, 2): (9, True), (1, 3): (9, True), (2, 3): (9, False)}

    assert not judge(web(edges), 0, 3).is_trusted
    assert judge(web({**edges, (1, 2): (9, False)}), 0, 3).is_trusted


def test_a_web_is_of_verdicts_that_are_fresh():
    members, keys = town(4)
    kernel = kernel_at(members, 60)
    kernel.put(sheet(members, keys, 0, 58, {1: History(NOW, 0), 2: History(NOW >> 9, 0)}))
    kernel.put(sheet(members, keys, 1, 60, {2: History(NOW >> 3, NOW)}))

    def edges(fresh):
        found = web_of(kernel, fresh_steps=fresh)
        return set(
            zip(
                *(
                    map(int, part)
                    for part in (found.source, found.target, found.weight, found.is_good)
                ),
                strict=True,
            )
        )

    assert edges(STEPS) == {(0, 1, NOW >> 2, 1), (0, 2, NOW >> 11, 1), (1, 2, NOW, 0)}
    assert edges(5) == {(0, 1, NOW >> 2, 1), (1, 2, NOW, 0)}
    kernel.advance(58 + STEPS)
    assert edges(STEPS) == {(1, 2, NOW >> (STEPS - 2), 0)}


@given(EDGES, st.lists(st.integers(0, NODES - 1), min_size=1, unique=True))
def test_edges_are_found_by_both_their_ends(edges, nodes):
    found = web(edges)
    asked = np.array(nodes)

    out = {(int(found.source[at]), int(found.target[at])) for at in found.out.edges(asked)}
    into = {(int(found.source[at]), int(found.target[at])) for at in found.into.edges(asked)}

    assert out == {edge for edge in edges if edge[0] in nodes}
    assert into == {edge for edge in edges if edge[1] in nodes}
