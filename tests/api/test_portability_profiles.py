"""Whatever is held: the law's package lies within the promised one, and that within the copy."""

import random
from typing import Any

import httpx
import pytest

from tests.rights.people import consent, get, post, register

PURPOSES = ("event_logistics", "network_exchange", "newsletter")
SOURCES = ("registration_form", "member_organisation", "azavista")
PORTABLE = ("consent", "contract")


def held(package: dict[str, Any]) -> set[tuple[str, str, str]]:
    """What a package holds: category, value, purpose."""
    return {(one["category"], one["value"], one["purpose"]) for one in package["data"]}


async def somebody(client: httpx.AsyncClient, chance: random.Random, number: int) -> str:
    """A person to whom this and that has happened."""
    contact = {"contact.name": f"Zoë {number}", "contact.email": f"zoe.{number}@stad.example"}
    person = await register(client, "event_logistics", contact=contact)
    for _ in range(chance.randrange(6)):
        name = chance.choice(["Zoë", "Åsa", "Ωmega"])
        body = {
            "purpose": chance.choice(PURPOSES),
            "source": chance.choice(SOURCES),
            "data": {"contact.name": name},
        }
        answer = await client.post(f"{person}/collections", json=body)
        assert answer.status_code in (200, 201), answer.text
    if chance.random() < 0.5:
        await post(client, f"{person}/consents", consent())
    return person


@pytest.mark.clause("L35", "C68", "X10")
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_legal_package_is_within_the_promised_one_and_that_within_the_copy(
    client: httpx.AsyncClient, seed: int
) -> None:
    """Property over random histories; what is only promised rests on another basis or origin."""
    chance = random.Random(seed)
    for number in range(6):
        person = await somebody(client, chance, number)
        path = f"{person}/portability-package"
        legal = await get(client, path, format="json", profile="legal")
        promised = await get(client, path, format="json")
        report = await get(client, f"{person}/access-report", format="json")

        copied = {
            (one["category"]["key"], one["value"], use["purpose"]["key"])
            for one in report["parts"]["data"]["held"]
            for use in one["held_for"]
            if use["purpose"] is not None
        }
        assert held(legal) <= held(promised) <= copied
        for one in promised["data"]:
            by_law = one["basis"] in PORTABLE and one["origin"] == "subject"
            assert (one in legal["data"]) is by_law
