"""The public key by which anybody checks packages and receipts of this ledger (RFC 8032)."""

from base64 import b64encode

from fastapi import Request, Response
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.operations import operation, router
from app.service import Service
from app.vault.signing import ALGORITHM

ROUTES = router("signatures")

SIGNING_KEYS_PATH = "/v1/signing-keys"


class SigningKeyBody(BaseModel):
    """One key; what is signed names it by its id."""

    key_id: str = Field(description="Half the SHA-256 of the 32 bytes, in hex.", max_length=32)
    algorithm: str = Field(examples=[ALGORITHM], max_length=16)
    public_key: str = Field(description="32 bytes in base64.", max_length=44)
    pem: str = Field(description="The same as SubjectPublicKeyInfo.", max_length=200)


class SigningKeysBody(BaseModel):
    """The keys that sign, or once signed, for this ledger."""

    items: list[SigningKeyBody] = Field(max_length=10)


@operation(
    ROUTES,
    "GET",
    SIGNING_KEYS_PATH,
    scope=None,
    answers=SigningKeysBody,
    summary="Show the keys that sign packages and receipts",
    clauses=("C68",),
    law=("L35",),
    example={
        "items": [
            {
                "key_id": "21fe31dfa154a261626bf854046fd227",
                "algorithm": "Ed25519",
                "public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                "pem": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n",
            }
        ]
    },
)
async def get_signing_keys(request: Request) -> Response:
    """Open to everybody: whoever was handed a package can check it without asking for anything."""
    service: Service = request.app.state.service
    signer = service.signer
    key = {
        "key_id": signer.key_id,
        "algorithm": ALGORITHM,
        "public_key": b64encode(signer.public_key).decode(),
        "pem": signer.public_pem,
    }
    return answer({"items": [key]})
