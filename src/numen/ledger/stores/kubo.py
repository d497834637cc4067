"""Blocks in an IPFS node, asked by the HTTP API of Kubo.

Only names that this package would give are used: blocks go in as they are and come out by name, so
the node cuts nothing and need not be believed. Pins and collection are the node's own.

Source: Kubo's RPC API reference, version 0.
"""

import secrets
from collections.abc import Container, Iterable, Iterator
from typing import Final, Protocol

import msgspec

from numen.ledger.stores import cid as cids
from numen.ledger.stores.cid import RAW, Cid
from numen.ledger.stores.errors import CidError, TamperedError, UnreachableError

ANSWER_BYTES_MAX = 1 << 24
"""Longest answer that is read."""

_CODECS: Final = {RAW: "raw"}


class Answer(msgspec.Struct, frozen=True):
    """What an HTTP server said.

    Attributes:
        status: Its code.
        body: The rest.
    """

    status: int
    body: bytes


class Post(Protocol):
    """Sends a POST request to a node; raises `UnreachableError` when nobody answers."""

    def __call__(self, path: str, content_type: str = "", body: bytes = b"") -> Answer: ...


class KuboShelf:
    """Blocks in a node.

    Args:
        post: Reaches the node; `numen.ledger.stores.http.poster` makes one for an address.
    """

    def __init__(self, post: Post) -> None:
        self._post = post

    def put(self, blocks: Iterable[tuple[Cid, bytes]]) -> None:
        """Give blocks to the node.

        Raises:
            TamperedError: The node calls a block something else.
        """
        for cid, block in blocks:
            kind = _CODECS.get(cid.codec, "dag-pb")
            query = f"block/put?cid-codec={kind}&mhtype=sha2-256&pin=false&allow-big-block=true"
            answer = self._ask(query, *_form(block))
            named = msgspec.json.decode(answer, type=_Put).key if _is(answer, _Put) else "nothing"
            if named != str(cid):
                raise TamperedError(str(cid), f"the node calls it {named[:80]!r}")

    def get(self, cid: Cid) -> bytes | None:
        answer = self._post(f"block/get?arg={cid}&offline=true")
        if answer.status == 200:
            return answer.body
        if _message(answer).endswith("not found"):
            return None
        raise UnreachableError(f"block/get: {_message(answer)}")

    def has(self, cid: Cid) -> bool:
        answer = self._post(f"block/stat?arg={cid}&offline=true")
        return answer.status == 200

    def pin(self, root: Cid) -> None:
        self._ask(f"pin/add?arg={root}&recursive=true&progress=false")

    def unpin(self, root: Cid) -> None:
        answer = self._post(f"pin/rm?arg={root}&recursive=true")
        if answer.status != 200 and "not pinned" not in _message(answer):
            raise UnreachableError(f"pin/rm: {_message(answer)}")

    def pins(self) -> Iterator[Cid]:
        """The blobs that the node has pinned and that have names of ours."""
        answer = self._ask("pin/ls?type=recursive&stream=false")
        if not _is(answer, _Pins):
            raise UnreachableError("pin/ls: no list of pins")
        for text in msgspec.json.decode(answer, type=_Pins).keys:
            try:
                yield cids.parse(text)
            except CidError:
                continue  # somebody else's, of another kind

    def collect(self, wanted: Container[Cid]) -> None:  # noqa: ARG002  # the node knows its pins
        """Let the node collect whatever it has not pinned."""
        self._ask("repo/gc?quiet=true")

    def _ask(self, query: str, content_type: str = "", body: bytes = b"") -> bytes:
        answer = self._post(query, content_type, body)
        if answer.status != 200:
            raise UnreachableError(f"{query.partition('?')[0]}: {_message(answer)}")
        return answer.body


class _Put(msgspec.Struct):
    key: str = msgspec.field(name="Key")


class _Pins(msgspec.Struct):
    keys: dict[str, object] = msgspec.field(name="Keys", default_factory=dict)


class _Error(msgspec.Struct):
    message: str = msgspec.field(name="Message")


def _is(raw: bytes, kind: type[msgspec.Struct]) -> bool:
    try:
        msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _message(answer: Answer) -> str:
    if _is(answer.body, _Error):
        return msgspec.json.decode(answer.body, type=_Error).message[:200]
    return f"HTTP status {answer.status}"


def _form(block: bytes) -> tuple[str, bytes]:
    """The type and the body of a form with one file."""
    boundary = secrets.token_hex(16)
    head = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="data"; filename="data"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + block + f"\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body
