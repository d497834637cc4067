"""Where words are at the beginning of each instance, against every way through a region."""

from hypothesis import given, settings
from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.tier.blocks import Program
from numen.evm.tier.regions import Bounds, grow
from numen.evm.tier.slots import known_at_entry
from tests.evm.tier.structured import structured

CANCUN = fork("cancun")
STEPS = 40


@settings(max_examples=100)
@given(code=structured(), choices=st.lists(st.integers(0, 1), min_size=STEPS, max_size=STEPS))
def test_what_is_known_holds_on_every_way(code, choices):
    region = grow(Program(code, CANCUN), 0, bounds=Bounds(instances=40))
    known, successors = known_at_entry(region), region.successors()

    written: set[int] = set()
    memory, index = 0, 0
    for choice in choices:
        before, instance = known[index], region.instances[index]
        assert before.dirty <= written <= before.maybe
        assert before.memory <= memory
        top = instance.height + instance.block.delta
        written |= {instance.height + slot for slot, _ in instance.block.writes}
        written = {slot for slot in written if slot < top}
        memory = max(memory, instance.block.touched)
        if not successors[index]:
            return
        index = successors[index][choice % len(successors[index])]
