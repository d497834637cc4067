"""Growth of regions: edges that are known, bounds that hold."""

from hypothesis import given
from hypothesis import strategies as st

from numen.evm.forks import FORKS
from numen.evm.tier.blocks import End, Program
from numen.evm.tier.regions import Bounds, Computed, Inner, Outer, Wrong, cover, grow
from tests.evm.tier.assembly import assemble
from tests.timing import seconds_at_most

CANCUN = FORKS["cancun"]
SMALL = Bounds(cost=300, instances=12, clones=3)

FUNCTION_CALLED_TWICE = """
    entry: @first 5 @double JUMP
    first: @second SWAP1 @double JUMP
    second: 0 MSTORE @entry JUMP
    double: 2 MUL SWAP1 JUMP
"""


def program(text: str) -> Program:
    return Program(assemble(text), CANCUN)


def edges(region):
    return [edge for instance in region.instances for edge in instance.edges()]


WORDS = "JUMPDEST 0 1 7 9 PUSH1_3 DUP1 DUP3 SWAP1 SWAP2 POP ADD JUMP JUMPI CALL STOP MLOAD PC"

# Code that is mostly jumps, so that growth has something to follow.
JUMPY = st.lists(
    st.sampled_from(
        WORDS.split(),
    ),
    max_size=60,
).map(lambda words: assemble(" ".join(words).replace("_", " ")))


@given(JUMPY, st.integers(0, 20))
def test_heights_agree_along_every_edge(code, head):
    region = grow(Program(code, CANCUN), head, bounds=SMALL)

    assert (region.instances[0].block.pc, region.instances[0].height) == (head, 0)
    for instance in region.instances:
        for edge in instance.edges():
            if isinstance(edge, Inner):
                after = region.instances[edge.index]
                assert after.height == instance.height + instance.block.delta


@given(JUMPY)
def test_every_end_has_the_edges_it_needs(code):
    p = Program(code, CANCUN)
    region = grow(p, 0, bounds=SMALL)

    for instance in region.instances:
        block = instance.block
        assert (instance.taken is None) == (block.end not in (End.JUMP, End.BRANCH))
        assert (instance.follow is None) == (block.next_pc is None)
        match instance.taken:
            case Inner(index):
                assert region.instances[index].block.pc in p.destinations
            case Outer(pc):
                assert pc in p.destinations
        match instance.follow:
            case Inner(index):
                assert region.instances[index].block.pc == block.next_pc
            case Outer(pc):
                assert pc == block.next_pc


@given(JUMPY)
def test_growth_keeps_its_bounds(code):
    region = grow(Program(code, CANCUN), 0, bounds=SMALL)

    places = [instance.block.pc for instance in region.instances]
    assert len(places) <= SMALL.instances
    assert all(places.count(pc) <= SMALL.clones for pc in places)


def test_the_returns_of_a_function_called_from_two_places_are_known():
    region = grow(program(FUNCTION_CALLED_TWICE), 0)

    assert Computed() not in edges(region)
    assert len([i for i in region.instances if i.block.pc == 27]) == 2
    assert all(isinstance(edge, Inner) for edge in edges(region))


def test_the_return_of_a_function_entered_from_outside_is_computed():
    region = grow(program(FUNCTION_CALLED_TWICE), 27)

    assert edges(region) == [Computed()]


def test_the_last_clone_forgets_return_addresses():
    calls = "".join(f"@r{n} @f JUMP r{n}: " for n in range(8))

    region = grow(program(calls + "STOP f: JUMP"), 0, bounds=Bounds(clones=3))

    assert sum(edge == Computed() for edge in edges(region)) == 1


def test_a_jump_to_no_jumpdest_is_wrong():
    region = grow(program("1 JUMP"), 0)

    assert edges(region) == [Wrong()]


def test_what_is_not_wanted_is_left_to_others():
    text = "1 @cold JUMPI @warm JUMP cold: STOP warm: STOP"
    p = program(text)
    cold = min(p.destinations)

    region = grow(p, 0, is_wanted=lambda pc: pc != cold)

    assert region.exits() == {cold}


def test_borders_end_a_region():
    region = grow(program("1 there: 2 JUMP"), 0, borders=frozenset({2}))

    assert edges(region) == [Outer(2)]


def test_regions_cover_what_comes_after_calls():
    p = program("entry: 0 0 0 0 0 0 0 CALL POP @entry JUMP")

    regions = cover(p, [0])

    assert [region.head for region in regions] == [0, 16]
    assert regions[0].continuations(p.destinations) == {16}


def test_a_head_inside_another_region_is_left_out():
    p = program("first: 1 second: @first JUMP")

    assert [region.head for region in cover(p, [0, 3])] == [0]


def test_a_return_address_inside_another_region_stays_a_head():
    p = program("first: @second DUP1 JUMP second: @first JUMP")

    assert [region.head for region in cover(p, [0, 6])] == [0, 6]


def test_recursion_is_bounded():
    region = grow(program("f: @r @f JUMP r: JUMP"), 0)

    assert len(region.instances) <= Bounds().clones * 2


def test_bombs_cost_little():
    bombs = [
        b"\x5b" * 24_576,
        bytes([0x60, 0x00, 0x60, 0x00, 0x52]) * 4_900,
        assemble("".join(f"n{i}: @n{(i * 7 + 1) % 3000} JUMPI " for i in range(3000))),
        assemble("".join(f"n{i}: @n{(i * 31 + 5) % 3000} " for i in range(3000)) + "JUMP"),
    ]

    with seconds_at_most(2):
        for code in bombs:
            p = Program(code, CANCUN)
            regions = cover(p, sorted(p.destinations)[:64] or [0])
            assert all(len(region.instances) <= Bounds().instances for region in regions)
