"""Coins that move unseen: the contract keeps commitments and nullifiers, and believes proofs alone.

One message does everything: coins that come with it go in, a withdrawal goes out, and two notes become
two others. Whether all that adds up is what the proof shows; see transition.py. The contract sees
to the rest: the root is one that it had, no nullifier comes twice, and the new notes go into the tree.
"""

from numen import address, array, contract, emit, event, felt, interface, isolated, map, message, payable, send, u64, u256, view
from numen.std.poseidon import poseidon

HEIGHT = 16
NOTES = 65536  # 2**HEIGHT


@interface
class Verifier:
    @view
    async def verify(proof: list[u256, 8], statement: list[u256, 9]) -> bool: ...


@event
class Moved:
    place: u64
    first: u256
    second: u256


@contract
class Pool:
    verifier: Verifier
    count: u64
    filled: list[u256, HEIGHT]
    empty: list[u256, HEIGHT]
    roots: map[u256, bool]
    spent: map[u256, bool]
    newest: u256

    def __init__(self, verifier: Verifier):
        self.verifier = verifier
        node = felt(0)
        for level in range(HEIGHT):
            self.empty[level] = u256(node)
            node = poseidon(node, node)
        self.newest = u256(node)
        self.roots[u256(node)] = True

    @message
    @payable
    @isolated
    async def move(
        self,
        root: u256,
        nullifiers: list[u256, 2],
        commitments: list[u256, 2],
        withdrawal: u64,
        receiver: address,
        tag: u256,
        proof: list[u256, 8],
    ):
        assert self.roots[root], "no such root"
        assert nullifiers[0] != nullifiers[1], "one note twice"
        assert not self.spent[nullifiers[0]] and not self.spent[nullifiers[1]], "spent"
        assert self.count < NOTES, "the tree is full"
        statement = [
            tag, root, nullifiers[0], nullifiers[1], commitments[0], commitments[1],
            u256(u64(self.value)), u256(withdrawal), u256(receiver),
        ]
        is_true = await self.verifier.verify(proof, statement, work=3_000_000, callback_work=2_000_000)
        assert is_true, "not proven"
        self.spent[nullifiers[0]] = True
        self.spent[nullifiers[1]] = True
        place = self.grow(commitments[0], commitments[1])
        emit(Moved(place, commitments[0], commitments[1]))
        if withdrawal > 0:
            send(receiver, u128(withdrawal))

    def grow(self, first: u256, second: u256) -> u64:
        """Put two leaves beside each other into the tree; the place of the first."""
        place = self.count
        at = place // 2
        node = poseidon(felt(first), felt(second))
        for level in range(1, HEIGHT):
            if at % 2 == 1:
                node = poseidon(felt(self.filled[level]), node)
            else:
                self.filled[level] = u256(node)
                node = poseidon(node, felt(self.empty[level]))
            at = at // 2
        self.count = place + 2
        self.newest = u256(node)
        self.roots[u256(node)] = True
        return place

    @view
    def root(self) -> u256:
        return self.newest

    @view
    def is_spent(self, nullifier: u256) -> bool:
        return self.spent[nullifier]
