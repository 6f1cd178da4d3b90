"""The floors: a FastAPI POST that only validates the same body, and one with one bare INSERT.

`python -m benchmarks.trivial PORT` serves them with the flags that the ledger is served with. The
URL of a database with the table `bare` comes by the environment, as DSN.
"""

import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI, Request

from app.api.bodies import ReceiptBody, ReceiptEvent
from app.api.collections import CollectionBody
from app.api.consents import ConsentBody
from app.store.connection import open_pool
from benchmarks.servers import FLAGS

BARE_TABLE = (
    "CREATE TABLE bare (event_id uuid, stream_id uuid NOT NULL, version int NOT NULL,"
    " type text NOT NULL, entry bytea NOT NULL, PRIMARY KEY (event_id))"
)
BARE_INSERT = (
    "INSERT INTO bare (event_id, stream_id, version, type, entry) VALUES ($1, $2, $3, $4, $5)"
)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await open_pool(os.environ["DSN"], size_max=16)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=_lifespan)


@app.post("/v1/subjects/{subject_id}/consents", status_code=201)
async def validate_consent(subject_id: UUID, body: ConsentBody) -> ReceiptBody:
    """Validates and answers."""
    return _receipt(subject_id, body.purpose)


@app.post("/v1/subjects/{subject_id}/collections", status_code=201)
async def validate_collection(subject_id: UUID, body: CollectionBody) -> ReceiptBody:
    """Validates and answers."""
    return _receipt(subject_id, body.purpose)


@app.post("/bare/subjects/{subject_id}/consents", status_code=201)
async def insert_consent(subject_id: UUID, body: ConsentBody, request: Request) -> ReceiptBody:
    """Validates, inserts one row, answers."""
    await _insert(request, subject_id, body.model_dump_json())
    return _receipt(subject_id, body.purpose)


@app.post("/bare/subjects/{subject_id}/collections", status_code=201)
async def insert_collection(
    subject_id: UUID, body: CollectionBody, request: Request
) -> ReceiptBody:
    """Validates, inserts one row, answers."""
    await _insert(request, subject_id, body.model_dump_json())
    return _receipt(subject_id, body.purpose)


async def _insert(request: Request, subject_id: UUID, text: str) -> None:
    await request.app.state.pool.execute(
        BARE_INSERT, uuid4(), subject_id, 1, "consent.given", text.encode()
    )


def _receipt(subject_id: UUID, kind: str) -> ReceiptBody:
    event = ReceiptEvent(
        event_id=uuid4(),
        type=kind,
        version=1,
        position=1,
        leaf_hash="z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c4=",
        recorded_at=datetime.now(UTC),
    )
    return ReceiptBody(subject_id=subject_id, version=1, position=1, events=[event], signed=None)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), **FLAGS)
