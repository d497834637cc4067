"""Spans to where OpenTelemetry collects them, by OTLP over HTTP.

    NumenError
    └── TelemetryError    the extra `telemetry` is not installed, or the address is none

The SDK sends from a thread of its own, and drops what waits too long: a collector that is away
costs the market nothing.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

from numen.base.errors import NumenError
from numen.watch.spans import Span

PATH: Final = "/v1/traces"
"""Where collectors take spans."""

TIMEOUT_S: Final = 5.0
"""How long a collector may take."""

QUEUE_MAX: Final = 4096
"""Most spans that wait to be sent; more are dropped."""


class TelemetryError(NumenError):
    """Spans cannot be sent."""


class Telemetry:
    """Sends spans.

    Args:
        processor: A `SpanProcessor` of the SDK, which hands them to an exporter.
        service: What sends, such as ``numen.hall``.
    """

    def __init__(self, processor: Any, service: str) -> None:
        self._sdk, self._api = _loaded()
        resources = import_module("opentelemetry.sdk.resources")
        self._resource = resources.Resource.create({"service.name": service})
        self._processor = processor

    @classmethod
    def to(cls, url: str, service: str) -> "Telemetry":
        """Send to a collector.

        Args:
            url: Its address, such as ``http://127.0.0.1:4318``.
            service: What sends.

        Raises:
            TelemetryError: The extra is not installed, or the address is not one of http.
        """
        if not url.startswith(("http://", "https://")):
            raise TelemetryError(f"{url[:80]!r} is no address of http")
        _loaded()
        export = import_module("opentelemetry.sdk.trace.export")
        name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
        exporter = import_module(name).OTLPSpanExporter(
            endpoint=url.rstrip("/").removesuffix(PATH) + PATH, timeout=TIMEOUT_S
        )
        return cls(export.BatchSpanProcessor(exporter, max_queue_size=QUEUE_MAX), service)

    def send(self, spans: Iterable[Span]) -> None:
        """Send spans, some time."""
        for span in spans:
            self._processor.on_end(self._readable(span))

    def close(self) -> None:
        """Send what waits, for as long as a collector may take."""
        self._processor.force_flush(int(TIMEOUT_S * 1000))
        self._processor.shutdown()

    def _readable(self, span: Span) -> Any:
        kinds = self._api
        status = kinds.Status(kinds.StatusCode.ERROR, span.fault) if span.fault else kinds.Status()
        return self._sdk.ReadableSpan(
            span.name,
            context=self._context(span, span.id),
            parent=self._context(span, span.parent) if span.parent else None,
            resource=self._resource,
            attributes=span.attributes,
            status=status,
            start_time=span.start_ns,
            end_time=span.end_ns,
        )

    def _context(self, span: Span, identity: bytes) -> Any:
        return self._api.SpanContext(
            int.from_bytes(span.trace, "big"),
            int.from_bytes(identity, "big"),
            is_remote=False,
            trace_flags=self._api.TraceFlags(self._api.TraceFlags.SAMPLED),
        )


def _loaded() -> tuple[Any, Any]:
    try:
        return import_module("opentelemetry.sdk.trace"), import_module("opentelemetry.trace")
    except ImportError as error:
        raise TelemetryError(
            f"spans need {error.name}",
            hint="install numen with its extra: pip install 'numen[telemetry]'",
        ) from error
