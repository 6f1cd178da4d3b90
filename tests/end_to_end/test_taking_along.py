"""One story: a person takes their data along, has it sent to another controller, and arrives."""

import dataclasses
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from app.settings import Settings
from tests.api.test_package_imports import state_of, taken_in, trusting
from tests.api.transmitting import order, portability_request, sending
from tests.conftest import Database
from tests.rights.histories import everything
from tests.rights.people import get, post
from tests.serving import Api, serving


@pytest.mark.clause("C68", "L35", "X10")
async def test_what_a_person_takes_along_arrives_whole_and_unread(
    database: Database, other_database: Database, tmp_path: Path
) -> None:
    """Asked for, refused to a stranger's host, sent to the approved one, taken in there."""
    home = tmp_path / "elsewhere"
    home.mkdir()
    async with serving(database, tmp_path) as service, sending(service, tmp_path) as here:
        person = await everything(here.client, service)
        request = await portability_request(here.client, person)
        wish = order(request)
        early = await post(here.client, f"{person}/transmissions", wish, status=409)
        await here.approve()
        await post(here.client, f"{person}/transmissions", wish, status=202)
        await here.loop().turn()
        arrived = here.other.opened()
        own = (await here.client.get(f"{person}/portability-package")).content
        held = await state_of(here.client, person)
        sent = await get(here.client, f"{person}/transmissions")
        async with serving(other_database, home) as fresh:
            keys = frozenset({service.signer.public_key})
            knowing = dataclasses.replace(fresh, package_keys=keys)
            there = await Api(knowing, Settings(home=home)).client()
            taken = await taken_in(there, arrived, trusting(service))
            again = await state_of(there, f"/v1/subjects/{taken['subject_id']}")
            await there.aclose()

    with ZipFile(BytesIO(arrived)) as package:
        assert package.namelist()[0] == "README.html"
    assert early["type"] == "/problems/receiver-unapproved"
    assert arrived == own
    assert (sent["refused"], sent["transmissions"][0]["status"]) == (1, "delivered")
    assert again == held
