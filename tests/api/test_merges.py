"""Merges over HTTP: by two clients, led to by every look-up, reported apart, and undone."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4
from zipfile import ZipFile

import httpx
import pytest

from app.documents.letters import Letter, LetterKind, compose
from app.domain.mails import MailState
from app.domain.subjects import DiscoverChild
from app.events.mails import MailKind
from app.propagation.mail import Posting
from app.receipts import Attribution
from app.rights.duties import Discharged, Duties
from app.service import Service
from tests.api.mailbox import Mailbox, mailing
from tests.rights.people import arrange, collect, consent, get, post, register, share
from tests.serving import Api

Value = dict[str, Any]

FIRST = {
    "contact.name": "Åsa Öberg",
    "contact.email": "asa.oberg@forvaltning.example",
    "work.organisation": "Miljöförvaltningen",
}
SECOND = {
    "contact.name": "Asa Oeberg",
    "contact.email": "asa.oberg@privat.example",
    "contact.phone": "+46701234567",
}
BY = Attribution(by="tests")
FROM_DESK = {"source": "secretariat"}


@dataclass(frozen=True)
class Two:
    """Two records, the client that proposes and the one that approves."""

    proposer: httpx.AsyncClient
    approver: httpx.AsyncClient
    survivor: str
    absorbed: str

    @property
    def pair(self) -> Value:
        """The body that names both."""
        return {"survivor": self.survivor.split("/")[-1], "absorbed": self.absorbed.split("/")[-1]}

    @property
    def both(self) -> tuple[str, str]:
        """The paths of both."""
        return self.survivor, self.absorbed

    async def proposed(self) -> str:
        """The id of a proposal."""
        body = {**self.pair, "ground": "control"}
        found: str = (await post(self.proposer, "/v1/merges", body))["merge"]
        return found

    async def merged(self) -> str:
        """The id of a merge in force."""
        merge = await self.proposed()
        await post(self.approver, f"/v1/merges/{merge}/approve", self.pair)
        return merge

    async def reverted(self, merge: str) -> None:
        """Takes the merge back."""
        await post(self.approver, f"/v1/merges/{merge}/revert", self.pair)


async def found(client: httpx.AsyncClient, address: str) -> str:
    """The record to which an address leads."""
    body = {"kind": "email", "value": address}
    answer = await post(client, "/v1/subjects:lookup", body, status=200)
    return f"/v1/subjects/{answer['subject_id']}"


@pytest.fixture
async def two(api: Api, client: httpx.AsyncClient) -> Any:
    """Somebody who registered twice, with two addresses."""
    survivor = await register(client, contact=FIRST)
    absorbed = await register(client, contact=SECOND)
    async with await api.client() as approver:
        yield Two(client, approver, survivor, absorbed)


@pytest.mark.clause("L6", "L8", "L9")
async def test_a_merge_takes_two_clients_and_until_then_nothing_changes(two: Two) -> None:
    merge = await two.proposed()
    before = await found(two.proposer, SECOND["contact.email"])
    refused = await post(two.proposer, f"/v1/merges/{merge}/approve", two.pair, status=409)
    await collect(two.proposer, two.absorbed, "event_logistics", {"work.title": "Chef"})

    receipt = await post(two.approver, f"/v1/merges/{merge}/approve", two.pair)

    assert before == two.absorbed
    assert refused["type"] == "/problems/approver-is-proposer"
    assert [event["type"] for event in receipt["events"]] == ["merge.approved"]
    again = await post(two.approver, f"/v1/merges/{merge}/approve", two.pair, status=409)
    assert again["type"] == "/problems/subject-absorbed"


@pytest.mark.clause("L6", "C7")
async def test_every_identifier_leads_to_the_survivor_and_back_after_a_revert(two: Two) -> None:
    merge = await two.merged()
    merged = [await found(two.proposer, one["contact.email"]) for one in (FIRST, SECOND)]
    joined = await register(two.proposer, "network_exchange", contact=SECOND)

    await two.reverted(merge)

    assert merged == [two.survivor, two.survivor]
    assert joined == two.survivor
    assert await found(two.proposer, SECOND["contact.email"]) == two.absorbed


@pytest.mark.clause("L6", "L33")
async def test_a_write_on_the_absorbed_record_is_refused_and_led_on(two: Two) -> None:
    merge = await two.merged()
    body = {"purpose": "event_logistics", "data": {"work.title": "Chef"}, **FROM_DESK}

    refused = await post(two.proposer, f"{two.absorbed}/collections", body, status=409)

    assert refused["type"] == "/problems/subject-absorbed"
    assert refused["survivor"] == two.pair["survivor"]
    assert refused["merge"] == merge


@pytest.mark.clause("L33", "L31")
async def test_a_report_never_mixes_the_two_and_says_where_the_other_is(two: Two) -> None:
    """Art. 15(4): each record is reported from itself, before, during and after a merge."""
    merge = await two.merged()
    survivor, absorbed = [
        await get(two.proposer, f"{one}/access-report") for one in (two.survivor, two.absorbed)
    ]
    await two.reverted(merge)
    apart = await get(two.proposer, f"{two.survivor}/access-report")

    for report, own, other in (
        (survivor, FIRST, SECOND),
        (absorbed, SECOND, FIRST),
        (apart, FIRST, SECOND),
    ):
        text = str(report)
        assert all(value in text for value in own.values())
        assert not any(value in text for value in other.values())
    [elsewhere] = survivor["other_records"]
    assert elsewhere["subject_id"] == two.pair["absorbed"]
    assert elsewhere["report"] == f"{two.absorbed}/access-report"
    assert absorbed["other_records"][0]["stands_for_this_one"] is True
    assert apart["other_records"] == []


@pytest.mark.clause("L43", "L44", "C65", "C73")
async def test_what_the_absorbed_record_said_no_to_is_refused_to_the_survivor(
    two: Two, service: Service
) -> None:
    """Strictest wins, also against the survivor's own consent."""
    await arrange(service, "mailchimp")
    await collect(
        two.proposer, two.survivor, "newsletter", {"contact.email": FIRST["contact.email"]}
    )
    await post(two.proposer, f"{two.survivor}/consents", consent())
    newsletter = share("mailchimp", purpose="newsletter", categories=["contact.email"])
    await post(two.proposer, f"{two.survivor}/disclosures", newsletter)
    await post(two.proposer, f"{two.absorbed}/objections", {"purpose": "newsletter", **FROM_DESK})

    merge = await two.merged()
    refused = await post(two.proposer, f"{two.survivor}/disclosures", newsletter, status=409)
    check = {
        "subjects": [two.pair["survivor"]],
        "purpose": "newsletter",
        "recipient": "mailchimp",
    }
    [checked] = (await post(two.proposer, "/v1/permissions:check", check, status=200))["answers"]
    [listed] = (await get(two.proposer, f"{two.survivor}/merges"))["merges"]
    await two.reverted(merge)

    assert refused["type"] == "/problems/objected"
    assert checked["allowed"] is False
    assert listed["inherited"]["suppressed"] == ["newsletter"]
    await post(two.proposer, f"{two.survivor}/disclosures", newsletter)


