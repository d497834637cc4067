"""What carries out a node's effects: the ledger, the disk and the keys. It decides nothing.

The disk has final blocks, each with its certificate and its diff; the last block that this node
made, and the last that was prepared; and evidence. Everything else is in memory, and is lost when
the node stops.
"""

from typing import Final, TypeAlias

import msgspec

from numen.base.codec import CodecError, TooLargeError, decode, digest, encode
from numen.base.crypto import SigningKey, keccak256
from numen.ledger.block import (
    Block,
    block_id,
)
from numen.ledger.ethereum import admit
from numen.ledger.ledger import Ledger, LedgerError, Made
from numen.ledger.order.certificate import (
    Certificate,
    CertificateError,
    Electorate,
    gather,
    signers,
    verify,
)
from numen.ledger.order.conflict import SignedRejection, check_rejection
from numen.ledger.order.sequencer import OrderError
from numen.ledger.order.vote import VoteError, Voter, lock_of
from numen.ledger.sealed.errors import MissingKeysError, SealedError
from numen.ledger.stakes import NOTICE
from numen.ledger.state import diff as diffs
from numen.ledger.state.errors import StateError
from numen.ledger.state.kv import Writes
from numen.ledger.transactions import TransactionError
from numen.ledger.world import World
from numen.node.replica import answers, proposals
from numen.node.replica.agree import FINALS_MAX
from numen.node.replica.bench import Bench
from numen.node.replica.custodian import Custodian
from numen.node.replica.events import (
    Adopt,
    Attest,
    Cast,
    Certificated,
    Check,
    Checked,
    Confide,
    Count,
    Decide,
    Decided,
    Drafted,
    Event,
    Failed,
    Hear,
    Judge,
    Keep,
    Kept,
    Look,
    Looked,
    Make,
    Open,
    Prove,
    Remember,
    Remembered,
    Reveal,
    Said,
    Seek,
    Serve,
    Served,
    Sought,
    Unlocked,
    Voted,
    Wake,
    Weigh,
)
from numen.node.replica.packet import (
    PACKET_BYTES_MAX,
    PROPOSAL_BYTES_MAX,
    REASON_MAX,
    Claim,
    Describe,
    Entrust,
    Lent,
    Peek,
    Proposal,
    Refused,
    Told,
)
from numen.node.replica.plan import Mode, Plan, check_plan
from numen.node.replica.turn import REFUTED_MAX, Replica
from numen.node.trust.court import is_authentic
from numen.node.trust.credit import worth
from numen.node.trust.evidence import FalseBlock, Lie
from numen.node.trust.watch import Heard, Watch
from numen.trust.execution import Treatment, is_drawn

Work: TypeAlias = (
    Look | Make | Check | Cast | Remember | Count | Keep | Adopt | Decide | Weigh | Judge | Prove
    | Reveal | Serve | Attest | Open | Wake | Hear | Confide | Seek
)  # fmt: skip
"""Effects that are carried out here; packets and remarks are for who has the channels."""

_AUDIT_DOMAIN: Final = "numen/audit-seed/1"
"""Of a digest that a node signs for itself alone: the signature is a secret of its own."""

_PROPOSAL: Final = b"lp"
_POSITION: Final = b"lq"
_REFUTED: Final = b"lw"
_PREPARED: Final = b"lv"
"""Names of the node's records: the block that it made last, how far it has read the log, blocks of
the next height that it found to be false, and the one that is prepared."""


