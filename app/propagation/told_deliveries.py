"""Records what a message about a delivery tells of a mail, as a human would (L9, L29)."""

from uuid import UUID

from app.domain.delivery_reports import DeliveryReport, step
from app.domain.mails import MailUnknown
from app.ledger import TRIES_MAX, Ledger
from app.propagation.mailing import with_notice
from app.receipts import Attribution, LedgerContended, Receipt, VersionMismatch
from app.values import replace


async def record_delivery(
    ledger: Ledger, subject_id: UUID, report: DeliveryReport, attribution: Attribution
) -> Receipt:
    """What it changes, and with a notice, that nobody was told by it; an empty receipt for nothing.

    Decided on the stream as it stands at the append. MailUnknown, MailNotLeft, LedgerContended.
    """
    for _ in range(TRIES_MAX):
        _, _, states = await ledger.current_states([subject_id])
        state = states[subject_id]
        mail = state.mails.by_id.get(report.mail)
        if mail is None:
            raise MailUnknown
        command = step(mail, report)
        if command is None:
            return Receipt(subject_id, state.content_version)
        as_read = replace(attribution, if_match=state.content_version)
        try:
            return await ledger.execute(subject_id, with_notice(command, mail), as_read)
        except VersionMismatch:
            continue
    raise LedgerContended("other writers won every try")