@pytest.mark.clause("L42", "C67")
async def test_a_restriction_of_one_record_is_one_of_both(two: Two) -> None:
    """Read for no purpose of the controller's own, and shown as restricted; after a revert not."""
    client = two.proposer
    unlawful = {"ground": "unlawful", "source": "secretariat"}
    await post(client, f"{two.absorbed}/restrictions", unlawful)
    own, by_law = {"Purpose": "event_logistics"}, {"Purpose": "rights_requests"}
    before = await client.get(two.survivor, headers=by_law)
    merge = await two.merged()
    refused = await client.get(two.survivor, headers=own)
    shown = await client.get(two.survivor, headers=by_law)
    await two.reverted(merge)

    assert before.json()["restricted"] is False
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/subject-restricted")
    assert shown.json()["restricted"] is True


@pytest.mark.clause("L41", "C73")
async def test_an_objection_to_news_closes_the_addresses_of_both_records(
    two: Two, service: Service
) -> None:
    await two.merged()

    body = {"purpose": "newsletter", **FROM_DESK}
    await post(two.proposer, f"{two.survivor}/objections", body)

    for one in (FIRST, SECOND):
        closed = await service.lookups.suppressed_purposes([one["contact.email"]], ["newsletter"])
        assert closed == {"newsletter"}


@pytest.mark.clause("L44", "C37")
async def test_what_was_said_while_merged_holds_for_both_until_released(two: Two) -> None:
    merge = await two.merged()
    body = {"purpose": "photo_website", **FROM_DESK}
    await post(two.proposer, f"{two.survivor}/objections", body)
    early = await post(
        two.approver, f"{two.absorbed}/inherited-matters/{merge}/release", status=409
    )
    await two.reverted(merge)
    left = (await get(two.proposer, f"{two.absorbed}/merges"))["merges"]

    await post(two.approver, f"{two.absorbed}/inherited-matters/{merge}/release")

    assert early["type"] == "/problems/subject-absorbed"
    assert [one["state"] for one in left] == ["left"]
    assert len(left[0]["inherited"]["objections"]) == 1
    assert (await get(two.proposer, f"{two.absorbed}/merges"))["merges"] == []


