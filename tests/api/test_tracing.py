"""A trace of a request says what was asked for and how it ended, and nothing that was given."""

from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.types import Receive, Scope, Send

from app.api.envelope import Envelope
from app.api.tracing import Spans
from app.main import create_app
from app.settings import Settings
from tests.serving import Api

MARKER = "zq4711marker"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(shared_api: Api, exporter: InMemorySpanExporter) -> httpx.AsyncClient:
    """A caller of the application whose spans are kept in memory."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = create_app(shared_api.settings)
    app.state.service = shared_api.service
    return client(Envelope(app, body_size_max_bytes=10_000, spans=spans(provider)))


def spans(provider: TracerProvider) -> Spans:
    return Spans(provider.get_tracer("pdledger"))


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://ledger"
    )


def told(span: ReadableSpan) -> str:
    return str(span.to_json())


async def test_a_span_names_the_template_and_the_status(
    traced: httpx.AsyncClient, exporter: InMemorySpanExporter
) -> None:
    answer = await traced.get(f"/v1/subjects/{MARKER}/events", headers={"traceparent": PARENT})

    [span] = exporter.get_finished_spans()
    assert answer.status_code == 401
    assert span.name == "GET /v1/subjects/{subject_id}/events"
    assert span.kind is trace.SpanKind.SERVER
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 401
    assert span.parent is not None
    assert format(span.parent.trace_id, "032x") in PARENT


async def test_nothing_that_was_given_is_in_a_span(
    traced: httpx.AsyncClient, exporter: InMemorySpanExporter
) -> None:
    headers = {
        "purpose": MARKER,
        "tracestate": f"vendor={MARKER}",
        "baggage": f"name={MARKER}",
        "user-agent": MARKER,
        "authorization": f"Bearer {MARKER}",
    }
    await traced.get(f"/v1/subjects/{MARKER}?name={MARKER}", headers=headers)
    await traced.post(f"/{MARKER}", content=MARKER, headers=headers)
    await traced.post("/v1/subjects", content=f"{{{MARKER}", headers=headers)

    found = exporter.get_finished_spans()
    assert len(found) == 3
    assert [one for one in found if MARKER in told(one)] == []


async def test_a_failure_is_told_by_its_type_alone(exporter: InMemorySpanExporter) -> None:
    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError(MARKER)

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    await client(Envelope(failing, body_size_max_bytes=10, spans=spans(provider))).get("/")

    [span] = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "RuntimeError"
    assert span.status.status_code is trace.StatusCode.ERROR
    assert MARKER not in told(span)


def test_without_the_setting_nothing_is_traced(settings_of_nothing: Settings) -> None:
    assert settings_of_nothing.tracing is False


@pytest.fixture
def settings_of_nothing(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("LEDGER_TRACING", raising=False)
    return Settings()
