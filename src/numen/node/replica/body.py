"""What carries out a node's effects: the ledger, the disk and the keys. It decides nothing.

The disk has final blocks, each with its certificate and its diff; the last block that this node
made; and evidence. Everything else is in memory, and is lost when the node stops.
"""

from typing import Final, TypeAlias

from numen.base.codec import SIZE_MAX_BYTES, CodecError, TooLargeError, decode, digest, encode
from numen.base.crypto import BadSignatureError, SigningKey, keccak256
from numen.base.errors import NumenError
from numen.ledger.block import (
    Block,
    block_id,
    is_signed_by_maker,
    transactions_root,
    write_block,
)
from numen.ledger.ethereum import admit
from numen.ledger.ledger import Ledger, LedgerError, Made
from numen.ledger.order.certificate import Certificate, CertificateError, gather, verify
from numen.ledger.order.conflict import SignedRejection, check_rejection
from numen.ledger.order.sequencer import OrderError
from numen.ledger.order.slashing import Evidence, judge
from numen.ledger.order.vote import AlreadyVotedError, Voter
from numen.ledger.state import diff as diffs
from numen.ledger.state.errors import StateError
from numen.ledger.state.kv import Writes
from numen.ledger.transactions import TransactionError
from numen.ledger.world import World
from numen.node.replica import answers
from numen.node.replica.agree import FINALS_MAX
from numen.node.replica.events import (
    Adopt,
    Attest,
    Cast,
    Certificated,
    Check,
    Checked,
    Count,
    Decide,
    Decided,
    Drafted,
    Event,
    Failed,
    Judge,
    Judged,
    Keep,
    Kept,
    Look,
    Looked,
    Make,
    Open,
    Serve,
    Served,
    Voted,
    Weigh,
)
from numen.node.replica.packet import (
    PACKET_BYTES_MAX,
    PROPOSAL_BYTES_MAX,
    REASON_MAX,
    Proposal,
    Refused,
)
from numen.node.replica.plan import Mode, Plan, check_plan
from numen.node.replica.turn import REFUTED_MAX, Replica
from numen.trust.execution import is_drawn

Work: TypeAlias = (
    Look | Make | Check | Cast | Count | Keep | Adopt | Decide | Weigh | Judge | Serve | Attest
    | Open
)  # fmt: skip
"""Effects that are carried out here; packets and remarks are for who has the channels."""

_AUDIT_DOMAIN: Final = "numen/audit-seed/1"
"""Of a digest that a node signs for itself alone: the signature is a secret of its own."""

_PROPOSAL: Final = b"lp"
_EVIDENCE: Final = b"lx"
_POSITION: Final = b"lq"
_REFUTED: Final = b"lf"
"""Names of the node's records: the block that it made last, evidence by voting key, how far it has
read the log, and blocks of the next height that it found to be false."""


