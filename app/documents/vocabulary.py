"""Words of closed lists as people read them; the keys are those of events and of the policy."""

from types import MappingProxyType
from typing import Final

from app.documents.languages import marked
from app.policy.vocabulary import LegalBasis

BASES: Final = MappingProxyType[str, str](
    {
        LegalBasis.CONSENT: marked("your consent"),
        LegalBasis.CONTRACT: marked("a contract with you"),
        LegalBasis.LEGAL_OBLIGATION: marked("a legal obligation"),
        LegalBasis.VITAL_INTERESTS: marked("vital interests"),
        LegalBasis.PUBLIC_TASK: marked("a task in the public interest"),
        LegalBasis.LEGITIMATE_INTEREST: marked("our legitimate interest"),
    }
)

WORDS: Final = MappingProxyType(
    {
        "in_use": marked("in use"),
        "resting": marked("only stored, not used"),
        "superseded": marked("replaced, not used"),
        "on_record": marked("on record"),
        "held": marked("held"),
        "erased": marked("erased"),
        "unavailable": marked("cannot be read now"),
        "lost": marked("cannot be read any more"),
        "given": marked("given"),
        "requested": marked("asked for"),
        "unproven": marked("without proof"),
        "withdrawn": marked("withdrawn"),
        "blocked": marked("held back for a legal reason"),
        "pending": marked("being weighed"),
        "granted": marked("granted"),
        "overridden": marked("not followed"),
        "prepared": marked("planned"),
        "executed": marked("carried out"),
        "closed": marked("closed"),
        "subject": marked("you"),
        "third_party": marked("somebody else"),
        "controller": marked("ourselves"),
        "public": marked("public sources"),
        "own": marked("our own system"),
        "processor": marked("works for us"),
        "joint_controller": marked("decides together with us"),
        "authority": marked("authority"),
        "participation_end": marked("the end of your taking part"),
        "membership_end": marked("the end of membership"),
        "occasion_end": marked("the end of the occasion"),
        "fiscal_year_end": marked("the end of the financial year"),
        "balance_payment": marked("the payment of the grant's balance"),
        "consent_end": marked("the end of your consent"),
        "request_closed": marked("the end of the request"),
        "erasure": marked("the erasure"),
        "chat_end": marked("the end of the chat"),
        "collection": marked("the day of collection"),
        "informed": marked("told"),
        "verified_gone": marked("told, and checked that it is gone"),
        "still_present": marked("told; it is still there and we follow it up"),
        "cannot_verify": marked("told; we cannot check it there"),
        "impossible": marked("cannot be told, or only with disproportionate effort"),
        "email": marked("e-mail"),
        "phone": marked("telephone"),
        "post": marked("post"),
        "desk": marked("at the desk"),
        "web": marked("on our pages"),
        "form": marked("on the form"),
        "accuracy": marked("you question the accuracy"),
        "unlawful": marked("the use is unlawful"),
        "legal_claims": marked("you need the data for legal claims"),
        "objection": marked("an objection is open"),
        "e1": marked("unreadable in our systems"),
        "e2": marked("bytes removed from our systems"),
        "e3": marked("unreadable in all backups"),
        "yes": marked("yes"),
        "no": marked("no"),
    }
)
"""Single words: states, roles, grounds, levels."""
