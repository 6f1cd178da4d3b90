"""Receivers of the systems that the policy names: verified, read, then answered (S14)."""

import hmac
from typing import Annotated

from fastapi import HTTPException, Path, Request, Response

from app.api.operations import operation, router
from app.connectors import CONNECTORS
from app.connectors.connector import BODY_BYTES_MAX, UnknownWebhookType
from app.propagation.intake import Intake
from app.service import Service, WebhookSecrets

ROUTES = router("webhooks")

SystemPath = Annotated[str, Path(max_length=32, pattern="^[a-z_]+$", examples=["mailchimp"])]
SecretPath = Annotated[str, Path(max_length=128, description="The path secret of the receiver.")]


def _secrets(service: Service, system: str, secret: str) -> WebhookSecrets:
    known = service.webhooks.get(system)
    expected = known.path if known else "0" * 43
    if not hmac.compare_digest(secret.encode(), expected.encode()) or known is None:
        raise HTTPException(404)
    return known


@operation(
    ROUTES,
    "GET",
    "/webhooks/{system}/{secret}",
    scope=None,
    answers=None,
    summary="Answer a system's probe",
    problems=("not-found",),
    clauses=("C45", "C73"),
)
async def probe_webhook(request: Request, system: SystemPath, secret: SecretPath) -> Response:
    """Answers the GET that Mailchimp sends when a webhook is set up; changes nothing."""
    _secrets(request.app.state.service, system, secret)
    return Response(status_code=200)


@operation(
    ROUTES,
    "POST",
    "/webhooks/{system}/{secret}",
    scope=None,
    answers=None,
    summary="Receive a system's message",
    problems=(
        "not-found",
        "body-too-large",
        "unsupported-media-type",
        "webhook-malformed",
        "webhook-signature-missing",
        "webhook-signature-malformed",
        "webhook-signature-wrong",
        "webhook-signature-stale",
        "ledger-busy",
    ),
    clauses=("C45", "C73"),
    law=("L14", "L41", "L43"),
)
async def receive_webhook(request: Request, system: SystemPath, secret: SecretPath) -> Response:
    """Withdraws, suppresses, objects or rectifies as the message says; 200 once that is durable.

    The body is form data, never stored, and read only after its signature, where one is set up.
    Nothing in a message gives a consent. A type that is not known changes nothing and gets a 200.
    """
    service: Service = request.app.state.service
    secrets = _secrets(service, system, secret)
    connector = CONNECTORS[system]
    if request.headers.get("content-type", "").partition(";")[0].strip() != connector.media_type:
        raise HTTPException(415)
    body = await request.body()
    if len(body) > BODY_BYTES_MAX:
        raise HTTPException(413)
    if secrets.signing is not None:
        header = request.headers.get(connector.signature_header)
        connector.verify(body, header, secret=secrets.signing, now=service.ledger.clock())
    try:
        intent = connector.parse(body)
    except UnknownWebhookType:
        return Response(status_code=200)
    await Intake(service.ledger, service.control, service.lookups).receive(connector, intent)
    return Response(status_code=200)