@pytest.mark.clause("L44")
async def test_a_matter_of_the_absorbed_record_is_ended_there_and_read_again(two: Two) -> None:
    raised = await post(
        two.proposer, f"{two.absorbed}/objections", {"purpose": "photo_website", **FROM_DESK}
    )
    merge = await two.merged()

    await post(two.proposer, f"{two.absorbed}/objections/{raised['objection']}/withdrawal")
    receipt = await post(two.approver, f"/v1/merges/{merge}/renewal", two.pair)

    types = [event["type"] for event in receipt["events"]]
    assert types == ["matters.renewed", "matter.inherited"], "what rested until that was told"
    [listed] = (await get(two.proposer, f"{two.survivor}/merges"))["merges"]
    assert listed["inherited"]["objections"] == []


@pytest.mark.clause("L9")
async def test_bad_merges_have_problem_types_of_their_own(two: Two) -> None:
    merge = await two.proposed()
    itself = {"survivor": two.pair["survivor"], "absorbed": two.pair["survivor"]}
    nobody = {**two.pair, "absorbed": str(uuid4())}
    again = await post(two.proposer, "/v1/merges", {**two.pair, "ground": "control"}, status=409)
    same = await post(two.proposer, "/v1/merges", {**itself, "ground": "control"}, status=422)
    unknown = await post(two.proposer, "/v1/merges", {**nobody, "ground": "control"}, status=404)
    other = await post(two.approver, f"/v1/merges/{uuid4()}/approve", two.pair, status=404)
    await post(two.approver, f"/v1/merges/{merge}/reject", two.pair)
    late = await post(two.approver, f"/v1/merges/{merge}/approve", two.pair, status=409)

    assert [
        one["type"].removeprefix("/problems/") for one in (again, same, unknown, other, late)
    ] == [
        "merge-open",
        "merge-with-itself",
        "subject-unknown",
        "merge-unknown",
        "merge-settled",
    ]


@pytest.mark.clause("C66", "C70", "L41")
async def test_who_is_erased_is_erased_on_every_record(two: Two) -> None:
    """One person asks once; what the absorbed record holds is the same person's."""
    await two.merged()
    body = {"source": "secretariat"}

    await post(two.proposer, f"{two.survivor}/erasure", body)
    answers = [
        await two.proposer.get(f"{one}/access-report") for one in (two.survivor, two.absorbed)
    ]

    assert [one.status_code for one in answers] == [410, 410]
    lookup = {"kind": "email", "value": SECOND["contact.email"]}
    await post(two.proposer, "/v1/subjects:lookup", lookup, status=404)


@pytest.mark.clause("C75", "C70")
@pytest.mark.parametrize("told_of", ["survivor", "absorbed"])
async def test_a_child_is_erased_on_every_record_with_nobody_asking(
    two: Two, service: Service, told_of: str
) -> None:
    """It became known of one of the records, before or after they were found to be one person's."""
    child = UUID(getattr(two, told_of).split("/")[-1])
    await service.ledger.execute(child, DiscoverChild(source="secretariat"), BY)
    await two.merged()
    assert service.eraser is not None

    done = await Duties(service.ledger, service.pool, service.eraser).run()
    again = await Duties(service.ledger, service.pool, service.eraser).run()

    assert (done.erased, done.failed, again) == (1, 0, Discharged())
    for one in (two.survivor, two.absorbed):
        [erasure] = (await get(two.proposer, f"{one}/erasure"))["erasures"]
        assert (erasure["trigger"], erasure["stage"]) == ("child_data", "executed")


@pytest.mark.clause("C75", "C70")
async def test_the_desk_can_erase_a_child_with_two_records(two: Two, service: Service) -> None:
    await two.merged()
    body = {"source": "secretariat", "trigger": "child_data"}
    early = await post(two.proposer, f"{two.survivor}/erasure", body, status=409)
    unmarked = await service.ledger.state(UUID(two.absorbed.split("/")[-1]))
    child = UUID(two.survivor.split("/")[-1])
    await service.ledger.execute(child, DiscoverChild(source="secretariat"), BY)

    await post(two.proposer, f"{two.survivor}/erasure", body)

    assert early["type"] == "/problems/child-not-discovered"
    assert not unmarked.child
    await get(two.proposer, f"{two.absorbed}/access-report", status=410)


