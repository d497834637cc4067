"""What CometBFT asks its application, and what that answers.

A request has the fields that the application looks at; others are skipped. An answer has the fields
that it fills.

Source: ABCI 2.0 as of CometBFT 1.0, ``cometbft.abci.v1`` (proto/cometbft/abci/v1/types.proto).
"""

from typing import Annotated, Final, TypeAlias

import msgspec

from numen.ledger.order.abci import wire
from numen.ledger.order.abci.wire import WireError, at


class EchoRequest(msgspec.Struct, frozen=True):
    """Say the same."""

    message: Annotated[str, at(1)] = ""


class FlushRequest(msgspec.Struct, frozen=True):
    """Send what waits to be sent."""


class InfoRequest(msgspec.Struct, frozen=True):
    """How far the application is."""

    version: Annotated[str, at(1)] = ""
    abci_version: Annotated[str, at(4)] = ""


class InitChainRequest(msgspec.Struct, frozen=True):
    """A chain begins."""

    chain_id: Annotated[str, at(2)] = ""
    app_state_bytes: Annotated[bytes, at(5)] = b""
    initial_height: Annotated[int, at(6, signed=True)] = 0


class QueryRequest(msgspec.Struct, frozen=True):
    """A question about what is committed."""

    data: Annotated[bytes, at(1)] = b""
    path: Annotated[str, at(2)] = ""
    height: Annotated[int, at(3, signed=True)] = 0
    prove: Annotated[bool, at(4)] = False


class CheckTxRequest(msgspec.Struct, frozen=True):
    """Whether a transaction may wait for a block."""

    tx: Annotated[bytes, at(1)] = b""
    type: Annotated[int, at(3, signed=True)] = 0


class CommitRequest(msgspec.Struct, frozen=True):
    """Keep what the last block changed."""


class ListSnapshotsRequest(msgspec.Struct, frozen=True):
    """Which snapshots there are."""


class OfferSnapshotRequest(msgspec.Struct, frozen=True):
    """Whether a snapshot of somebody is wanted."""

    app_hash: Annotated[bytes, at(2)] = b""


class LoadSnapshotChunkRequest(msgspec.Struct, frozen=True):
    """A part of a snapshot."""

    height: Annotated[int, at(1)] = 0
    format: Annotated[int, at(2)] = 0
    chunk: Annotated[int, at(3)] = 0


class ApplySnapshotChunkRequest(msgspec.Struct, frozen=True):
    """A part of a snapshot of somebody."""

    index: Annotated[int, at(1)] = 0
    chunk: Annotated[bytes, at(2)] = b""
    sender: Annotated[str, at(3)] = ""


class PrepareProposalRequest(msgspec.Struct, frozen=True):
    """Transactions to make a block of."""

    max_tx_bytes: Annotated[int, at(1, signed=True)] = 0
    txs: Annotated[tuple[bytes, ...], at(2)] = ()
    height: Annotated[int, at(5, signed=True)] = 0


class ProcessProposalRequest(msgspec.Struct, frozen=True):
    """A block that somebody proposes."""

    txs: Annotated[tuple[bytes, ...], at(1)] = ()
    hash: Annotated[bytes, at(4)] = b""
    height: Annotated[int, at(5, signed=True)] = 0


class ExtendVoteRequest(msgspec.Struct, frozen=True):
    """What to add to a vote."""

    hash: Annotated[bytes, at(1)] = b""
    height: Annotated[int, at(2, signed=True)] = 0


class VerifyVoteExtensionRequest(msgspec.Struct, frozen=True):
    """What somebody added to a vote."""

    hash: Annotated[bytes, at(1)] = b""
    validator_address: Annotated[bytes, at(2)] = b""
    height: Annotated[int, at(3, signed=True)] = 0
    vote_extension: Annotated[bytes, at(4)] = b""


class FinalizeBlockRequest(msgspec.Struct, frozen=True):
    """A block that was decided."""

    txs: Annotated[tuple[bytes, ...], at(1)] = ()
    hash: Annotated[bytes, at(4)] = b""
    height: Annotated[int, at(5, signed=True)] = 0
    syncing_to_height: Annotated[int, at(9, signed=True)] = 0


