"""The JSON Schema (2020-12) of a portability package, served beside it (Art. 20(1))."""

from typing import Any, Final

SCHEMA_PATH: Final = "/v1/schemas/portability-package"

_TEXT: Final = {"type": "string"}
_WORD: Final = {"type": "string", "pattern": r"^[a-z][a-z0-9_.-]{0,63}$"}
_DIGEST: Final = {"type": "string", "pattern": r"^[0-9a-f]{64}$"}
_UUID: Final = {"type": "string", "format": "uuid"}
_TIME: Final = {"type": "string", "format": "date-time"}
_NUMBER: Final = {"type": "integer", "minimum": 0}

_BASIS: Final = {
    "enum": [
        "consent",
        "contract",
        "legal_obligation",
        "vital_interests",
        "public_task",
        "legitimate_interest",
    ]
}
_ORIGIN: Final = {"enum": ["subject", "third_party", "controller", "public"]}


def _object(**properties: Any) -> dict[str, Any]:  # Any: JSON Schemas
    """A closed object all of whose members are there."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:  # Any: JSON Schemas
    return {"type": "array", "items": items}


_PARTS: Final = (
    *("data", "files", "statements", "consents", "transfers", "relationships"),
    *("objections", "restrictions"),
)
_WORD_OR_NONE: Final = {"anyOf": [_WORD, {"type": "null"}]}

_CONSENT: Final = {
    "type": "object",
    "properties": {
        "purpose": _WORD,
        "title": {"type": ["string", "null"]},
        "status": {"enum": ["given", "requested", "unproven", "withdrawn", "expired"]},
        "in_force": {"type": "boolean"},
        "proof": {"type": ["object", "null"]},
        "ended_at": {"anyOf": [_TIME, {"type": "null"}]},
        "history": _list({"type": "object", "required": ["type", "occurred_at"]}),
    },
    "required": ["purpose", "status", "in_force", "history"],
    "additionalProperties": False,
}

_TRANSFER: Final = {
    "type": "object",
    "properties": {"purpose": _WORD, "recipient": _WORD, "since": _TIME},
    "required": ["purpose", "recipient", "country", "since"],
}

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": SCHEMA_PATH,
    "title": "Portability package",
    "description": "Personal data that a person takes along (Art. 20 GDPR). Each value says for"
    " which purpose, on which basis and from which source it is held. `as_of` is when anything in"
    " it changed last: the same state is the same package.",
    **_object(
        package={"const": "portability"},
        article=_TEXT,
        profile={"enum": ["legal", "promised"]},
        schema=_object(path={"const": SCHEMA_PATH}, sha256=_DIGEST),
        subject_id=_UUID,
        as_of=_TIME,
        position=_NUMBER,
        policy=_WORD,
        controller=_object(name=_TEXT, email=_TEXT),
        other_records=_list(
            _object(subject_id=_UUID, stands_for_this_one={"type": "boolean"}, package=_TEXT)
        ),
        data=_list(
            _object(
                category=_WORD,
                value=_TEXT,
                purpose=_WORD,
                basis=_BASIS,
                source=_WORD,
                origin=_ORIGIN,
                since=_TIME,
                policy=_WORD,
                occasion={"anyOf": [_UUID, {"type": "null"}]},
            )
        ),
        files=_list(
            _object(
                system=_WORD,
                title=_TEXT,
                date=_TIME,
                category=_WORD,
                purpose=_WORD,
                basis=_BASIS,
                source=_WORD,
                origin=_ORIGIN,
            )
        ),
        statements=_list(_object(completes=_list(_WORD), category=_WORD, text=_TEXT, since=_TIME)),
        consents=_list(_CONSENT),
        transfers=_list(_TRANSFER),
        relationships=_list(
            _object(
                kind=_WORD,
                organisation={"anyOf": [_UUID, {"type": "null"}]},
                occasion={"anyOf": [_UUID, {"type": "null"}]},
                since={"anyOf": [_TIME, {"type": "null"}]},
                ended_at={"anyOf": [_TIME, {"type": "null"}]},
            )
        ),
        objections=_list(
            _object(
                purpose=_WORD_OR_NONE,
                recipient=_WORD_OR_NONE,
                cause={"enum": ["person", "complaint", "undeliverable"]},
                source=_WORD,
                since=_TIME,
                status={"enum": ["pending", "granted"]},
            )
        ),
        restrictions=_list(
            _object(
                ground={"enum": ["accuracy", "unlawful", "legal_claims", "objection"]},
                purpose=_WORD_OR_NONE,
                categories=_list(_WORD),
                source=_WORD,
                since=_TIME,
            )
        ),
        manifest=_list(
            _object(
                part={"enum": [*_PARTS]},
                count=_NUMBER,
                sha256=_DIGEST,
            )
        ),
    ),
}