@pytest.mark.clause("C66", "L9")
async def test_a_second_person_approves_the_erasure_of_every_record_at_once(two: Two) -> None:
    await two.merged()
    await post(two.proposer, "/v1/safeguards/two_person_erasure", {"on": True})
    asked = (await post(two.proposer, f"{two.survivor}/erasure", FROM_DESK))["erasure"]
    path = f"{two.survivor}/erasure/{asked['erasure']}/approval"

    own = await post(two.proposer, path, status=409)
    before = [await two.proposer.get(f"{one}/access-report") for one in two.both]
    await post(two.approver, path)
    after = [await two.proposer.get(f"{one}/access-report") for one in two.both]

    assert (asked["stage"], own["type"]) == ("requested", "/problems/second-person-needed")
    assert [one.status_code for one in before] == [200, 200]
    assert [one.status_code for one in after] == [410, 410]


@pytest.mark.clause("L63", "L37")
@pytest.mark.parametrize("held", ["survivor", "absorbed"])
async def test_a_hold_on_one_record_keeps_the_other_from_being_destroyed(
    two: Two, held: str
) -> None:
    """A refusal leaves nothing half erased."""
    hold = {"ground": "audit", "source": "secretariat"}
    await post(two.proposer, f"{getattr(two, held)}/legal-holds", hold)
    await two.merged()

    refused = await post(two.proposer, f"{two.survivor}/erasure", FROM_DESK, status=409)
    reports = [await two.proposer.get(f"{one}/access-report") for one in two.both]

    assert refused["type"] == "/problems/erasure-held"
    assert [one.status_code for one in reports] == [200, 200]


@pytest.mark.clause("C66", "C68", "L33", "L37")
async def test_what_is_shown_of_one_record_names_the_others(two: Two, service: Service) -> None:
    """Profile, package, preview and certificate: nobody has to know that there was another."""
    client, other = two.proposer, two.absorbed.rpartition("/")[2]
    before = await package(client, two.survivor)
    await two.merged()

    profile = await client.get(two.survivor, headers={"Purpose": "event_logistics"})
    after = await package(client, two.survivor)
    readme = await client.get(f"{two.survivor}/portability-package", params={"language": "sv"})
    plan = await get(client, f"{two.survivor}/erasure/preview")
    erased = (await post(client, f"{two.survivor}/erasure", FROM_DESK))["erasure"]
    path = f"{two.survivor}/erasure/{erased['erasure']}/certificate"
    certificate = await get(client, path)

    assert [one["subject_id"] for one in profile.json()["other_records"]] == [other]
    assert before["other_records"] == []
    assert [one["subject_id"] for one in after["other_records"]] == [other]
    assert after["as_of"] > before["as_of"]
    assert "annan post" in ZipFile(BytesIO(readme.content)).read("README.html").decode()
    [beside] = plan["other_records"]
    assert (beside["subject_id"], beside["of_everything"]) == (other, True)
    assert [one["retention_class"] for one in beside["erased"]] == ["participation"]
    [also] = certificate["other_records"]
    assert (also["subject_id"], also["final"]) == (other, False)
    assert also["entries"][0]["leaf_hash"] != certificate["entries"][0]["leaf_hash"]


async def package(client: httpx.AsyncClient, person: str) -> Value:
    """What a person takes along, as JSON."""
    return await get(client, f"{person}/portability-package", format="json")


@pytest.mark.clause("C73", "L14")
async def test_a_mailing_queued_on_an_absorbed_record_does_not_leave_after_a_no(
    two: Two, service: Service
) -> None:
    """The no is said to the record that stands for both."""
    rules = await service.ledger.rules()
    letter = Letter(
        kind=LetterKind.WITHDRAWN,
        controller=rules.policy.controller,
        authority=rules.law.authority,
        on=service.ledger.clock().date(),
        right="access",
        received_on=service.ledger.clock().date(),
    )
    posting = Posting(letter=compose(letter, "sv"), kind=MailKind.ANSWER, mailing="information")
    absorbed = UUID(two.absorbed.rpartition("/")[2])
    by = Attribution(by="tests")
    queued = (await service.correspondence.post_office.post(absorbed, posting, by)).mail
    await two.merged()
    body = {"purpose": "information", "source": "self_service"}
    await post(two.proposer, f"{two.survivor}/objections", body)
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()

    service.ledger.forget(absorbed)
    assert not mailbox.received
    mails = (await service.ledger.state(absorbed)).mails.by_id
    assert mails[queued].state is MailState.WITHDRAWN