class ExceptionResponse(msgspec.Struct, frozen=True):
    """The application cannot go on; neither does CometBFT."""

    error: Annotated[str, at(1)] = ""


class EchoResponse(msgspec.Struct, frozen=True):
    """The same."""

    message: Annotated[str, at(1)] = ""


class FlushResponse(msgspec.Struct, frozen=True):
    """It is sent."""


class InfoResponse(msgspec.Struct, frozen=True):
    """How far the application is: the last height that it committed."""

    data: Annotated[str, at(1)] = ""
    version: Annotated[str, at(2)] = ""
    app_version: Annotated[int, at(3)] = 0
    last_block_height: Annotated[int, at(4, signed=True)] = 0
    last_block_app_hash: Annotated[bytes, at(5)] = b""


class InitChainResponse(msgspec.Struct, frozen=True):
    """What the application begins with."""

    app_hash: Annotated[bytes, at(3)] = b""


class QueryResponse(msgspec.Struct, frozen=True):
    """An answer; the code is 0 where there is one."""

    code: Annotated[int, at(1)] = 0
    log: Annotated[str, at(3)] = ""
    key: Annotated[bytes, at(6)] = b""
    value: Annotated[bytes, at(7)] = b""
    height: Annotated[int, at(9, signed=True)] = 0
    codespace: Annotated[str, at(10)] = ""


class CheckTxResponse(msgspec.Struct, frozen=True):
    """Whether a transaction may wait; the code is 0 where it may."""

    code: Annotated[int, at(1)] = 0
    data: Annotated[bytes, at(2)] = b""
    log: Annotated[str, at(3)] = ""
    gas_wanted: Annotated[int, at(5, signed=True)] = 0
    codespace: Annotated[str, at(8)] = ""


class CommitResponse(msgspec.Struct, frozen=True):
    """It is kept; blocks below a height are not needed any more, 0 for none."""

    retain_height: Annotated[int, at(3, signed=True)] = 0


class Snapshot(msgspec.Struct, frozen=True):
    """A state as it can be handed on."""

    height: Annotated[int, at(1)] = 0
    format: Annotated[int, at(2)] = 0
    chunks: Annotated[int, at(3)] = 0
    hash: Annotated[bytes, at(4)] = b""


class ListSnapshotsResponse(msgspec.Struct, frozen=True):
    """Snapshots that others can have."""

    snapshots: Annotated[tuple[Snapshot, ...], at(1)] = ()


class OfferSnapshotResponse(msgspec.Struct, frozen=True):
    """What to do with a snapshot."""

    result: Annotated[int, at(1, signed=True)] = 0


class LoadSnapshotChunkResponse(msgspec.Struct, frozen=True):
    """A part of a snapshot."""

    chunk: Annotated[bytes, at(1)] = b""


class ApplySnapshotChunkResponse(msgspec.Struct, frozen=True):
    """What became of a part."""

    result: Annotated[int, at(1, signed=True)] = 0
    refetch_chunks: Annotated[tuple[int, ...], at(2)] = ()


class PrepareProposalResponse(msgspec.Struct, frozen=True):
    """The transactions of a block."""

    txs: Annotated[tuple[bytes, ...], at(1)] = ()


class ProcessProposalResponse(msgspec.Struct, frozen=True):
    """Whether a block may be decided."""

    status: Annotated[int, at(1, signed=True)] = 0


class ExtendVoteResponse(msgspec.Struct, frozen=True):
    """What is added to a vote."""

    vote_extension: Annotated[bytes, at(1)] = b""


class VerifyVoteExtensionResponse(msgspec.Struct, frozen=True):
    """Whether what was added is right."""

    status: Annotated[int, at(1, signed=True)] = 0


