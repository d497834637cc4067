"""A contract that k of its n nodes created, and attest in the state that they came to."""

import msgspec
import pytest

from numen.base.crypto import SigningKey
from numen.ledger.block import block_id
from numen.ledger.order.creation import (
    Creation,
    CreationError,
    Roster,
    TooFewError,
    accept,
    attest,
    check_attestation,
)
from numen.ledger.state.errors import UnknownVersionError
from numen.ledger.transactions import created_address
from tests.ledger.scripts import CODE, Script, write
from tests.ledger.town import CHAIN, PEOPLE, Town

KEYS = [SigningKey.from_seed(b"node %d" % i) for i in range(5)]
ROSTER = Roster(tuple(key.address for key in KEYS), needed=3)


@pytest.fixture(scope="module")
def created():
    town = Town()
    made = town.block(town.calls([(b"", CODE + write(Script()), 5, 10**6)]))
    contract = created_address(PEOPLE[0].address, 0, 0)
    header = made.block.header
    creation = Creation(CHAIN, contract, CODE, 1, block_id(header), header.state)
    version = town.world.state.tree.version
    town.block()  # the state goes on; what is attested does not
    return town, creation, [attest(creation, town.world.state, version, key) for key in KEYS]


def test_k_of_n_are_accepted_and_fewer_are_not(created):
    _, creation, said = created
    assert accept(said[:3], ROSTER) == accept(said, ROSTER) == creation
    for few in (said[:2], said[:1], [], [said[0], said[0], said[0]]):
        with pytest.raises(TooFewError, match=f"{len(set(few))} nodes attest it where 3"):
            accept(few, ROSTER)


def test_strangers_do_not_count(created):
    town, creation, said = created
    version = town.world.state.tree.version - 1
    strangers = [
        attest(creation, town.world.state, version, SigningKey.from_seed(b"stranger %d" % i))
        for i in range(3)
    ]
    assert check_attestation(strangers[0]) not in ROSTER.nodes
    with pytest.raises(TooFewError, match="2 nodes"):
        accept([*said[:2], *strangers], ROSTER)


def test_what_the_state_does_not_show_does_not_count(created):
    town, creation, said = created
    version = town.world.state.tree.version - 1

    def lie(**changes):
        other = msgspec.structs.replace(creation, **changes)
        return attest(other, town.world.state, version, KEYS[0])

    for false, why in (
        (lie(code=bytes(32)), "has code"),
        (lie(root=bytes(32)), "root"),
        (lie(contract=bytes(20)), "has code 0x,"),
        (msgspec.structs.replace(said[0], about=b""), "shown"),
        (msgspec.structs.replace(said[0], signature=bytes(65)), "bad"),
    ):
        with pytest.raises(CreationError, match=why):
            check_attestation(false)
        with pytest.raises(TooFewError):
            accept([*said[1:3], false], ROSTER)
    with pytest.raises(UnknownVersionError):
        attest(creation, town.world.state, 99, KEYS[0])


def test_nodes_that_say_different_things_do_not_add_up(created):
    town, creation, said = created
    version = town.world.state.tree.version - 1
    elsewhere = msgspec.structs.replace(creation, block=bytes(32))
    other = [attest(elsewhere, town.world.state, version, key) for key in KEYS[2:4]]
    with pytest.raises(TooFewError, match="2 nodes"):
        accept([*said[:2], *other], ROSTER)
