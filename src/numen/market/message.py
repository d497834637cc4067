"""Every signed message of the market, as one tagged union.

A task's life is a chain of six messages, each naming the digest of the one before:

    Request → Offer → Match → Execution → Result → Verdict

Beside the chain stand `Cancel`, `Vote`, `Assent` and `Finding`, the moves of contests (`moves.py`),
`Buy` for what was answered before and `Recall` for what was answered wrongly, `Register` for the
node of an account, and the calls by which owners move their own coins.
A message is canonical bytes under the domain of its tag, signed by its author.

    MessageError
    └── WrongAuthorError   the signature is not of the account that the message names
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import U64, digest_once
from numen.base.crypto import Address, Hash32, Signature, SigningKey, recover
from numen.base.errors import NumenError
from numen.market.coins import Amount
from numen.market.moves import Challenge, Midpoint, Move, Run, Stance, Step
from numen.market.task import Policy, Task
from numen.market.ticket import Quote
from numen.proof.statement import Claim, Evidence

ANSWER_MAX_BYTES = 1 << 16
"""Longest output that travels inside a message."""

RAMP_MAX_MS = 900_000
"""Longest time that a bid may take to rise."""


class Kept(msgspec.Struct, frozen=True, array_like=True, tag="kept/1"):
    """Evidence too long for a message, which is kept where goods of the market are.

    Attributes:
        name: Of the goods: their digest, so that nothing else can take their place.
    """

    name: Hash32


Word = Annotated[str, Meta(max_length=32)]
"""A word of the protocol, such as an outcome."""

Bytes = Annotated[bytes, Meta(max_length=ANSWER_MAX_BYTES)]


class Ramp(msgspec.Struct, frozen=True, array_like=True):
    """How a bid rises by itself: in a line, from the bid to a ceiling.

    Attributes:
        ceiling: Where it ends, in coins.
        starts_ms: When it begins to rise.
        lasts_ms: How long it rises; at least 1.
    """

    ceiling: Amount
    starts_ms: U64
    lasts_ms: Annotated[int, Meta(ge=1, le=RAMP_MAX_MS)]


class Request(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="request/2"):
    """A provider wants a task done, and says for how much.

    A request with a higher nonce replaces the one before: that is how a bid is raised.

    Attributes:
        task: What is to be done; the same in every replacement.
        bid: Most that each accepted answer is paid, in coins; where there is a ramp, at first.
        nonce: Counts the replacements from 0.
        ramp: How the bid rises by itself; None where it does not.
    """

    task: Task
    bid: Amount
    nonce: U64
    ramp: Ramp | None = None

    @property
    def ceiling(self) -> int:
        """Most that it ever bids, in coins."""
        return self.bid if self.ramp is None else self.ramp.ceiling

    @property
    def rises_until_ms(self) -> int:
        """When it has risen to the ceiling; 0 where it does not rise."""
        return 0 if self.ramp is None else self.ramp.starts_ms + self.ramp.lasts_ms

    def bid_at(self, now_ms: int) -> int:
        """What it bids at a moment, in coins: a function of the order and the time alone."""
        ramp = self.ramp
        if ramp is None:
            return self.bid
        risen_ms = min(max(now_ms - ramp.starts_ms, 0), ramp.lasts_ms)
        return self.bid + (ramp.ceiling - self.bid) * risen_ms // ramp.lasts_ms


class Offer(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="offer/1"):
    """A worker bids for a task and pledges its stake on it.

    Attributes:
        request: Digest of the request that the worker read.
        worker: Who offers.
        ask: Least that the worker wants for its answer, in coins.
        pledge: What it loses if it cheats, in coins.
        quote: Tickets it wants to be paid in; None to be paid from the escrow directly.
    """

    request: Hash32
    worker: Address
    ask: Amount
    pledge: Amount
    quote: Quote | None = None


class Match(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="match/1"):
    """The task's verifier gives a seat to an offer.

    Attributes:
        offer: Digest of the offer.
        verifier: Who matches.
        price: What the answer is paid if it is accepted, in coins.
        commit_by_ms: Last moment for the execution message.
        reveal_by_ms: Last moment for the result message.
    """

    offer: Hash32
    verifier: Address
    price: Amount
    commit_by_ms: U64
    reveal_by_ms: U64


class Execution(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="execution/1"):
    """A worker has run the task and binds itself to what came out.

    Attributes:
        match: Digest of the match.
        worker: Who ran it.
        commitment: From `quorum.commit`; it hides the answer and binds the worker.
    """

    match: Hash32
    worker: Address
    commitment: Hash32


class Result(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="result/1"):
    """A worker opens its commitment, to the verifier alone until the task is settled.

    Attributes:
        execution: Digest of the execution message.
        worker: Who ran it.
        salt: What the commitment was salted with.
        claim: What the worker says the program gave.
        answer: The output itself.
        attestation: The worker's signature over the claim, for evidence outside the market.
        evidence: A proof or where it is kept, or a commitment to the run, where the task asks
            for one.
    """

    execution: Hash32
    worker: Address
    salt: Hash32
    claim: Claim
    answer: Bytes
    attestation: Signature
    evidence: Evidence | Kept | Run | None = None


class Verdict(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="verdict/1"):
    """The verifier closes one seat of a task.

    Attributes:
        last: Digest of the last message of the seat: a result, or what came instead of one.
        verifier: Who says so.
        task: Id of the task.
        worker: Whose seat it was.
        outcome: How it ended, a value of `stake.Outcome`.
        claim: Digest of the settled claim; zero bytes when none was settled.
        paid: What the answer is paid, in coins.
        ticketed: The part of it that is paid in tickets which the verifier has passed on.
        tickets: Digest of those tickets, from `ticket.batch_digest`; zero bytes without any.
        fined: What its pledge lost, in coins.
    """

    last: Hash32
    verifier: Address
    task: Hash32
    worker: Address
    outcome: Word
    claim: Hash32
    paid: Amount
    ticketed: Amount
    tickets: Hash32
    fined: Amount


class Cancel(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="cancel/1"):
    """A provider takes back a task that nobody works on.

    Attributes:
        provider: Whose task it is.
        task: Id of the task.
    """

    provider: Address
    task: Hash32


class Vote(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="vote/1"):
    """A staked verifier has run a task again.

    Attributes:
        task: Id of the task.
        verifier: Who ran it.
        claim: What the program gave.
        attestation: The verifier's signature over the claim.
    """

    task: Hash32
    verifier: Address
    claim: Claim
    attestation: Signature


class Assent(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="assent/1"):
    """A staked verifier is not going to object to an answer.

    Attributes:
        task: Id of the task.
        verifier: Who says so.
        claim: Digest of the answer's claim.
    """

    task: Hash32
    verifier: Address
    claim: Hash32


class Call(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="call/1"):
    """An owner moves its own coins, or changes its own standing.

    Attributes:
        market: Id of the market.
        owner: Whose coins.
        nonce: One more than that of the owner's call before; the first is 0.
        verb: What to do, a value of `exchange.Verb`.
        amount: Coins, where the verb moves some.
    """

    market: Hash32
    owner: Address
    nonce: U64
    verb: Word
    amount: Amount = 0


class Buy(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="buy/1"):
    """Somebody wants an answer that is in the store, without a new run.

    Attributes:
        market: Id of the market.
        buyer: Who pays.
        nonce: As of a `Call`; both count together.
        program: Id of the program.
        inputs: Commitment to its inputs.
        policy: What evidence the buyer wants to have been shown.
        price_max: Most that it pays, in coins.
    """

    market: Hash32
    buyer: Address
    nonce: U64
    program: Hash32
    inputs: Hash32
    policy: Policy
    price_max: Amount


class Finding(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="finding/1"):
    """A staked verifier has looked at what the contract of a market on a ledger cannot check.

    Attributes:
        task: Id of the task.
        verifier: Who looked.
        about: Digest of the message: a result with its evidence, or a step of a contest.
        holds: Whether the evidence shows the claim, or the step is right.
    """

    task: Hash32
    verifier: Address
    about: Hash32
    holds: bool


class Register(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="register/1"):
    """An owner says which node is its own, and the node says so too; a later one replaces it.

    Attributes:
        market: Id of the market.
        owner: Whose node it is.
        nonce: As of a `Call`; both count together.
        node: The node's public key (Ed25519); zero bytes where it has none any more.
        possession: The node's signature over `registry.consent_id`; zero bytes where there is none.
    """

    market: Hash32
    owner: Address
    nonce: U64
    node: Hash32
    possession: Annotated[bytes, Meta(min_length=64, max_length=64)]


class Recall(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="recall/1"):
    """Somebody with a stake says that an answer in the store is false.

    Where a verifier has said so, the others also say when it is not.

    Attributes:
        task: Id of the task that the answer is from.
        accuser: Who says so: a verifier that ran it again, or anyone who has a proof.
        claim: What the program gave instead.
        attestation: The accuser's signature over the claim.
        proof: A proof of that run without keys; None where it is a verifier's word, as in a vote.
    """

    task: Hash32
    accuser: Address
    claim: Claim
    attestation: Signature
    proof: Kept | None = None


Body: TypeAlias = (
    Request
    | Offer
    | Match
    | Execution
    | Result
    | Verdict
    | Cancel
    | Vote
    | Assent
    | Call
    | Buy
    | Recall
    | Register
    | Finding
    | Move
)


class Signed(msgspec.Struct, frozen=True, array_like=True):
    """A message and its author's signature.

    Attributes:
        body: The message.
        signature: Over `message_id`.
    """

    body: Body
    signature: Signature


class MessageError(NumenError):
    """Root of why a message is not taken for its author's."""