class ExecTxResult(msgspec.Struct, frozen=True):
    """What became of a transaction; code, data and gas are the same everywhere."""

    code: Annotated[int, at(1)] = 0
    data: Annotated[bytes, at(2)] = b""
    log: Annotated[str, at(3)] = ""
    gas_used: Annotated[int, at(6, signed=True)] = 0
    codespace: Annotated[str, at(8)] = ""


class FinalizeBlockResponse(msgspec.Struct, frozen=True):
    """What became of a block."""

    tx_results: Annotated[tuple[ExecTxResult, ...], at(2)] = ()
    app_hash: Annotated[bytes, at(5)] = b""


Request: TypeAlias = (
    EchoRequest | FlushRequest | InfoRequest | InitChainRequest | QueryRequest | CheckTxRequest
    | CommitRequest | ListSnapshotsRequest | OfferSnapshotRequest | LoadSnapshotChunkRequest
    | ApplySnapshotChunkRequest | PrepareProposalRequest | ProcessProposalRequest
    | ExtendVoteRequest | VerifyVoteExtensionRequest | FinalizeBlockRequest
)  # fmt: skip

Response: TypeAlias = (
    ExceptionResponse | EchoResponse | FlushResponse | InfoResponse | InitChainResponse
    | QueryResponse | CheckTxResponse | CommitResponse | ListSnapshotsResponse
    | OfferSnapshotResponse | LoadSnapshotChunkResponse | ApplySnapshotChunkResponse
    | PrepareProposalResponse | ProcessProposalResponse | ExtendVoteResponse
    | VerifyVoteExtensionResponse | FinalizeBlockResponse
)  # fmt: skip

# fmt: off
REQUESTS: Final[dict[int, type[Request]]] = {
     1: EchoRequest,
     2: FlushRequest,
     3: InfoRequest,
     5: InitChainRequest,
     6: QueryRequest,
     8: CheckTxRequest,
    11: CommitRequest,
    12: ListSnapshotsRequest,
    13: OfferSnapshotRequest,
    14: LoadSnapshotChunkRequest,
    15: ApplySnapshotChunkRequest,
    16: PrepareProposalRequest,
    17: ProcessProposalRequest,
    18: ExtendVoteRequest,
    19: VerifyVoteExtensionRequest,
    20: FinalizeBlockRequest,
}
"""Field of each request in the message ``Request``; its answer's is one above, in ``Response``."""

RESPONSES: Final[dict[int, type[Response]]] = {
     1: ExceptionResponse,
     2: EchoResponse,
     3: FlushResponse,
     4: InfoResponse,
     6: InitChainResponse,
     7: QueryResponse,
     9: CheckTxResponse,
    12: CommitResponse,
    13: ListSnapshotsResponse,
    14: OfferSnapshotResponse,
    15: LoadSnapshotChunkResponse,
    16: ApplySnapshotChunkResponse,
    17: PrepareProposalResponse,
    18: ProcessProposalResponse,
    19: ExtendVoteResponse,
    20: VerifyVoteExtensionResponse,
    21: FinalizeBlockResponse,
}
"""Field of each answer in the message ``Response``."""
# fmt: on

_NUMBERS: Final = {kind: number for number, kind in (*REQUESTS.items(), *RESPONSES.items())}


def read_request(raw: bytes) -> Request:
    """Read the message ``Request``.

    Raises:
        WireError: It is none, or asks for something that CometBFT 1 does not ask for.
    """
    return _read(REQUESTS, raw)


def read_response(raw: bytes) -> Response:
    """Read the message ``Response``.

    Raises:
        WireError: It is none.
    """
    return _read(RESPONSES, raw)


def write(message: Request | Response) -> bytes:
    """Write a request, or an answer, in the message that has all of them."""
    return wire.prefixed(_NUMBERS[type(message)], wire.encode(message))


def _read(kinds: dict[int, type[wire.T]], raw: bytes) -> wire.T:
    found: wire.T | None = None
    for number, _, value in wire.parts(raw):
        if number in kinds and isinstance(value, bytes):
            if found is not None:
                raise WireError("two messages where one is expected")
            found = wire.decode(kinds[number], value)
    if found is None:
        raise WireError("no message that is known")
    return found
