"""Three ways to come to the state after a block: what each costs a node.

The same blocks of one leader go to three nodes, in turn, and all come to one root. *execute*
carries a block out; *verify* checks its maker's signature and that its diff leads from the root
here to the block's; *apply* checks the certificate, and applies the diff. Each keeps the block on
its disk, with the certificate, which each has verified: that alone takes some three milliseconds.
The time is the processor's.

*compute* are messages to one contract, which loops as often as the name says and writes one slot:
the diff has the same size, whatever was executed. *payments* are to accounts that are all
different, one signature each, so that the diff is as large as the block.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness import Row, main
from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.lang.contracts.build import build
from numen.ledger.cell import Account
from numen.ledger.order.bls import VotingKey
from numen.ledger.order.certificate import Certificate, Electorate, Member, gather
from numen.ledger.order.vote import SignedVote, Vote, VoteBook, Voter, vote_digest
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.transactions import Call, Transaction, created_address, sign
from numen.ledger.world import World
from numen.node.replica.body import Body
from numen.node.replica.events import Adopt, Check, Checked, Drafted, Keep, Kept, Make
from numen.node.replica.packet import Proposal
from numen.node.replica.plan import Mode, Peer, Plan
from numen.vm.codes import Code, code_id, write_code
from numen.vm.contract import write_contract

CHAIN, WORK, BLOCKS = 1, 10**11, 7
KEYS = [SigningKey.from_seed(b"node %d" % i) for i in range(4)]
VOTING = [VotingKey((b"voter %d" % i).ljust(32)) for i in range(3)]
OWNER = SigningKey.from_seed(b"owner")
SENDERS = [SigningKey.from_seed(b"sender %d" % i) for i in range(500)]
MODES = (Mode.EXECUTE, Mode.EXECUTE, Mode.VERIFY, Mode.APPLY)

COMPUTE = """
from numen import contract, message

@contract
class Compute:
    last: u64

    @message
    def run(self, rounds: u64):
        x: u64 = 1
        for i in range(rounds):
            x = wrapping_add(wrapping_mul(x, 6364136223846793005), i)
        self.last = x
"""


class Node(msgspec.Struct):
    """A node, and its processor's seconds for each block."""

    body: Body
    mode: Mode
    seconds: list[float] = []


def node(index: int, folder: Path, accounts: dict[bytes, Account]) -> Node:
    """A node with a disk and an electorate of its own, which has verified nothing yet."""
    electorate = Electorate.of(Member(key.public, 1, key.prove_possession()) for key in VOTING)
    voters = [VOTING[0].public, VOTING[1].public, VOTING[2].public, b""]
    peers = tuple(Peer(key.address, voter) for key, voter in zip(KEYS, voters, strict=True))
    me, mode = KEYS[index], MODES[index]
    plan = Plan(CHAIN, me.address, peers, KEYS[0].address, electorate, mode, price=0)
    world = World(LmdbKV(folder / f"state{index}"), accounts.items())
    voter = None
    if index < len(VOTING):
        voting = VOTING[index]
        voter = Voter(voting, CHAIN, VoteBook.open(folder / f"votes{index}", CHAIN, voting.public))
    return Node(Body(plan, world, me, voter), mode)


