"""One OpenTelemetry span a request, which says nothing that a person gave (S27).

FastAPI's own spans carry the path and the query, so they are off. Ours holds the method, the
template of the route, the status, the request's id and the type of a failure. Of a caller's headers
nothing is read but `traceparent`: `tracestate` and `baggage` are free text.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

_PARENT: Final = b"traceparent"
_PROPAGATOR: Final = TraceContextTextMapPropagator()

EXPORT_TIMEOUT_S: Final = 2.0
"""What is left is exported when the process ends, and a collector that is gone holds up nobody."""

Told = Callable[[int, str | None], None]
"""Called with the status and the type of what failed, once the request is answered."""


class TracingUnavailable(Exception):
    """Tracing is asked for, but the packages of the extra `tracing` are not installed."""


class Spans:
    """Opens the span of each request. Exports nothing itself: the tracer's provider does."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def of(self, scope: Scope, request_id: UUID) -> Iterator[Told]:
        """The span of one request; it is to be told what became of it."""
        parent = next((value for name, value in scope["headers"] if name == _PARENT), b"")
        context = _PROPAGATOR.extract({"traceparent": parent.decode("latin-1")})
        with self._tracer.start_as_current_span(
            scope["method"],
            context,
            SpanKind.SERVER,
            {"http.request.method": scope["method"], "pdledger.request_id": str(request_id)},
            record_exception=False,  # its text may quote what came in
            set_status_on_exception=False,
        ) as span:

            def told(status: int, failure: str | None) -> None:
                template = getattr(scope.get("route"), "path", None)
                if template is not None:
                    span.update_name(f"{scope['method']} {template}")
                    span.set_attribute("http.route", template)
                span.set_attribute("http.response.status_code", status)
                if failure is not None:
                    span.set_attribute("error.type", failure)
                if status >= 500:
                    span.set_status(StatusCode.ERROR)

            yield told


def exporting(version: str) -> Spans:
    """Spans exported by OTLP over HTTP, to where the `OTEL_EXPORTER_OTLP_…` variables say.

    Raises TracingUnavailable without the packages of the extra `tracing`.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  # an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  # an extra
    except ImportError:
        raise TracingUnavailable("install the extra: personal-data-ledger[tracing]") from None
    named = {"service.name": "pdledger", "service.version": version}
    provider = TracerProvider(resource=Resource.create(named))
    exporter = OTLPSpanExporter(timeout=EXPORT_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Spans(provider.get_tracer("pdledger", version))
