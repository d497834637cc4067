"""The native machine's state against the reference's: all that can be asked and changed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.message import Message
from numen.evm.native.machine import NativeMachine
from numen.evm.reference.machine import ReferenceMachine
from numen.evm.state import Account, State, StateDiff
from numen.evm.substate import Substate

ADDRESSES = [bytes(19) + bytes([n]) for n in (3, 4)] + [bytes([n]) * 20 for n in (0xA1, 0xA2, 0xA3)]
WORDS = [0, 1, 2**255 + 7, 2**256 - 1]
STORER, CALLER = b"\x55" * 20, b"\x11" * 20
STORING = bytes.fromhex("600035602035556020355460005260206000a0604035ff")
"""Stores the second word of its input under the first, logs, and destroys itself for the third."""

PRE = {
    CALLER: Account(nonce=1, balance=10**6),
    STORER: Account(nonce=1, balance=9, code=STORING, storage={1: 5, 2**255 + 7: 6}),
    ADDRESSES[0]: Account(),
    ADDRESSES[2]: Account(balance=4, storage={1: 1}),
}

address = st.sampled_from(ADDRESSES)
word = st.sampled_from(WORDS)
step = st.one_of(
    st.tuples(st.just("set_nonce"), address, st.sampled_from([0, 1, 2**64 - 1])),
    st.tuples(st.just("set_balance"), address, st.sampled_from([0, 1, 2**200])),
    st.tuples(st.just("add_balance"), address, st.sampled_from([0, 0, 7])),
    st.tuples(st.just("set_code"), address, st.sampled_from([b"", b"\x00", STORING])),
    st.tuples(st.just("set_storage"), address, word, word),
    st.tuples(st.just("warm"), address),
    st.tuples(st.just("warm_all"), st.lists(address, max_size=3)),
    st.tuples(st.just("warm_slot"), address, word),
    st.tuples(st.just("mark")),
    st.tuples(st.just("back"), st.integers(0, 5)),
    st.tuples(st.just("next")),
    st.tuples(st.just("diff")),
    st.tuples(st.just("run"), st.sampled_from([STORER, *ADDRESSES]), word, word, address),
)


class Pair:
    """A machine, the state it began with, and marks that may be gone back to."""

    def __init__(self, machine: Substate, state: State) -> None:
        self.machine, self.state = machine, state
        self.marks: list[int] = []
        machine.begin()

    def do(self, name: str, *args: object) -> object:
        """Take a step, and give what can be seen of it."""
        machine = self.machine
        if name == "mark":
            self.marks.append(machine.snapshot())
        elif name == "back" and self.marks:
            number = int(str(args[0])) % len(self.marks)
            machine.revert(self.marks[number])
            del self.marks[number:]
        elif name in ("next", "diff"):
            machine.finish()
            self.marks.clear()
            diff = machine.take_diff() if name == "diff" else StateDiff()
            self.state.apply(diff)
            machine.begin()
            return diff
        elif name == "run":
            to, key, value, heir = args
            assert isinstance(to, bytes)
            assert isinstance(heir, bytes)
            words = (int(str(key)), int(str(value)), int.from_bytes(heir, "big"))
            data = b"".join(each.to_bytes(32, "big") for each in words)
            result = machine.run(Message(CALLER, to, value=3, data=data, gas=90_000))
            return result, machine.refund(), machine.logs()
        elif name == "set_storage" and not machine.exists(ADDRESSES[ADDRESSES.index(args[0])]):
            # Nobody may: an account that is not there has no storage.
            return None
        elif name != "back":
            getattr(machine, name)(*args)
        return None

    def view(self) -> list[object]:
        """All that can be asked about the accounts there may be."""
        asked = (self.machine.exists, self.machine.is_empty, self.machine.nonce)
        more = (self.machine.balance, self.machine.code, self.machine.account)
        answers: list[object] = [ask(a) for ask in (*asked, *more) for a in (*ADDRESSES, STORER)]
        return answers + [self.machine.storage(a, w) for a in (*ADDRESSES, STORER) for w in WORDS]


@pytest.mark.parametrize("name", ["homestead", "constantinople", "istanbul", "berlin", "prague"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(step, max_size=25))
def test_any_sequence_of_changes_is_the_same_as_in_the_reference(
    name: str, steps: list[tuple[object, ...]]
) -> None:
    ours, theirs = State(PRE), State(PRE)
    native = Pair(NativeMachine(fork(name), ours, tier="interpreter"), ours)
    reference = Pair(ReferenceMachine(fork(name), theirs), theirs)

    for kind, *args in steps:
        assert native.do(str(kind), *args) == reference.do(str(kind), *args)
        assert native.view() == reference.view()

    assert native.do("diff") == reference.do("diff")
    assert dict(ours.accounts) == dict(theirs.accounts)
