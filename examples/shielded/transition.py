"""What a shielded transfer proves: two notes are spent and two made, and no coin comes of nothing.

Everyone sees: a root under which the spent notes are, their nullifiers, the commitments of the new
ones, the coins that come in and go out in the open, and for whom. Nobody sees which notes were spent,
whose they were, whose the new ones are, or how much is in any.

A note is a value, an owner and a blinding; an owner is the hash of a secret. A note without value
need not be under the root, so that two are always spent, whatever one has.
"""

from numen import Private, felt, u64, u128
from numen.std.merkle import root_of_path
from numen.std.poseidon import poseidon, poseidon1

HEIGHT = 16


def commitment(value: u64, owner: felt, blinding: felt) -> felt:
    return poseidon(poseidon(felt(value), owner), blinding)


def nullifier(note: felt, place: felt, secret: felt) -> felt:
    """Who has the secret of a note can make it, once for each place; nobody else can link it."""
    return poseidon(poseidon(note, place), secret)


def main(
    root: felt,
    nullifiers: list[felt, 2],
    commitments: list[felt, 2],
    deposit: u64,
    withdrawal: u64,
    receiver: felt,
    secrets: Private[list[felt, 2]],
    values: Private[list[u64, 2]],
    blindings: Private[list[felt, 2]],
    siblings: Private[list[list[felt, HEIGHT], 2]],
    is_right: Private[list[list[bool, HEIGHT], 2]],
    new_values: Private[list[u64, 2]],
    new_owners: Private[list[felt, 2]],
    new_blindings: Private[list[felt, 2]],
) -> felt:
    for i in range(2):
        note = commitment(values[i], poseidon1(secrets[i]), blindings[i])
        place = felt(0)
        for level in range(HEIGHT):
            if is_right[i][level]:
                place += felt(2) ** level
        assert nullifiers[i] == nullifier(note, place, secrets[i]), "not the nullifier of this note"
        if values[i] > 0:
            assert root_of_path(note, siblings[i], is_right[i]) == root, "the note is not there"
        assert commitments[i] == commitment(new_values[i], new_owners[i], new_blindings[i]), "not the new note"
    before = u128(values[0]) + u128(values[1]) + u128(deposit)
    after = u128(new_values[0]) + u128(new_values[1]) + u128(withdrawal)
    assert before == after, "coins come of nothing, or vanish"
    # Who changes the receiver has to prove anew, for which it takes a secret. The nullifier makes the
    # result another one each time, so that it does not tell that two transfers are one person's.
    return poseidon(poseidon(receiver, nullifiers[0]), secrets[0])
