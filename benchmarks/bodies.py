"""The bodies that both sides read: `{fresh}` and `{moment}` differ from request to request."""

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
"""Of a sentence that nobody wrote."""

BODIES = {
    "consents": {
        "purpose": "newsletter",
        "wording_sha256": SHA256,
        "language": "sv",
        "policy": "impel-1",
        "source": "registration_form",
        "method": "form",
        "occurred_at": "{moment}",
        "evidence": "form answer {fresh}",
    },
    "collections": {
        "source": "registration_form",
        "purpose": "network_exchange",
        "data": {"work.title": "Miljöinspektör {fresh}", "work.unit": "Tillsyn"},
        "occurred_at": "{moment}",
    },
}
