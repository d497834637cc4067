"""A collector of OpenTelemetry, as far as tests need one: it keeps what it is sent."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.path == "/v1/traces"
        self.server.heard.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def collecting() -> Iterator[tuple[str, Callable[[], Iterator]]]:
    """Collect: where, and what came so far as pairs of a service and a span."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.heard = []
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def heard() -> Iterator:
            for request in list(server.heard):
                for found in request.resource_spans:
                    (service,) = [
                        each.value.string_value
                        for each in found.resource.attributes
                        if each.key == "service.name"
                    ]
                    for scope in found.scope_spans:
                        yield from ((service, span) for span in scope.spans)

        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()
