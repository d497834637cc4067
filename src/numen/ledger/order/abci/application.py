"""The log as CometBFT's application: blocks of batches become places in one order.

    AbciError    CometBFT asks for something that cannot follow

A transaction is a batch as `numen.ledger.order.sequencer.write_batch` has it. A block may have any;
each is appended if it finds what it expects, and refused otherwise, by rules that depend on
nothing but the log. So every node that carries out the same blocks has the same log and hash.

Nothing is kept before CometBFT says commit. Snapshots are declined: the log is all there is, and
who comes late gets it as blocks. Votes are not extended.

Source: CometBFT 1.0, "ABCI 2.0", requirements for the application and expected behaviour.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from numen.ledger.order import table
from numen.ledger.order.abci import messages as m
from numen.ledger.order.abci import wire
from numen.ledger.order.abci.queries import Answered, Declined, answer
from numen.ledger.order.abci.store import Store, Tip, genesis
from numen.ledger.order.sequencer import (
    BatchError,
    ConflictError,
    OrderError,
    Prepared,
    read_batch,
)

APP_VERSION: Final = 1
"""Of the rules here: what is decided by them, and what the hash commits to."""

CODESPACE: Final = "numen"

ACCEPTED: Final = 0
MALFORMED: Final = 1
CONFLICT: Final = 2
KNOWN: Final = 3
"""Codes of transactions: appended, no batch, another was first, and appended before."""

ACCEPT: Final = 1
REJECT: Final = 2
"""Of a proposal, or of what was added to a vote."""

ABORT: Final = 2
"""Of a snapshot: no other is wanted either."""

_NO_STATE: Final = (b"", b"{}", b"null", b'""')


class AbciError(OrderError):
    """A request that cannot follow what was before. CometBFT stops when it is told."""


class Application:
    """The answers to CometBFT's requests, one at a time.

    Args:
        store: What is kept.
        version: Of the program, for people.
    """

    def __init__(self, store: Store, version: str) -> None:
        self._store = store
        self._version = version
        self._genesis: Tip | None = None
        self._initial = 1
        # fmt: off
        self._answers: dict[type[m.Request], Callable[[Any], m.Response]] = {
            m.EchoRequest:                lambda request: m.EchoResponse(request.message),
            m.FlushRequest:               lambda _: m.FlushResponse(),
            m.InfoRequest:                self._info,
            m.InitChainRequest:           self._init_chain,
            m.QueryRequest:               self._query,
            m.CheckTxRequest:             self._check,
            m.CommitRequest:              self._commit,
            m.ListSnapshotsRequest:       lambda _: m.ListSnapshotsResponse(),
            m.OfferSnapshotRequest:       lambda _: m.OfferSnapshotResponse(ABORT),
            m.LoadSnapshotChunkRequest:   lambda _: m.LoadSnapshotChunkResponse(),
            m.ApplySnapshotChunkRequest:  lambda _: m.ApplySnapshotChunkResponse(ABORT),
            m.PrepareProposalRequest:     self._prepare,
            m.ProcessProposalRequest:     self._process,
            m.ExtendVoteRequest:          lambda _: m.ExtendVoteResponse(),
            m.VerifyVoteExtensionRequest: self._verify_extension,
            m.FinalizeBlockRequest:       self._finalize,
        }
        # fmt: on
        assert set(self._answers) == set(m.REQUESTS.values())

    def answer(self, request: m.Request) -> m.Response:
        """Answer a request.

        Raises:
            AbciError: It cannot follow.
            sqlite3.Error: The disk refuses; the program has to end.
        """
        return self._answers[type(request)](request)

    def _info(self, _: m.InfoRequest) -> m.InfoResponse:
        tip = self._store.tip
        last = tip.hash if tip.height else b""
        return m.InfoResponse("numen", self._version, APP_VERSION, tip.height, last)

    def _init_chain(self, request: m.InitChainRequest) -> m.InitChainResponse:
        """Begin. It comes again where nothing was committed, and nothing was kept then."""
        if self._store.tip.height:
            raise AbciError(f"a chain begins, and height {self._store.tip.height} is committed")
        if request.app_state_bytes not in _NO_STATE:
            raise AbciError("the genesis has an app_state, and a log begins empty")
        self._genesis = genesis(request.chain_id)
        self._initial = max(request.initial_height, 1)
        return m.InitChainResponse(self._genesis.hash)

    def _query(self, request: m.QueryRequest) -> m.QueryResponse:
        height = self._store.tip.height
        if request.prove or request.height not in (0, height):
            return m.QueryResponse(MALFORMED, "only the last height, without proofs", height=height)
        match answer(self._store.reader, request.path, request.data):
            case Answered(value):
                return m.QueryResponse(key=request.data, value=value, height=height)
            case Declined(reason):
                return m.QueryResponse(MALFORMED, reason, height=height, codespace=CODESPACE)

    def _check(self, request: m.CheckTxRequest) -> m.CheckTxResponse:
        code, log = self._admit(_read(request.tx))
        return m.CheckTxResponse(code, log=log, codespace=CODESPACE if code else "")

    def _prepare(self, request: m.PrepareProposalRequest) -> m.PrepareProposalResponse:
        """Take what may still be appended, as far as it fits."""
        chosen: list[bytes] = []
        room = request.max_tx_bytes
        for raw in request.txs:
            if self._admit(_read(raw))[0] != ACCEPTED:
                continue
            room -= len(wire.prefixed(1, raw))  # as CometBFT counts
            if room < 0:
                break
            chosen.append(raw)
        return m.PrepareProposalResponse(tuple(chosen))

    def _process(self, request: m.ProcessProposalRequest) -> m.ProcessProposalResponse:
        """Accept blocks of batches, whatever becomes of them."""
        is_sound = all(isinstance(batch, Prepared) for batch in _read_all(request.txs))
        return m.ProcessProposalResponse(ACCEPT if is_sound else REJECT)

    def _finalize(self, request: m.FinalizeBlockRequest) -> m.FinalizeBlockResponse:
        tip = self._store.tip
        if not tip.height:
            if self._genesis is None:
                raise AbciError("a block comes before the chain has begun")
            tip = self._genesis
        expected = tip.height + 1 if tip.height else self._initial
        if request.height != expected:
            raise AbciError(f"block {request.height} comes where {expected} follows")
        batches = list(_read_all(request.txs))
        outcomes, after = self._store.execute(tip, request.height, batches)
        return m.FinalizeBlockResponse(tuple(map(_result, outcomes)), after.hash)

    def _commit(self, _: m.CommitRequest) -> m.CommitResponse:
        if not self._store.commit():
            raise AbciError("nothing to commit: no block was finalized")
        return m.CommitResponse()

    def _verify_extension(
        self, request: m.VerifyVoteExtensionRequest
    ) -> m.VerifyVoteExtensionResponse:
        return m.VerifyVoteExtensionResponse(REJECT if request.vote_extension else ACCEPT)

    def _admit(self, batch: Prepared | BatchError) -> tuple[int, str]:
        """Whether a batch can be appended to what is committed."""
        if isinstance(batch, BatchError):
            return MALFORMED, str(batch)
        if position := table.place(self._store.reader, batch.id):
            return KNOWN, f"it is at place {position}"
        for subject, expected in batch.expect.items():
            found = table.last(self._store.reader, subject)
            if found != expected:
                return CONFLICT, str(ConflictError(subject, expected, found))
        return ACCEPTED, ""


def _read(raw: bytes) -> Prepared | BatchError:
    try:
        return read_batch(raw)
    except BatchError as error:
        return error


def _read_all(transactions: Iterable[bytes]) -> Iterable[Prepared | BatchError]:
    return map(_read, transactions)


def _result(outcome: table.Outcome) -> m.ExecTxResult:
    """What all nodes say of a transaction: its place, or that of who was first."""
    if isinstance(outcome, int):
        return m.ExecTxResult(data=outcome.to_bytes(8, "big"))
    if isinstance(outcome, ConflictError):
        found = (outcome.found or 0).to_bytes(8, "big")
        return m.ExecTxResult(CONFLICT, found, str(outcome), codespace=CODESPACE)
    return m.ExecTxResult(MALFORMED, log=str(outcome), codespace=CODESPACE)
