"""Flow analyses against their definitions, on random graphs."""

from hypothesis import given
from hypothesis import strategies as st

from numen.ir import flow
from numen.ir.nodes import BasicBlock, Branch, Edge, Function, Jump, Return


@st.composite
def graphs(draw):
    """Functions of up to eight blocks with random edges; only the shape matters."""
    count = draw(st.integers(1, 8))
    labels = [f"b{i}" for i in range(count)]
    blocks = {}
    for label in labels:
        ends = [Return()]
        if count > 1:
            targets = st.sampled_from(labels[1:])
            to, other = draw(targets), draw(targets)
            ends += [Jump(Edge(to)), Branch("c", Edge(to), Edge(other))]
        blocks[label] = BasicBlock((), (), draw(st.sampled_from(ends)))
    return Function("f", (), blocks)


def reached(fn, root, without, nexts):
    seen, todo = set(), [root] if root != without else []
    while todo:
        label = todo.pop()
        if label not in seen:
            seen.add(label)
            todo += [to for to in nexts[label] if to != without]
    return seen


@given(graphs())
def test_a_block_dominates_what_cannot_be_reached_without_it(fn):
    nexts, idom = flow.successors(fn), flow.dominators(fn)
    every = reached(fn, "b0", None, nexts)

    assert set(idom) == every
    for above in every:
        cut = every - reached(fn, "b0", above, nexts)
        assert {below for below in every if flow.dominates(idom, above, below)} == cut


@given(graphs())
def test_dominance_intervals_say_the_same(fn):
    idom = flow.dominators(fn)
    span = flow.dominance_intervals(idom)

    for above in idom:
        for below in idom:
            holds = span[above][0] <= span[below][0] and span[below][1] <= span[above][1]
            assert holds == flow.dominates(idom, above, below)


@given(graphs())
def test_a_post_dominator_is_on_every_way_to_the_end(fn):
    nexts = {label: to or (flow.EXIT,) for label, to in flow.successors(fn).items()}
    nexts[flow.EXIT] = ()

    for label, after in flow.post_dominators(fn).items():
        assert flow.EXIT in reached(fn, label, None, nexts)
        if after != flow.EXIT:
            assert flow.EXIT not in reached(fn, label, after, nexts)


@given(graphs())
def test_a_loop_is_what_reaches_its_latches_under_its_header(fn):
    idom, nexts = flow.dominators(fn), flow.successors(fn)

    for loop in flow.loops(fn):
        for label in loop.body:
            assert flow.dominates(idom, loop.header, label)
            inside = {at: [to for to in nexts[at] if to in loop.body] for at in loop.body}
            assert set(loop.latches) & reached(fn, label, None, inside)
        assert all(loop.header in nexts[latch] for latch in loop.latches)


def test_a_long_chain_needs_no_deep_stack():
    count = 20_000
    blocks = {f"b{i}": BasicBlock((), (), Jump(Edge(f"b{i + 1}"))) for i in range(count)}
    blocks[f"b{count}"] = BasicBlock((), (), Return())
    fn = Function("f", (), blocks)

    idom = flow.dominators(fn)

    assert len(idom) == count + 1
    assert len(flow.dominance_intervals(idom)) == count + 1
