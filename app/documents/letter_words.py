"""The words that letters share: subjects, names of rights, what was done, what recipients said."""

from types import MappingProxyType
from typing import Final

from app.documents.languages import marked
from app.documents.letter import LetterKind

SUBJECTS: Final = MappingProxyType(
    {
        LetterKind.ACKNOWLEDGEMENT: marked("We have received your request"),
        LetterKind.OVERDUE: marked("We are late with your request"),
        LetterKind.IDENTITY_QUESTION: marked("We need to know that it is you"),
        LetterKind.EXTENSION: marked("We need more time for your request"),
        LetterKind.FULFILLED: marked("Your request is fulfilled"),
        LetterKind.PARTLY_FULFILLED: marked("Your request is fulfilled in part"),
        LetterKind.REFUSAL: marked("We cannot do what you asked for"),
        LetterKind.CANNOT_IDENTIFY: marked("We cannot find you in our records"),
        LetterKind.NOTHING_HELD: marked("We hold no personal data about you"),
        LetterKind.WITHDRAWN: marked("Your request is closed"),
        LetterKind.RESTRICTION_LIFT: marked("A restriction of your data will end"),
        LetterKind.RECIPIENTS_TOLD: marked("Whom we have told"),
        LetterKind.ERASURE_CERTIFICATE: marked("Certificate of erasure"),
        LetterKind.CONSENT_CONFIRMATION: marked("Please confirm"),
        LetterKind.UNSUBSCRIBE_CONFIRMATION: marked("You have unsubscribed"),
        LetterKind.NOTICE: marked("We have received personal data about you"),
        LetterKind.POLICY_CHANGE: marked("Our privacy policy changes"),
    }
)

REQUESTS: Final = MappingProxyType(
    {
        "access": marked("to see what we hold about you and to have a copy (Art. 15 GDPR)"),
        "rectification": marked("to have your data corrected or completed (Art. 16 GDPR)"),
        "erasure": marked("to have your data erased (Art. 17 GDPR)"),
        "restriction": marked("to have the use of your data restricted (Art. 18 GDPR)"),
        "portability": marked("to have your data in a structured electronic format (Art. 20 GDPR)"),
        "objection": marked("that we stop a use of your data (objection, Art. 21 GDPR)"),
        "withdrawal": marked("to withdraw your consent (Art. 7(3) GDPR)"),
        "account_deactivation": marked("to have an account deactivated"),
        "other": marked("about your personal data"),
    }
)
"""By right: what was asked for, after "your request"."""

FULFILLED: Final = MappingProxyType(
    {
        "access": marked(
            "With this letter you get the report on everything that we hold about you: the data"
            " themselves, why we hold them, where they come from, who got them, and for how long"
            " we keep them."
        ),
        "rectification": marked(
            "Your data are corrected. What was held before stays in the history, marked as"
            " superseded, and is used for nothing."
        ),
        "erasure": marked("Your data are erased. They can no longer be read in our systems."),
        "restriction": marked(
            "From now on we only store these data. We use them for nothing else, unless you agree,"
            " or for legal claims or to protect somebody's rights. We will tell you before the"
            " restriction ends."
        ),
        "portability": marked(
            "With this letter you get your data as a package that programs can read. Open the file"
            " README.html first."
        ),
        "objection": marked("We have stopped the use that you object to."),
        "withdrawal": marked(
            "Your consent is withdrawn and we have stopped what it was for. What was done before"
            " stays lawful."
        ),
        "account_deactivation": marked(
            "The account is deactivated. What you wrote there stays readable for the others, under"
            " your name, until you ask us to erase it."
        ),
        "other": marked("We have done what you asked for."),
    }
)

APART: Final = MappingProxyType(
    {
        "access": marked(
            "You get the report on everything that we hold about you apart from this letter: the"
            " data themselves, why we hold them, where they come from, who got them, and for how"
            " long we keep them. If it has not reached you, tell us."
        ),
        "portability": marked(
            "You get your data apart from this letter, as a package that programs can read. Open"
            " the file README.html first. If it has not reached you, tell us."
        ),
    }
)
"""What is said instead where nothing is enclosed."""

FETCHED: Final = MappingProxyType(
    {
        "access": marked("You can fetch the report here: {link}"),
        "portability": marked("You can fetch the package here: {link}"),
    }
)
"""Where the answer lies, by right: the letter about a part has not spoken of it before."""

OUTCOMES: Final = MappingProxyType(
    {
        None: marked("not told yet"),
        "informed": marked("told"),
        "verified_gone": marked("told, and checked that it is gone"),
        "still_present": marked("told; it is still there and we follow it up"),
        "cannot_verify": marked("told; we cannot check it there"),
        "impossible": marked("cannot be told, or only with disproportionate effort"),
    }
)
"""By value of `InformOutcome`."""

ANY_PROOF: Final = marked(
    "Please answer from an address that we know, or tell us something that only you can know, such"
    " as an event in which you took part."
)
"""What the person is asked where the desk asks for nothing particular."""

WHY_LIFTED: Final = MappingProxyType(
    {
        "accuracy": marked("We have checked the data that you contested."),
        "unlawful": marked(
            "The reason for which you wanted us to keep the data, and not to use them, is gone."
        ),
        "legal_claims": marked("You no longer need the data for a legal claim."),
        "objection": marked("Your objection has been decided."),
    }
)
"""Why a restriction ends, by its ground, where the desk says nothing more."""
WHY_TAKEN_BACK: Final = marked("You have taken back your objection.")
"""Why the restriction of an objection ends that nobody had to decide."""
