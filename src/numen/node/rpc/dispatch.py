"""From the bytes of a request to the bytes of its answer; whatever the bytes are, there is one.

Everything is bounded before it is built: the size of a body, requests of a batch, the size of their
answers together. What a client is told is an error object (`faults`), never a traceback.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Final

import msgspec

from numen.base.errors import NumenError
from numen.evm.errors import ResourceLimitError
from numen.node.execution import GivenUpError
from numen.node.rpc import faults
from numen.node.rpc.faults import RpcError, fault_of
from numen.node.rpc.methods import METHODS
from numen.node.rpc.shapes import WrittenLogs
from numen.node.rpc.table import Method, Session, SessionOf
from numen.node.subscriptions import Subscriptions
from numen.node.surface import Node

BODY_BYTES_MAX: Final = 5 << 20
"""Longest request, as in geth."""

BATCH_MAX: Final = 1_000
"""Most requests of a batch, as in geth."""

ANSWERS_BYTES_MAX: Final = 25 << 20
"""Longest answer of a batch, as in geth; requests behind it are answered by errors."""

_ID_BYTES_MAX: Final = 256
_ID_FIRST: Final = frozenset(b'"-0123456789n')
"""First bytes of what an id may be: a text, a number, or null."""

NO_ANSWER: Final = b""
"""What a notification gets."""


Steps = Generator[None, None, bytes]
"""An answer that comes in steps: it stops after each request of a batch."""


class Envelope(msgspec.Struct):
    """A request (JSON-RPC 2.0, section 4)."""

    method: str
    params: msgspec.Raw = msgspec.Raw(b"")
    id: msgspec.Raw = msgspec.Raw(b"")
    jsonrpc: str = ""


_BATCH: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_ENCODER: Final = msgspec.json.Encoder()
_INVALID: Final = RpcError(faults.INVALID_REQUEST, "invalid request")


class Dispatcher:
    """Answers requests to a node.

    Args:
        node: The node.
        methods: What it can be asked, by name.
        report: Told of exceptions that are mistakes of ours.
    """

    def __init__(
        self,
        node: Node,
        methods: Mapping[str, Method] = METHODS,
        report: Callable[[str, Exception], None] | None = None,
    ) -> None:
        self.node, self.methods = node, methods
        self.written = WrittenLogs()
        self._report = report
        self._plain = SessionOf(node, self.written, methods)

    def session(self, subscriptions: Subscriptions) -> Session:
        """A session of a connection that stays."""
        return SessionOf(self.node, self.written, self.methods, subscriptions)

    def answer(self, body: bytes, now_s: int, session: Session | None = None) -> bytes:
        """Answer a request, or a batch of them.

        Args:
            body: Any bytes.
            now_s: The time of day, in seconds since 1970.
            session: Of the connection, if it stays.

        Returns:
            JSON; nothing where nothing is to be answered.
        """
        steps = self.steps(body, lambda: now_s, session)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return bytes(end.value)

    def steps(self, body: bytes, now: Callable[[], int], session: Session | None = None) -> Steps:
        """Answer as `answer` does, but stop after each request of a batch, for others to come.

        Args:
            body: Any bytes.
            now: Gives the time of day, in seconds since 1970.
            session: Of the connection, if it stays.
        """
        self.node.now_s = now()
        session = session or self._plain
        if len(body) > BODY_BYTES_MAX:
            return _fault(b"null", RpcError(faults.INVALID_REQUEST, "request too large"))
        if body.lstrip(b" \t\r\n")[:1] == b"[":
            return (yield from self._batch(body, now, session))
        return self._one(body, session)

    def _batch(self, body: bytes, now: Callable[[], int], session: Session) -> Steps:
        try:
            requests = _BATCH.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            return _fault(b"null", _unreadable(error))
        if not requests:
            return _fault(b"null", RpcError(faults.INVALID_REQUEST, "empty batch"))
        if len(requests) > BATCH_MAX:
            return _fault(b"null", RpcError(faults.INVALID_REQUEST, "batch too large"))
        answers, size = [], 0
        for request in requests:
            if size > ANSWERS_BYTES_MAX:
                answers.append(_fault(b"null", RpcError(-32003, "response too large")))
                continue
            self.node.now_s = now()
            answer = self._one(bytes(request), session)
            if answer:
                answers.append(answer)
                size += len(answer)
            yield
        return b"[" + b",".join(answers) + b"]" if answers else NO_ANSWER

    def _one(self, text: bytes, session: Session) -> bytes:
        try:
            request = _ENVELOPE.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            return _fault(b"null", _unreadable(error))
        raw_id = bytes(request.id)
        if request.jsonrpc != "2.0" or not _is_id(raw_id):
            return _fault(b"null", _INVALID)
        try:
            result = self._call(request, session)
        except RpcError as error:
            return _fault(raw_id, error) if raw_id else NO_ANSWER
        if not raw_id:
            return NO_ANSWER
        return b'{"jsonrpc":"2.0","id":' + raw_id + b',"result":' + result + b"}"

    def _call(self, request: Envelope, session: Session) -> bytes:
        """Call a method; what it gives, in JSON.

        Raises:
            RpcError: Whatever was wrong.
        """
        method = self.methods.get(request.method)
        if method is None:
            name = request.method[:60]
            message = f"the method {name} does not exist/is not available"
            raise RpcError(faults.NO_METHOD, message)
        try:
            return _written(method.answer(session, bytes(request.params)))
        except (msgspec.MsgspecError, NumenError, RecursionError, UnicodeDecodeError) as error:
            if isinstance(error, ResourceLimitError | GivenUpError):
                self.node.chain.forget_machines()
            if isinstance(error, RecursionError):
                raise RpcError(faults.INVALID_PARAMS, "invalid params: nested too deep") from error
            raise fault_of(error) from error
        except Exception as error:
            if self._report is not None:
                self._report(request.method, error)
            self.node.chain.forget_machines()
            raise RpcError(faults.INTERNAL, "internal error") from error


def _written(result: object) -> bytes:
    try:
        return _ENCODER.encode(result)
    except RecursionError as error:
        raise RpcError(faults.SERVER, "the answer is nested too deep to be written") from error


def _unreadable(error: Exception) -> RpcError:
    """What to say of bytes that are no request."""
    if isinstance(error, msgspec.ValidationError):
        return _INVALID
    if isinstance(error, RecursionError):
        return RpcError(faults.PARSE, "parse error: nested too deep")
    return RpcError(faults.PARSE, "parse error")


def _is_id(raw: bytes) -> bool:
    try:
        raw.decode()  # what is passed over is not decoded, and it is given back
    except UnicodeDecodeError:
        return False
    return not raw or (raw[0] in _ID_FIRST and len(raw) <= _ID_BYTES_MAX)


def _fault(raw_id: bytes, error: RpcError) -> bytes:
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return b'{"jsonrpc":"2.0","id":' + raw_id + b',"error":' + _ENCODER.encode(body) + b"}"
