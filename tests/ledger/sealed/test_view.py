"""View calls: answered for authorised readers, and readable by nobody else."""

import msgspec
import pytest

from numen.base.crypto import SigningKey
from numen.ledger.sealed.envelope import public_key
from numen.ledger.sealed.errors import NotAuthorisedError, UnsealError
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.sealed.vault import Vault
from numen.ledger.sealed.view import SignedViewCall, ViewCall, answer, ask, read
from numen.ledger.state import Draft, MemoryKV, State

CONTRACT = b"\x0c" * 20
ALICE, MALLORY = SigningKey.from_seed(b"alice"), SigningKey.from_seed(b"mallory")
REPLY = b"\x09" * 32
FRESH = b"\x08" * 32
CALL = ViewCall(CONTRACT, (b"balance/alice", b"limit"), 110, public_key(REPLY))


def policy(reader: bytes, slot: bytes) -> bool:
    return reader == ALICE.address and slot != b"balance/bob"


@pytest.fixture
def kept():
    state, vault = State(MemoryKV()), Vault(EpochKeys(b"\x01" * 32, CONTRACT, 0))
    draft = Draft(state)
    vault.set(draft, b"balance/alice", b"seven")
    state.apply(draft.finish().diff)
    return vault, state


def test_an_authorised_reader_reads(kept):
    envelope = answer(ask(CALL, ALICE), policy, *kept, 100, FRESH)

    assert read(envelope, CALL, REPLY).values == (b"seven", b"")
    assert read(envelope, CALL, REPLY).height == 100
    assert b"seven" not in envelope
    for call, secret in ((CALL, b"\x07" * 32), (msgspec.structs.replace(CALL, expires=111), REPLY)):
        with pytest.raises(UnsealError):
            read(envelope, call, secret)


def altered(**fields: object) -> ViewCall:
    return msgspec.structs.replace(CALL, **fields)


SIGNED = ask(CALL, ALICE)
REFUSED = {
    "may not read": ask(CALL, MALLORY),
    "all of the slots": ask(altered(slots=(b"limit", b"balance/bob")), ALICE),
    "another contract": ask(altered(contract=bytes(20)), ALICE),
    "void at this height": ask(altered(expires=99), ALICE),
    "good for too long": ask(altered(expires=500), ALICE),
    "not signed": SignedViewCall(CALL, bytes(65)),
    "the signer may not": SignedViewCall(altered(reply_key=bytes([1] * 32)), SIGNED.signature),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_nobody_else_is_answered(kept, reason):
    with pytest.raises(NotAuthorisedError, match=reason):
        answer(REFUSED[reason], policy, *kept, 100, FRESH)