class Ledger:
    """A leader and three nodes that follow it in their own ways."""

    def __init__(self, folder: Path) -> None:
        accounts = {key.address: Account(10**30) for key in [OWNER, *SENDERS]}
        self.leader, *self.nodes = [node(i, folder, accounts) for i in range(len(MODES))]
        self._nonces = dict.fromkeys(accounts, 0)
        self._now_ms = 1_000

    def signed(self, key: SigningKey, call: Call, *codes: bytes) -> bytes:
        """A transaction of somebody."""
        nonce = self._nonces[key.address]
        self._nonces[key.address] += 1
        return sign(Transaction(CHAIN, nonce, 0, 10**9, (call,), codes), key)

    def block(self, *transactions: bytes) -> int:
        """Make a block, and let each node follow; bytes of its diff."""
        self._now_ms += 1_000
        made = self.leader.body.perform(Make(transactions), self._now_ms)
        assert isinstance(made, Drafted)
        assert made.proposal is not None
        height = self.leader.body.ledger.height + 1
        certificate = certify(self.leader.body.plan.electorate, Vote(CHAIN, height, made.block))
        roots = {self._keep(self.leader, certificate).root}
        for each in self.nodes[height % 3 :] + self.nodes[: height % 3]:
            start = time.process_time()
            roots.add(self._follow(each, made.proposal, certificate).root)
            each.seconds.append(time.process_time() - start)
        assert len(roots) == 1, "the nodes came to different roots"
        return len(made.proposal.diff)

    def _follow(self, each: Node, proposal: Proposal, certificate: Certificate) -> Kept:
        if each.mode is Mode.APPLY:
            done = each.body.perform(Adopt(b"a", proposal, certificate), self._now_ms)
            assert isinstance(done, Kept), done
            return done
        checked = each.body.perform(Check(proposal), self._now_ms)
        assert isinstance(checked, Checked)
        assert not checked.problem, checked.problem
        return self._keep(each, certificate)

    def _keep(self, each: Node, certificate: Certificate) -> Kept:
        done = each.body.perform(Keep(certificate, b"a"), self._now_ms)
        assert isinstance(done, Kept), done
        return done

    def deploy(self, source: str) -> tuple[bytes, bytes]:
        """Create a contract; its address, and the selector of its message ``run``."""
        contract = build(source, file="compute.numen")
        raw = write_code(Code("numen", write_contract(contract)))
        nonce = self._nonces[OWNER.address]
        self.block(self.signed(OWNER, Call(b"", U256(0), code_id(raw), WORK), raw))
        return created_address(OWNER.address, nonce, 0), contract.description.selector("run")

    def close(self) -> None:
        """Let go of the disks."""
        for each in (self.leader, *self.nodes):
            each.body.close()


def certify(electorate: Electorate, vote: Vote) -> Certificate:
    """Let all voters sign."""
    certificate, _ = gather((key_vote(key, vote) for key in VOTING), electorate)
    assert certificate is not None
    return certificate


def key_vote(key: VotingKey, vote: Vote) -> SignedVote:
    """A vote without a book."""
    return SignedVote(vote, key.public, key.sign(vote_digest(vote)))


def contests(quick: bool) -> Iterator[Row]:
    """Everything that is measured."""
    many, few = (400_000, 4_000) if quick else (20_000_000, 20_000)
    spent = {}
    for rounds in (few, many):
        spent[rounds], size = computed(rounds)
        yield from rows(f"compute {rounds:,} rounds, diff of {size} bytes", spent[rounds])
    for mode in (Mode.VERIFY, Mode.APPLY):
        name = f"{mode.value}: compute {many:,} rounds vs {few:,}"
        yield Row(name, spent[many][mode] * 1e3, spent[few][mode] * 1e3, "ms")
    count = 50 if quick else len(SENDERS)
    times, size = paid(count)
    yield from rows(f"{count} payments, diff of {size:,} bytes", times)


def rows(name: str, spent: dict[Mode, float]) -> Iterator[Row]:
    """Two lines of the table."""
    for mode in (Mode.VERIFY, Mode.APPLY):
        yield Row(
            f"{name}: {mode.value} vs execute", spent[mode] * 1e3, spent[Mode.EXECUTE] * 1e3, "ms"
        )


def computed(rounds: int) -> tuple[dict[Mode, float], int]:
    """Blocks of one message each, to a contract that loops."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder))
        address, selector = ledger.deploy(COMPUTE)
        payload = selector + rounds.to_bytes(32, "big")
        sizes = [
            ledger.block(ledger.signed(OWNER, Call(address, U256(0), payload, WORK)))
            for _ in range(BLOCKS)
        ]
        return finish(ledger), max(sizes)


def paid(count: int) -> tuple[dict[Mode, float], int]:
    """Blocks of payments, each to an account of its own."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder))
        sizes = []
        for number in range(BLOCKS):
            receivers = (number.to_bytes(10, "big") + i.to_bytes(10, "big") for i in range(count))
            calls = (Call(receiver, U256(1), b"", 10**5) for receiver in receivers)
            signed = [ledger.signed(key, call) for key, call in zip(SENDERS, calls, strict=False)]
            sizes.append(ledger.block(*signed))
        return finish(ledger), max(sizes)


def finish(ledger: Ledger) -> dict[Mode, float]:
    """Median seconds of the last blocks, in each way."""
    spent = {each.mode: statistics.median(each.seconds[-BLOCKS + 1 :]) for each in ledger.nodes}
    ledger.close()
    return spent


if __name__ == "__main__":
    main(__doc__, contests)
