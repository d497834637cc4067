"""What the servers of a log say of themselves, asked over their monitoring ports.

    ProbeError    an address that is none

A server that does not answer, or gives an answer that is none, is a finding and no error: somebody
looks because something is wrong.

Source: the documentation of nats-server, "Monitoring": ``/healthz``, ``/varz``, ``/jsz``.
"""

import http.client
import urllib.request
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from numen.ledger.order.sequencer import OrderError

STREAM: Final = "LEDGER"
"""The stream that is the log."""

ANSWER_BYTES_MAX: Final = 1 << 20
"""Longest answer that is read."""

_ANSWER_S: Final = 2
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_FAILURES: Final = (OSError, http.client.HTTPException, msgspec.MsgspecError, RecursionError)


class ProbeError(OrderError):
    """A place where no server can be asked."""


class Report(msgspec.Struct, frozen=True):
    """One server as it sees itself.

    Attributes:
        url: Where it was asked.
        failure: Why there is no answer; empty where there is one.
        name: Of the server.
        version: Of its program.
        is_synced: Whether every write is on disk before it is acknowledged.
        message_bytes_max: Longest message that it takes.
        has_log: Whether it keeps a replica of the log.
        leader: Who leads the log, as it has heard; empty for nobody.
        head: Last place of its replica.
        stored_bytes: Of its replica.
        behind: Names of the replicas that are not up to date, as the leader sees it.
    """

    url: str
    failure: str = ""
    name: str = ""
    version: str = ""
    is_synced: bool = False
    message_bytes_max: int = 0
    has_log: bool = False
    leader: str = ""
    head: int = 0
    stored_bytes: int = 0
    behind: tuple[str, ...] = ()

    @property
    def is_leader(self) -> bool:
        """Whether it leads, as it sees it."""
        return bool(self.name) and self.leader == self.name


class _Config(msgspec.Struct):
    sync_always: bool = False


class _JetStream(msgspec.Struct):
    config: _Config | None = None


class _Server(msgspec.Struct):
    server_name: str
    version: str
    max_payload: int
    jetstream: _JetStream | None = None


class _Peer(msgspec.Struct):
    name: str
    current: bool = False


class _Raft(msgspec.Struct):
    leader: str = ""
    replicas: list[_Peer] = []


class _State(msgspec.Struct):
    last_seq: int
    bytes: int


class _Stream(msgspec.Struct):
    name: str
    state: _State
    cluster: _Raft | None = None


class _Account(msgspec.Struct):
    stream_detail: list[_Stream] = []


class _Streams(msgspec.Struct):
    account_details: list[_Account] = []


def is_ready(url: str) -> bool:
    """Whether a server says that it can be used, though it may still fetch what it missed."""
    try:
        _get(f"{url}/healthz?js-meta-only=true")
    except _FAILURES:
        return False
    return True


def ask(url: str) -> Report:
    """Ask a server.

    Args:
        url: Of its monitoring port, such as ``http://10.0.0.1:8222``.

    Raises:
        ProbeError: It is no such URL.
    """
    url = url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise ProbeError(f"{url[:80]!r} is no URL of a monitoring port, as http://10.0.0.1:8222")
    try:
        server = msgspec.json.decode(_get(f"{url}/varz"), type=_Server)
        streams = msgspec.json.decode(_get(f"{url}/jsz?streams=true"), type=_Streams)
    except _FAILURES as error:
        reason = getattr(error, "reason", error)
        return Report(url, failure=f"no answer: {getattr(reason, 'strerror', None) or reason}")
    config = server.jetstream.config if server.jetstream else None
    report = Report(
        url,
        name=server.server_name,
        version=server.version,
        is_synced=config is not None and config.sync_always,
        message_bytes_max=server.max_payload,
    )
    for account in streams.account_details:
        for stream in account.stream_detail:
            if stream.name == STREAM:
                return _with_log(report, stream)
    return report


def ask_all(urls: Iterable[str]) -> tuple[Report, ...]:
    """Ask several servers, one after another."""
    return tuple(ask(url) for url in urls)


def leader(reports: Sequence[Report]) -> str:
    """Who leads the log: the one server that says so of itself; empty where there is none."""
    leaders = {report.name for report in reports if report.is_leader}
    return leaders.pop() if len(leaders) == 1 else ""


def _with_log(report: Report, stream: _Stream) -> Report:
    raft = stream.cluster or _Raft()
    leads = raft.leader == report.name
    return msgspec.structs.replace(
        report,
        has_log=True,
        leader=raft.leader,
        head=stream.state.last_seq,
        stored_bytes=stream.state.bytes,
        behind=tuple(p.name for p in raft.replicas if leads and not p.current),
    )


def _get(url: str) -> bytes:
    with _OPENER.open(url, timeout=_ANSWER_S) as answer:
        found: bytes = answer.read(ANSWER_BYTES_MAX + 1)
    if len(found) > ANSWER_BYTES_MAX:
        raise OSError(0, f"an answer of more than {ANSWER_BYTES_MAX} bytes")
    return found