class WrongAuthorError(MessageError):
    """Somebody else signed.

    Attributes:
        author: Account that the message names.
        signer: Account that signed.
    """

    def __init__(self, author: bytes, signer: bytes) -> None:
        super().__init__(f"a message of 0x{author.hex()} is signed by 0x{signer.hex()}")
        self.author = author
        self.signer = signer


def message_id(body: Body) -> bytes:
    """Name a message by its content; 32 bytes, which are also what its author signs."""
    return digest_once(f"numen/{body.__struct_config__.tag}", body)


def author(body: Body) -> bytes:
    """Tell who has to have signed a message."""
    match body:
        case Request():
            return body.task.provider
        case Cancel():
            return body.provider
        case Offer() | Execution() | Result() | Midpoint() | Step():
            return body.worker
        case Match() | Verdict() | Vote() | Assent() | Finding():
            return body.verifier
        case Call() | Register():
            return body.owner
        case Challenge() | Stance():
            return body.challenger
        case Buy():
            return body.buyer
        case Recall():
            return body.accuser


def sign(key: SigningKey, body: Body) -> Signed:
    """Sign a message of one's own."""
    assert author(body) == key.address, "a message is signed by its author"
    return Signed(body, key.sign(message_id(body)))


def check(signed: Signed) -> bytes:
    """Check that a message is its author's, and give its id.

    Raises:
        BadSignatureError: The signature is malformed.
        WrongAuthorError: Another account signed.
        MalformedError: The message breaks the bounds of its own type.

    Cost: one signature recovery, about 45 microseconds.
    """
    identity = message_id(signed.body)
    signer = recover(identity, signed.signature)
    if signer != author(signed.body):
        raise WrongAuthorError(author(signed.body), signer)
    return identity