class Body:
    """A node's ledger, disk and keys.

    Args:
        plan: The node's rules.
        world: The state and the disk.
        key: By which the node signs what it says to others.
        voter: By which it votes; None if it does not.

    Raises:
        PlanError: No node can follow the plan.
    """

    def __init__(self, plan: Plan, world: World, key: SigningKey, voter: Voter | None) -> None:
        check_plan(plan)
        assert key.address == plan.me
        assert voter is not None or not plan.has_vote
        self.plan = plan
        self.world = world
        self.ledger = Ledger(plan.chain, world)
        self._key = key
        self._voter = voter
        self._made: Made | None = None
        self._raw_diff = b""

    def restore(self) -> tuple[Replica, Proposal | None]:
        """The node as its disk has it, and the last block that it made."""
        found = dict(self.world.kv.scan(_EVIDENCE))
        accused = {
            name[len(_EVIDENCE) :]: decode(Evidence, raw, size_max=SIZE_MAX_BYTES)
            for name, raw in found.items()
        }
        raw = self.world.record(_PROPOSAL)
        proposal = decode(Proposal, raw, size_max=PACKET_BYTES_MAX) if raw else None
        ledger = self.ledger
        root = self.world.state.root
        position = int.from_bytes(self.world.record(_POSITION), "big")
        refuted = frozenset(name[len(_REFUTED) :] for name, _ in self.world.kv.scan(_REFUTED))
        replica = Replica(
            ledger.height, ledger.head, root, position=position, refuted=refuted, accused=accused
        )
        return replica, proposal

    def perform(self, effect: Work, now_ms: int) -> Event | None:
        """Carry out an effect, and tell what came of it.

        Raises:
            StorageError: The disk refuses: the node has to stop.
            BrokenLogError: The same, for the book of votes.
        """
        match effect:
            case Look(peer, raw):
                return self._look(peer, raw)
            case Make(transactions, is_wanted):
                return self._make(transactions, now_ms, is_wanted=is_wanted)
            case Check(proposal):
                return self._check(proposal)
            case Cast(height, block):
                return self._cast(height, block)
            case Count(votes):
                return Certificated(*gather(votes, self.plan.electorate))
            case Keep():
                return self._keep(effect)
            case Adopt(peer, proposal, certificate):
                return self._adopt(peer, proposal, certificate)
            case Decide(raw, peer):
                return self._decide(raw, peer)
            case _:
                return self._answer(effect)

    def _answer(self, effect: Weigh | Judge | Serve | Attest | Open) -> Event | None:
        match effect:
            case Weigh(peer, rejection):
                return self._weigh(peer, rejection)
            case Judge(peer, evidence):
                return self._judge(peer, evidence)
            case Serve(peer, start):
                finals = answers.finals(self.ledger, self.world, start, FINALS_MAX)
                return Served(peer, finals)
            case Attest(peer, contract, height):
                answer = answers.creation(self.ledger, self.world, contract, height, self._key)
                return Served(peer, (answer,))
            case Open(peer, address):
                return Served(peer, (answers.holding(self.ledger, self.world, address),))

    def close(self) -> None:
        """Let go of the disk."""
        if self._voter is not None:
            self._voter.close()
        self.world.kv.close()

    def _look(self, peer: bytes, raw: bytes) -> Event:
        try:
            admitted = admit(raw, self.plan.chain)
        except TransactionError as error:
            return Served(peer, (Refused(keccak256(raw), error.message[:REASON_MAX]),))
        account = self.world.last(admitted.sender)
        return Looked(peer, raw, admitted, account.nonce, account.balance)

    def _make(self, transactions: tuple[bytes, ...], now_ms: int, *, is_wanted: bool) -> Event:
        hopeless: list[Refused] = []
        is_wanted = is_wanted or self.ledger.pending > 0
        self.ledger.abandon()
        while True:
            time_ms = max(now_ms, self.ledger.time_ms + 1)
            made = self.ledger.draft(transactions, time_ms, self.plan.price, self._key)
            if not made.block.transactions and not is_wanted:
                self.ledger.abandon()
                return Drafted(b"", None, tuple(hopeless))
            try:
                proposal = _write(made)
            except TooLargeError as error:  # what it changes does not fit: take fewer
                self.ledger.abandon()
                if len(transactions) <= 1:
                    reason = f"it changes too much: {error.message}"[:REASON_MAX]
                    ids = [admit(raw, self.plan.chain).id for raw in transactions]
                    hopeless += [Refused(each, reason) for each in ids]
                    return Drafted(b"", None, tuple(hopeless))
                transactions = transactions[: len(transactions) // 2]
                continue
            self._made, self._raw_diff = made, proposal.diff
            written = encode(proposal, size_max=PACKET_BYTES_MAX)
            self.world.kv.commit([(_PROPOSAL, written)])
            return Drafted(block_id(made.block.header), proposal, tuple(hopeless))

    def _check(self, proposal: Proposal) -> Event:
        self.ledger.abandon()
        block = decode(Block, proposal.block, size_max=PROPOSAL_BYTES_MAX)
        identity = block_id(block.header)
        is_executed = self.plan.mode is Mode.EXECUTE or self._is_audited(identity)
        try:
            if is_executed:
                self._made = self.ledger.check(block)
                self._raw_diff = diffs.encode(self._made.diff)  # its own, whatever was sent
            else:
                self._made = self.ledger.adopt(block, diffs.decode(proposal.diff))
                self._raw_diff = proposal.diff
        except (LedgerError, StateError, CodecError) as error:
            is_refuted = is_executed and _is_authentic(block)
            if is_refuted:
                self._refute(identity)
            return Checked(identity, error.message, is_refuted)
        return Checked(identity, "")

    def _refute(self, block: bytes) -> None:
        """Remember that a block is false, until another of its height is final."""
        if len(list(self.world.kv.scan(_REFUTED))) < REFUTED_MAX:
            self.world.kv.commit([(_REFUTED + block, b"\1")])

    def _is_audited(self, block: bytes) -> bool:
        """Whether a block is carried out although its maker is believed: the node's own draw."""
        secret = self._key.sign(digest(_AUDIT_DOMAIN, self.plan.me))
        return self.plan.mode is Mode.VERIFY and is_drawn(secret, block, self.plan.audit)

    def _cast(self, height: int, block: bytes) -> Event:
        assert self._voter is not None
        try:
            return Voted(self._voter.vote(height, block))
        except AlreadyVotedError:
            return Voted(None)

    def _keep(self, effect: Keep) -> Event:
        made, certificate = self._made, effect.certificate
        assert made is not None
        assert block_id(made.block.header) == certificate.vote.block
        if effect.peer:
            try:
                verify(certificate, self.plan.electorate)
            except CertificateError as error:
                return Failed(effect.peer, error.message)
        also = [(_POSITION, effect.position.to_bytes(8, "big"))] if effect.position else []
        return self._settle(made, self._raw_diff, certificate, also)

    def _adopt(self, peer: bytes, proposal: Proposal, certificate: Certificate) -> Event:
        try:
            block = decode(Block, proposal.block, size_max=PROPOSAL_BYTES_MAX)
            if block_id(block.header) != certificate.vote.block:
                return Failed(peer, "the certificate is of another block")
            verify(certificate, self.plan.electorate)
            made = self.ledger.adopt(block, diffs.decode(proposal.diff))
        except (LedgerError, StateError, CodecError, OrderError) as error:
            return Failed(peer, error.message)
        return self._settle(made, proposal.diff, certificate, [])

    def _settle(self, made: Made, raw_diff: bytes, certificate: Certificate, also: Writes) -> Event:
        header = made.block.header
        records = answers.records(header.height, raw_diff, certificate)
        refuted = [(name, None) for name, _ in self.world.kv.scan(_REFUTED)]
        self.ledger.keep(made, [*records, *refuted, *also])
        self._made, self._raw_diff = None, b""
        advanced = {
            account.address: account.nonces[-1].count
            for account in made.diff.accounts
            if account.nonces
        }
        included = frozenset(made.block.transactions)
        block = block_id(header)
        return Kept(header.height, block, header.state, included, advanced, certificate)

    def _decide(self, raw: bytes, peer: bytes) -> Event | None:
        admitted = admit(raw, self.plan.chain)
        end = answers.end(self.ledger, self.world, raw, admitted, self._key)
        if end is not None:
            return Decided(admitted.id, end, asker=peer)
        if not peer:
            return None
        nonce = self.world.last(admitted.sender).nonce
        reason = f"nonce {admitted.transaction.nonce} where {nonce} is next"
        return Served(peer, (Refused(admitted.id, reason),))

    def _weigh(self, peer: bytes, rejection: SignedRejection) -> Event:
        try:
            check_rejection(rejection, self.plan.chain, self.plan.electorate)
        except OrderError as error:
            return Failed(peer, error.message)
        return Decided(rejection.rejected.transaction, rejection, peer)

    def _judge(self, peer: bytes, evidence: Evidence) -> Event | None:
        try:
            guilty = judge(evidence, self.plan.electorate)
        except NumenError as error:
            return Failed(peer, error.message) if peer else None
        written = encode(evidence)
        self.world.kv.commit([(_EVIDENCE + key, written) for key in guilty])
        return Judged(evidence, guilty)


def _is_authentic(block: Block) -> bool:
    """Whether signature and transactions are those of the header: its id names nothing else."""
    try:
        is_signed = is_signed_by_maker(block)
    except BadSignatureError:
        return False
    return is_signed and transactions_root(block.transactions) == block.header.transactions


def _write(made: Made) -> Proposal:
    block, diff = write_block(made.block), diffs.encode(made.diff)
    size = len(block) + len(diff)
    if size > PROPOSAL_BYTES_MAX:
        raise TooLargeError(size, PROPOSAL_BYTES_MAX)
    return Proposal(block, diff)
