"""A wallet for the shielded pool: it keeps notes, finds their places, and proves that it may spend.

This is Python, beside the circuit (transition.py) and the contract (pool.py), which are in Numen's
language. Whoever pays tells the receiver the note by some other way: value, blinding and place.

    python examples/shielded/wallet.py        a deposit, a transfer and a withdrawal, with what they take
"""

import secrets
import sys
import time
from pathlib import Path

import numen
from numen.proof.bn254 import R as ORDER
from numen.proof.eip197 import encode_key, encode_proof
from numen.testing import Chain, build
from numen.vm.codes import Code

HERE = Path(__file__).parent
HASHES = "from numen.std.poseidon import poseidon, poseidon1\n"


class Shield:
    """The circuit, its keys, and the hash that all of it uses; one for all wallets.

    Args:
        height: Of the tree; the contract and the circuit must have the same.
    """

    def __init__(self, height: int = 16) -> None:
        self.height = height
        self.circuit = numen.compile(self._at_height("transition.py"))
        self.pool = build(self._at_height("pool.py"))
        self.keys = self.circuit.setup()
        self._pair = numen.compile(HASHES + "def main(a: felt, b: felt) -> felt:\n    return poseidon(a, b)\n")
        self._one = numen.compile(HASHES + "def main(a: felt) -> felt:\n    return poseidon1(a)\n")

    def _at_height(self, name: str) -> str:
        text = (HERE / name).read_text()
        return text.replace("HEIGHT = 16", f"HEIGHT = {self.height}").replace(
            "NOTES = 65536", f"NOTES = {2**self.height}"
        )

    def pair(self, a: int, b: int) -> int:
        return self._pair(a, b)

    def owner(self, secret: int) -> int:
        """What others know an owner by."""
        return self._one(secret)

    def deploy(self, chain: Chain):
        """The verifier and the pool on a ledger."""
        verifier = chain.deploy(Code("groth16", encode_key(self.keys.verifying)), name="verifier")
        return chain.deploy(self.pool, verifier, name="pool")


class Tree:
    """All commitments, as the pool's events tell them."""

    def __init__(self, shield: Shield) -> None:
        self.shield = shield
        self.leaves: list[int] = []

    def grow(self, *leaves: int) -> None:
        self.leaves += leaves

    def path(self, place: int) -> tuple[int, list[int], list[bool]]:
        """The root, and what leads from a leaf to it: siblings, and where we are the right child."""
        nodes, empty, siblings, sides = self.leaves, 0, [], []
        for _ in range(self.shield.height):
            nodes = [*nodes, empty] if len(nodes) % 2 else nodes
            beside = place ^ 1
            siblings.append(nodes[beside] if beside < len(nodes) else empty)
            sides.append(bool(place & 1))
            nodes = [self.shield.pair(*nodes[at : at + 2]) for at in range(0, len(nodes), 2)]
            empty, place = self.shield.pair(empty, empty), place // 2
        return (nodes[0] if nodes else empty), siblings, sides


class Note:
    """Coins that only their owner can spend. The place is known once the note is in the tree."""

    def __init__(self, shield: Shield, value: int, owner: int, blinding: int | None = None) -> None:
        self.value, self.owner = value, owner
        self.blinding = secrets.randbelow(ORDER) if blinding is None else blinding
        self.commitment = shield.pair(shield.pair(value, owner), self.blinding)
        self.place = 0


