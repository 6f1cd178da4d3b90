"""The service as a witness of other deployments' logs (c2sp.org/tlog-witness)."""

from typing import Final

from fastapi import HTTPException, Request, Response

from app.api.log import TEXT
from app.api.operations import operation, router
from app.domain.decider import Refusal
from app.service import Service
from app.store.log_witness import Cosigned
from app.tlog.witnessing import (
    SIZE_TYPE,
    AddCheckpointMalformed,
    Conflicting,
    add_checkpoint,
    size_body,
)

ROUTES = router("transparency log")

BODY_MAX_BYTES: Final = 64_000
NO_STORE: Final = {"cache-control": "no-store"}


class WitnessRequestMalformed(Refusal):
    """Not an old size, a proof, an empty line and a checkpoint; or an old size beyond it."""

    code = "witness-request-malformed"
    rules = ("L9",)


class WitnessSignatureMissing(Refusal):
    """No key that this witness trusts for the origin signed the checkpoint."""

    code = "witness-signature-missing"
    rules = ("L9",)


class WitnessLogUnknown(Refusal):
    """Logs of that origin are not cosigned here, or no logs at all."""

    code = "witness-log-unknown"
    rules = ("L9",)


class WitnessProofInvalid(Refusal):
    """The proof does not show that the tree begins with the one cosigned last."""

    code = "witness-proof-invalid"
    rules = ("L9",)


REFUSALS: Final[dict[int, type[Refusal]]] = {
    400: WitnessRequestMalformed,
    403: WitnessSignatureMissing,
    404: WitnessLogUnknown,
    422: WitnessProofInvalid,
}


@operation(
    ROUTES,
    "POST",
    "/log/witness/add-checkpoint",
    scope=None,
    answers=None,
    summary="Cosign the checkpoint of a sibling's log",
    problems=(
        "body-too-large",
        "witness-request-malformed",
        "witness-signature-missing",
        "witness-log-unknown",
        "witness-proof-invalid",
    ),
    law=("L9",),
    media_type="text/plain",
    more={
        409: {
            "description": "The size of the tree that was cosigned last.",
            "content": {SIZE_TYPE: {"schema": {"type": "string", "maxLength": 20}}},
        }
    },
    example="\u2014 ledger.example/witness jWbPPwAAAABkGFDLEZMH…\n",
    body={
        "required": True,
        "content": {
            "text/plain": {
                "schema": {"type": "string", "maxLength": BODY_MAX_BYTES},
                "example": (
                    "old 255\nh4xwmhbr7hCxepItzeTvMcY/jSfJWBR1/J76RiZmxWo=\n\n"
                    "sibling.example/log\n257\nB6224GT6QpIYNkL61R6MCnrGiFzlUMB3yTQ95itXrcA=\n\n"
                    "\u2014 sibling.example/log EWOd1I6W…\n"
                ),
            }
        },
    },
)
async def add_checkpoint_of_a_log(request: Request) -> Response:
    """Answers a cosignature, if the tree begins with the one that was cosigned last.

    The logs are those of LEDGER_WITNESS_LOGS. Another old size than that of the last one gets 409
    with that size as `text/x.tlog.size`; so does another root of the same size.
    """
    service: Service = request.app.state.service
    body = await request.body()
    if len(body) > BODY_MAX_BYTES:
        raise HTTPException(413)
    try:
        asked = add_checkpoint(body)
    except AddCheckpointMalformed:
        raise WitnessRequestMalformed from None
    witness = service.attestation.witness
    if witness is None:
        raise WitnessLogUnknown
    answer = await witness.answer(asked)
    if isinstance(answer, Cosigned):
        return Response(f"{answer.line}\n".encode(), media_type=TEXT, headers=NO_STORE)
    if isinstance(answer, Conflicting):
        # As a header, since a media type of texts would get a charset, which C2SP does not have.
        return Response(
            size_body(answer.size), 409, headers={**NO_STORE, "content-type": SIZE_TYPE}
        )
    raise REFUSALS[answer.status]