class Body:
    """A node's ledger, disk and keys.

    Args:
        plan: The node's rules.
        world: The state and the disk.
        key: By which the node signs what it says to others.
        voter: By which it votes; None if it does not.
        is_indexed: Whether it is kept where transactions are, for who asks by their ids.

    Raises:
        PlanError: No node can follow the plan.
        StrongboxError: The shares of keys on the disk are another node's.
    """

    def __init__(
        self, plan: Plan, world: World, key: SigningKey, voter: Voter | None,
        *, is_indexed: bool = False,
    ) -> None:  # fmt: skip
        check_plan(plan)
        assert key.address == plan.me
        assert voter is not None or not plan.has_vote
        self.plan = plan
        self.world = world
        self.ledger = Ledger(plan.chain, world, is_indexed=is_indexed)
        self._key = key
        self._voter = voter
        self._custodian = Custodian(plan, world, key)
        self._made: Made | None = None
        self._raw_diff = b""
        self._treatment, self._value = Treatment.EXECUTE, 0
        self.watch = Watch(plan, world, self.ledger, key)
        self._bench = Bench(plan, world, self.ledger, voter, self.watch)

    def restore(self) -> tuple[Replica, Proposal | None]:
        """The node as its disk has it, and the last block that it made."""
        raw = self.world.record(_PROPOSAL)
        proposal = decode(Proposal, raw, size_max=PACKET_BYTES_MAX) if raw else None
        ledger = self.ledger
        root = self.world.state.root
        position = int.from_bytes(self.world.record(_POSITION), "big")
        refuted = frozenset(name[len(_REFUTED) :] for name, _ in self.world.kv.scan(_REFUTED))
        last = ledger.block(ledger.height)
        voted = self._voter.entries(ledger.height + 1) if self._voter is not None else []
        is_next = proposal is not None and proposals.height(proposal) == ledger.height + 1
        begun = [each.view for each in voted[-1:]]
        begun += [proposal.view] if proposal is not None and is_next else []
        prepared = self.world.record(_PREPARED)
        replica = Replica(
            ledger.height, ledger.head, root, self._bench.stakes,
            last.header.maker if last is not None else b"", view=max(begun, default=0),
            prepared=decode(Proposal, prepared, size_max=PACKET_BYTES_MAX) if prepared else None,
            lock=lock_of(voted), position=position, refuted=refuted,
            accused=self._bench.accused(), verdicts=self._bench.verdicts(),
        )  # fmt: skip
        return replica, proposal

    def perform(self, effect: Work, now_ms: int) -> Event | None:
        """Carry out an effect, and tell what came of it.

        Raises:
            StorageError: The disk refuses: the node has to stop.
            BrokenLogError: The same, for the book of votes.
        """
        event = self._perform(effect, now_ms)
        if isinstance(event, Failed):
            self.watch.failed(event.peer, event.reason)
        return event

    def _perform(self, effect: Work, now_ms: int) -> Event | None:
        match effect:
            case Look(peer, raw):
                return self._look(peer, raw)
            case Make():
                return self._make(effect, now_ms)
            case Check(proposal):
                return self._check(proposal)
            case Cast():
                return self._cast(effect)
            case Remember(proposal):
                return self._remember(proposal)
            case Count(votes):
                return Certificated(*gather(votes, self._electorate))
            case Keep():
                return self._keep(effect)
            case Adopt(peer, proposal, certificate):
                return self._adopt(peer, proposal, certificate)
            case Decide(raw, peer):
                return self._decide(raw, peer)
            case Wake():
                return self._said(self.watch.tick(now_ms))
            case Hear(peer, frame):
                return self._said(self.watch.hear(peer, frame))
            case _:
                return self._answer(effect)

    def _answer(
        self, effect: Weigh | Judge | Prove | Reveal | Serve | Attest | Open | Confide | Seek
    ) -> Event | None:
        match effect:
            case Weigh(peer, rejection):
                return self._weigh(peer, rejection)
            case Judge(peer, evidence):
                return self._bench.judge(peer, evidence)
            case Prove(peer, signed):
                return self._bench.prove(peer, signed)
            case Reveal(peer, known):
                return Served(peer, answers.taken(self.ledger, self.world, known))
            case Serve(peer, start):
                finals = answers.finals(self.ledger, self.world, start, FINALS_MAX)
                return Served(peer, finals)
            case Attest(peer, contract, height):
                answer = answers.creation(self.ledger, self.world, contract, height, self._key)
                return Served(peer, (answer,))
            case Open(peer, address):
                return Served(peer, (answers.holding(self.ledger, self.world, address),))
            case Confide():
                return self._confide(effect)
            case Seek():
                claims = self._custodian.seek()
                return Sought(claims) if claims else None

    def _confide(self, effect: Confide) -> Event | None:
        peer, custodian = effect.peer, self._custodian
        match effect.packet:
            case Entrust() as offer:
                return Served(peer, (custodian.entrust(offer),))
            case Claim() as claim:
                share = custodian.claim(peer, claim)
                return Served(peer, (share,)) if share is not None else None
            case Lent() as lent:
                try:
                    return Unlocked() if custodian.take(peer, lent) else None
                except SealedError as error:
                    return Failed(peer, error.message)
            case Describe(contract):
                return Served(peer, (answers.description(self.ledger, self.world, contract),))
            case Peek(contract, question):
                height = self.ledger.height.to_bytes(8, "big")
                fresh = custodian.fresh(question, height, self.world.state.root)
                seen = answers.seen(self.ledger, self.world, contract, question, fresh)
                return Served(peer, (seen,))

    def close(self) -> None:
        """Let go of the disk."""
        if self._voter is not None:
            self._voter.close()
        self.world.kv.close()

    def _look(self, peer: bytes, raw: bytes) -> Event:
        try:
            admitted = admit(raw, self.plan.chain)
            self.world.check_founding(admitted)
        except TransactionError as error:
            return Served(peer, (Refused(keccak256(raw), error.message[:REASON_MAX]),))
        account = self.world.last(admitted.sender)
        return Looked(peer, raw, admitted, account.nonce, account.balance)

    def _make(self, wanted: Make, now_ms: int) -> Event:
        hopeless: list[Refused] = []
        transactions = wanted.transactions
        is_wanted = wanted.is_wanted or self.ledger.pending > 0
        charges = tuple(self._bench.charges(wanted.charges))
        self._abandon()
        while True:
            time_ms = max(now_ms, self.ledger.time_ms + 1)
            try:
                made = self._draft(transactions, time_ms, charges)
            except MissingKeysError as error:
                self._custodian.want(error.contract)
                left = [raw for raw in transactions if not self._asks(raw, error.contract)]
                if len(left) == len(transactions):  # it is asked by others: wait for its keys
                    return Drafted(b"", None, tuple(hopeless))
                transactions = tuple(left)
                continue
            if not made.block.transactions and not made.block.evidence and not is_wanted:
                self.ledger.abandon()
                return Drafted(b"", None, tuple(hopeless))
            try:
                proposal = proposals.write(made, wanted.view)
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
            self._treatment = Treatment.EXECUTE
            written = encode(proposal, size_max=PACKET_BYTES_MAX)
            self.world.kv.commit([(_PROPOSAL, written)])
            return Drafted(block_id(made.block.header), proposal, tuple(hopeless))

    def _draft(
        self, transactions: tuple[bytes, ...], time_ms: int, charges: tuple[bytes, ...]
    ) -> Made:
        """Make the next block in memory."""
        return self.ledger.draft(transactions, time_ms, self.plan.price, self._key, charges)

    def _asks(self, raw: bytes, contract: bytes) -> bool:
        return any(call.to == contract for call in admit(raw, self.plan.chain).transaction.calls)

    @property
    def _electorate(self) -> Electorate:
        """Who votes for the next block."""
        return self._bench.electorate(self.ledger.height + 1)

    def _abandon(self) -> None:
        """Forget the block that is in memory."""
        self.ledger.abandon()
        self._made, self._raw_diff = None, b""

    def _check(self, proposal: Proposal) -> Event:
        block = decode(Block, proposal.block, size_max=PROPOSAL_BYTES_MAX)
        identity = block_id(block.header)
        if self.world.record(_REFUTED + identity):
            return Checked(identity, "it was shown to be false", is_refuted=True)
        if proposal.prepared is not None:
            try:
                proposals.check_prepared(proposal.prepared, block, self._electorate)
            except CertificateError as error:
                return Checked(identity, error.message)
        if self._made is not None and block_id(self._made.block.header) == identity:
            return Checked(identity, "")  # of an earlier view
        self._abandon()
        self._treatment = self._treat(block, identity, proposal.diff)
        try:
            self._work_out(block, proposal.diff)
        except MissingKeysError as error:
            self._custodian.want(error.contract)
            return Checked(identity, "", is_blind=True)
        except (LedgerError, StateError, CodecError) as error:
            is_refuted = self._treatment is not Treatment.APPLY and is_authentic(block)
            if is_refuted:
                self._refute(identity)
                self.watch.convict(Lie(FalseBlock(proposal.block)))
            return Checked(identity, error.message, is_refuted)
        return Checked(identity, "")

    def _treat(self, block: Block, identity: bytes, raw_diff: bytes) -> Treatment:
        """Whether a block is carried out, or its diff applied."""
        match self.plan.mode:
            case Mode.EXECUTE:
                return Treatment.EXECUTE
            case Mode.TRUST:
                try:
                    diff = diffs.decode(raw_diff)
                except (StateError, CodecError):
                    return Treatment.EXECUTE
                self._value = worth(diff, self.world.last, self.plan.slot_coins)
                return self.watch.decide(block.header.maker, self._value, identity).treatment
            case _:
                return Treatment.AUDIT if self._is_audited(identity) else Treatment.APPLY

    def _work_out(self, block: Block, raw_diff: bytes) -> None:
        """Come to the state after a block, in memory.

        Raises:
            LedgerError, StateError, CodecError: Something is not as it should be.
        """
        if self._treatment is Treatment.APPLY:
            self._made, self._raw_diff = self.ledger.adopt(block, diffs.decode(raw_diff)), raw_diff
        else:
            self._made = self.ledger.check(block)
            self._raw_diff = diffs.encode(self._made.diff)  # its own, whatever was sent

    def _remember(self, proposal: Proposal) -> Event:
        # With the diff that this node found, which is right whatever was sent.
        if len(proposal.block) + len(self._raw_diff) <= PROPOSAL_BYTES_MAX:
            proposal = msgspec.structs.replace(proposal, diff=self._raw_diff)
        self.world.kv.commit([(_PREPARED, encode(proposal, size_max=PACKET_BYTES_MAX))])
        return Remembered(proposal)

    def _refute(self, block: bytes) -> None:
        """Remember that a block is false, until another of its height is final."""
        if len(list(self.world.kv.scan(_REFUTED))) < REFUTED_MAX:
            self.world.kv.commit([(_REFUTED + block, b"\1")])

    def _is_audited(self, block: bytes) -> bool:
        """Whether a block is carried out although its maker is believed: the node's own draw."""
        secret = self._key.sign(digest(_AUDIT_DOMAIN, self.plan.me))
        return self.plan.mode is Mode.VERIFY and is_drawn(secret, block, self.plan.audit)

    def _said(self, heard: Heard) -> Said | None:
        """What came of something about trust; blocks that it shows to be false are remembered."""
        for block, _ in heard.false:
            self._refute(block)
        out = tuple((peer, Told(frame)) for peer, frame in heard.out)
        said = Said(
            out, tuple(heard.false), tuple(heard.remarks), tuple(self._bench.sign(heard.found)),
            tuple(self._bench.contradictions(heard.found)),
        )  # fmt: skip
        return said if said != Said(()) else None

    def _cast(self, wanted: Cast) -> Event:
        assert self._voter is not None
        self._custodian.ahead(self.world.turned())
        try:
            return Voted(
                self._voter.vote(
                    wanted.height, wanted.block, wanted.view,
                    is_commit=wanted.is_commit, since=wanted.since,
                )
            )  # fmt: skip
        except VoteError:
            return Voted(None)

    def _keep(self, effect: Keep) -> Event:
        made, certificate = self._made, effect.certificate
        assert made is not None
        assert block_id(made.block.header) == certificate.vote.block
        if effect.peer:
            try:
                verify(certificate, self._electorate)
            except CertificateError as error:
                return Failed(effect.peer, error.message)
        also = [(_POSITION, effect.position.to_bytes(8, "big"))] if effect.position else []
        return self._settle(made, self._raw_diff, certificate, also, self._treatment)

    def _adopt(self, peer: bytes, proposal: Proposal, certificate: Certificate) -> Event:
        try:
            block = decode(Block, proposal.block, size_max=PROPOSAL_BYTES_MAX)
            if block_id(block.header) != certificate.vote.block:
                return Failed(peer, "the certificate is of another block")
            verify(certificate, self._electorate)
            made = self.ledger.adopt(block, diffs.decode(proposal.diff))
        except (LedgerError, StateError, CodecError, OrderError) as error:
            return Failed(peer, error.message)
        return self._settle(made, proposal.diff, certificate, [], None)

    def _settle(
        self, made: Made, raw_diff: bytes, certificate: Certificate, also: Writes,
        treatment: Treatment | None,
    ) -> Event:  # fmt: skip
        """Keep a block; what was believed for its certificate alone is no maker's credit."""
        header = made.block.header
        if treatment in (None, Treatment.APPLY):
            also = [*also, (answers.APPLIED + header.height.to_bytes(8, "big"), b"\1")]
        if treatment is not None:
            members = self._electorate.members
            voters = (members[at].key for at in signers(certificate, self._electorate))
            block, named = block_id(header), frozenset(voters)
            noted = self.watch.settled(header.maker, block, self._value, treatment, named)
            also = [*also, *noted]
        records = answers.records(header.height, raw_diff, certificate)
        past: Writes = [(name, None) for name, _ in self.world.kv.scan(_REFUTED)]
        past = [*past, (_PREPARED, None)]
        self.ledger.keep(made, [*records, *past, *also])
        self._made, self._raw_diff = None, b""
        self._custodian.followed(frozenset(each.address for each in made.diff.accounts))
        advanced = {
            account.address: account.nonces[-1].count
            for account in made.diff.accounts
            if account.nonces
        }
        included = frozenset(made.block.transactions)
        block = block_id(header)
        return Kept(
            header.height, block, header.state, header.maker, included, advanced, certificate,
            self._bench.stakes,
        )  # fmt: skip

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

    def _weigh(self, peer: bytes, rejection: SignedRejection) -> Event | None:
        if rejection.rejected.settled.header.height > self.ledger.height + NOTICE:
            return None  # who votes there is not known here yet
        try:
            check_rejection(rejection, self.plan.chain, self._bench.stakes)
        except OrderError as error:
            return Failed(peer, error.message)
        return Decided(rejection.rejected.transaction, rejection, peer)