class Wallet:
    """The notes of one person."""

    def __init__(self, shield: Shield, tree: Tree, secret: int | None = None) -> None:
        self.shield, self.tree = shield, tree
        self.secret = secrets.randbelow(ORDER) if secret is None else secret
        self.owner = shield.owner(self.secret)
        self.notes: list[Note] = []

    @property
    def balance(self) -> int:
        return sum(note.value for note in self.notes)

    def nullifier(self, note: Note, secret: int) -> int:
        pair = self.shield.pair
        return pair(pair(note.commitment, note.place), secret)

    def move(self, *outs: Note, deposit: int = 0, withdrawal: int = 0, receiver: bytes = bytes(20)):
        """Prove a transition; spends the fewest of the largest notes, at most two.

        Returns:
            The arguments of the pool's message, and the notes that are spent and made.
        """
        wanted = sum(note.value for note in outs) + withdrawal - deposit
        spent: list[Note] = []
        for note in sorted(self.notes, key=lambda one: -one.value)[:2]:
            if wanted > sum(one.value for one in spent):
                spent.append(note)
        change = sum(note.value for note in spent) - wanted
        if change < 0:
            raise ValueError("two notes do not cover it")
        made = [*outs, Note(self.shield, change, self.owner)] if change or not outs else [*outs]
        if len(made) > 2:
            raise ValueError("two notes are made at once, change among them")
        while len(made) < 2:
            made.append(Note(self.shield, 0, self.owner))
        return self.prove(spent, made, deposit, withdrawal, receiver), spent, made

    def prove(self, spent, made, deposit, withdrawal, receiver):
        """Prove a transition of two notes or fewer into two."""
        keys = [self.secret] * len(spent)
        while len(spent) < 2:
            # A note without value stands in: nobody asks where it is.
            key = secrets.randbelow(ORDER)
            keys.append(key)
            spent = [*spent, Note(self.shield, 0, self.shield.owner(key))]
        paths = [self.tree.path(note.place) for note in spent]
        root, to = paths[0][0], int.from_bytes(receiver, "big")
        nullifiers = [self.nullifier(note, key) for note, key in zip(spent, keys, strict=True)]
        # Only the sides of a path say which place a nullifier is of.
        proven = self.shield.circuit.prove(
            root, nullifiers, [note.commitment for note in made], deposit, withdrawal, to,
            keys, [note.value for note in spent], [note.blinding for note in spent],
            [path[1] for path in paths], [path[2] for path in paths],
            [note.value for note in made], [note.owner for note in made],
            [note.blinding for note in made], keys=self.shield.keys,
        )  # fmt: skip
        raw = encode_proof(proven.proof)
        words = [int.from_bytes(raw[at : at + 32], "big") for at in range(0, 256, 32)]
        return [root, nullifiers, [note.commitment for note in made], withdrawal, receiver,
                proven.public[0], words]  # fmt: skip

    def settle(self, spent, made) -> None:
        """Forget notes that were spent, and keep those of ours among the new ones."""
        place = len(self.tree.leaves)
        self.tree.grow(*(note.commitment for note in made))
        self.notes = [note for note in self.notes if note not in spent]
        for offset, note in enumerate(made):
            note.place = place + offset
            if note.owner == self.owner and note.value:
                self.notes.append(note)


def main() -> None:
    """A deposit, a transfer and a withdrawal, and what each takes."""
    height = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    start = time.process_time()
    shield = Shield(height)
    ready = time.process_time() - start
    size = shield.circuit.inspect().constraints
    print(f"circuit of {size} constraints; compiled, with keys, in {ready:.1f} s")
    chain = Chain()
    pool = shield.deploy(chain)
    ann, bob = chain.people[:2]
    tree = Tree(shield)
    hers, his = Wallet(shield, tree), Wallet(shield, tree)

    def carry_out(what, wallet, who, moved, value=0):
        begun = time.process_time()
        arguments, spent, made = moved()
        proven = time.process_time()
        sent = pool.send("move", *arguments, value=value, sender=who)
        sent.unwrap()
        taken = time.process_time()
        wallet.settle(spent, made)
        work = sum(receipt.work for receipt in sent.all)
        print(
            f"{what}: proven in {1000 * (proven - begun):.0f} ms, carried out in "
            f"{1000 * (taken - proven):.0f} ms, {len(sent.receipt.message.payload)} bytes, {work} units of work"
        )
        return made

    carry_out("deposit of 100", hers, ann, lambda: hers.move(deposit=100), value=100)
    (gift, _) = carry_out("transfer of 30", hers, ann, lambda: hers.move(Note(shield, 30, his.owner)))
    his.notes.append(gift)
    carry_out(
        "withdrawal of 20", his, bob, lambda: his.move(withdrawal=20, receiver=bob.address)
    )
    print(f"hers {hers.balance}, his {his.balance}, in the pool {chain.balance(pool)}")


if __name__ == "__main__":
    main()
