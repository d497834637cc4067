"""Where the words of the stack are while a region runs: in its memory, in registers, or in both.

A region loads a word from the stack's memory when it reads it, and keeps what it writes in a
register of its own until it is left. At the beginning of an instance each slot is therefore

    clean   only the stack's memory has the word
    dirty   only the register has it, whichever way control came
    mixed   that depends on the way; such a register is filled when the region is entered

and a region that is left writes back the slots that are not clean. The same walk finds how much
memory is in use for certain, so that accesses below need no check.
"""

import msgspec

from numen.evm.tier.regions import Instance, Region


class Known(msgspec.Struct, frozen=True):
    """What holds at one point of a region, however control got there.

    Attributes:
        dirty: Slots that were written on every way.
        maybe: Slots that were written on some way, the dirty ones included.
        memory: Bytes of memory in use at least.
    """

    dirty: frozenset[int]
    maybe: frozenset[int]
    memory: int

    def after(self, instance: Instance) -> "Known":
        """What holds behind an instance, given that this holds before it."""
        block = instance.block
        written = {instance.height + slot for slot, _ in block.writes}
        top = instance.height + block.delta
        return Known(
            frozenset(slot for slot in self.dirty | written if slot < top),
            frozenset(slot for slot in self.maybe | written if slot < top),
            max(self.memory, block.touched),
        )

    def meet(self, other: "Known") -> "Known":
        """What holds where two ways come together."""
        return Known(
            self.dirty & other.dirty, self.maybe | other.maybe, min(self.memory, other.memory)
        )


VISITS_MAX = 16
_AT_HEAD = Known(frozenset(), frozenset(), 0)


def known_at_entry(region: Region) -> list[Known]:
    """What holds at the beginning of each instance.

    Cost: each instance is looked at `VISITS_MAX` times on average at most. Where that does not do,
    as in code that is made for it, nothing is known, which is right for every region.
    """
    successors = region.successors()
    found: list[Known | None] = [None] * len(region.instances)
    found[0] = _AT_HEAD
    waiting = [0]
    visits = VISITS_MAX * len(region.instances)
    while waiting:
        if not visits:
            return _nothing(region)
        visits -= 1
        index = waiting.pop()
        before = found[index]
        assert before is not None
        after = before.after(region.instances[index])
        for successor in successors[index]:
            held = found[successor]
            met = after if held is None else held.meet(after)
            if met != held:
                found[successor] = met
                waiting.append(successor)
    return [known if known is not None else _AT_HEAD for known in found]


def _nothing(region: Region) -> list[Known]:
    """Every slot that is written anywhere may have been written."""
    written = {i.height + slot for i in region.instances for slot, _ in i.block.writes}
    return [
        Known(frozenset(), frozenset(slot for slot in written if slot < instance.height), 0)
        for instance in region.instances
    ]
