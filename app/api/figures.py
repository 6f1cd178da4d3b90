"""The figures of a process that answers no other request: what `pdledger work` serves (A24)."""

from fastapi import FastAPI

from app.api import failures, metrics
from app.api.envelope import Envelope
from app.api.strict_json import StrictRoute
from app.service import Service


def figures(service: Service, *, body_size_max_bytes: int) -> Envelope:
    """`GET /metrics` of this process, for callers with the scope that reads them; nothing else."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.router.route_class = StrictRoute
    app.state.service = service
    app.state.api_routes = list(metrics.ROUTES.routes)
    app.router.routes.extend(app.state.api_routes)
    failures.install(app)
    return Envelope(app, body_size_max_bytes=body_size_max_bytes)
