"""The facts of an event as people read them: what each is called, and the words of its value.

A word may mean one thing as the ground of a restriction and another as the right that was asked
for, so words stand under the fact that they are a value of.
"""

from types import MappingProxyType
from typing import Final

from app.documents.languages import marked

FIELDS: Final = MappingProxyType[str, str](
    {
        "account": marked("account"),
        "actor": marked("by whom"),
        "answers": marked("answered by"),
        "approved_by": marked("approved by"),
        "attempts": marked("attempts"),
        "audience": marked("who is told"),
        "basis": marked("legal ground"),
        "blobs": marked("locked parts"),
        "body": marked("message"),
        "categories": marked("categories"),
        "category": marked("category"),
        "cause": marked("cause"),
        "channel": marked("channel"),
        "classes": marked("retention classes"),
        "code": marked("what it is"),
        "collected_at": marked("collected"),
        "contribution": marked("contribution"),
        "country": marked("country"),
        "decided_by": marked("decided by"),
        "digest": marked("fingerprint"),
        "dropped": marked("left out"),
        "due": marked("due"),
        "due_on": marked("due on"),
        "ends_on": marked("ends on"),
        "erased": marked("to be erased"),
        "erasure": marked("erasure"),
        "evidence": marked("evidence"),
        "extended": marked("with more time"),
        "failure": marked("what went wrong"),
        "field_classes": marked("kinds of field"),
        "file": marked("file"),
        "finding": marked("question"),
        "generation": marked("the period runs with"),
        "generations": marked("the periods run with"),
        "ground": marked("ground"),
        "grounds": marked("grounds"),
        "held": marked("kept as"),
        "hold": marked("legal hold"),
        "holds": marked("legal holds"),
        "identifier": marked("identifier"),
        "identifiers": marked("ways to find you"),
        "into": marked("joined with"),
        "keys": marked("destroyed keys"),
        "kind": marked("kind"),
        "language": marked("language"),
        "late": marked("after the last day"),
        "law": marked("version of the rules"),
        "letter": marked("letter"),
        "level": marked("level"),
        "mail": marked("message"),
        "matter": marked("about"),
        "mechanism": marked("transfer ground"),
        "member": marked("member"),
        "merge": marked("joining of records"),
        "message": marked("fingerprint of the message"),
        "method": marked("method"),
        "minimum_age": marked("lowest age"),
        "objection": marked("objection"),
        "occasion": marked("occasion"),
        "organisation": marked("organisation"),
        "origin": marked("origin"),
        "other": marked("other record"),
        "outcome": marked("outcome"),
        "paused_days": marked("days not counted"),
        "permanent": marked("for good"),
        "photo": marked("photograph"),
        "policy": marked("policy version"),
        "profile": marked("extent"),
        "proof": marked("proof of identity"),
        "proof_at": marked("entry with the proof"),
        "purpose": marked("purpose"),
        "purposes": marked("purposes"),
        "reason": marked("reason"),
        "receiver": marked("receiver"),
        "recipient": marked("recipient"),
        "recipients": marked("recipients"),
        "request": marked("request"),
        "resolution": marked("result"),
        "restriction": marked("restriction"),
        "restriction_lasts": marked("the restriction goes on"),
        "retained": marked("kept back"),
        "retention_class": marked("retention class"),
        "retention_classes": marked("retention classes"),
        "right": marked("right"),
        "root": marked("fingerprint of all parts"),
        "sent": marked("fingerprint of what was sent"),
        "serial": marked("links work from number"),
        "side": marked("this record"),
        "sign_up": marked("sign-up"),
        "since": marked("since"),
        "size": marked("size in bytes"),
        "source": marked("source"),
        "split": marked("separation of records"),
        "status": marked("status"),
        "step": marked("step"),
        "stranger": marked("of somebody unknown"),
        "subject": marked("record"),
        "supersedes": marked("replaces entries"),
        "supplements": marked("adds to entries"),
        "system": marked("system"),
        "task": marked("task"),
        "told_by": marked("told by"),
        "told_with": marked("told with"),
        "transmission": marked("transmission"),
        "trigger": marked("brought about by"),
        "unsubscribe": marked("with a link to unsubscribe"),
        "until": marked("until"),
        "value_at": marked("entry with the value"),
        "verification": marked("confirmed by"),
        "versions": marked("entries"),
        "wording": marked("fingerprint of the wording"),
    }
)
"""By fact: what it is called. Every fact of an event of a person is here."""

VALUES: Final = MappingProxyType[str, MappingProxyType[str, str]](
    {
        "actor": MappingProxyType(
            {
                "self": marked("yourself"),
                "desk": marked("at the desk"),
            }
        ),
        "audience": MappingProxyType(
            {
                "search_engines": marked("search engines"),
                "controllers": marked("others who published it"),
            }
        ),
        "cause": MappingProxyType(
            {
                "person": marked("yourself"),
                "complaint": marked("a complaint about a mail"),
                "undeliverable": marked("mail did not arrive"),
                "withdrawal": marked("consent withdrawn"),
                "unsubscribe": marked("unsubscribed"),
                "objection": marked("an objection"),
                "erasure": marked("an erasure"),
                "period_over": marked("the period was over"),
                "newer_keyring": marked("destroyed before, and again in a backup"),
                "key_lost": marked("the key was lost or damaged"),
            }
        ),
        "channel": MappingProxyType(
            {
                "smtp": marked("e-mail"),
                "hand": marked("by hand"),
                "api": marked("by a program"),
            }
        ),
        "code": MappingProxyType(
            {
                "identity-collision": marked("two people share an address"),
                "possible-duplicate": marked("perhaps the same person twice"),
                "unverified-change": marked("a change that nobody confirmed"),
                "child-data": marked("data of a child"),
                "unknown-material": marked("data in a system that nobody knew"),
                "address_refused": marked("the address was refused"),
            }
        ),
        "failure": MappingProxyType(
            {
                "address_refused": marked("the address was refused"),
                "message_refused": marked("the message was refused"),
                "exhausted": marked("no attempt got through"),
                "unreadable": marked("it could not be read any more"),
            }
        ),
        "field_classes": MappingProxyType(
            {
                "contact": marked("contact"),
                "internal": marked("internal"),
                "financial": marked("payment"),
                "identity": marked("identity"),
                "image": marked("image"),
                "signature": marked("signature"),
                "network": marked("network"),
                "content": marked("content"),
                "public": marked("published"),
            }
        ),
        "generation": MappingProxyType({"membership": marked("your taking part")}),
        "generations": MappingProxyType({"membership": marked("your taking part")}),
        "ground": MappingProxyType(
            {
                "a12_complexity": marked("the request is complex"),
                "a12_high_volume": marked("there are many requests"),
                "legal_claims": marked("legal claims"),
                "audit": marked("an audit"),
                "investigation": marked("an investigation"),
                "control": marked("both addresses answered"),
                "statement": marked("your statement"),
                "comparison": marked("a comparison of the records"),
                "direct_marketing": marked("direct marketing"),
                "own_situation": marked("your own situation"),
                "a12_manifestly_unfounded": marked("manifestly unfounded"),
                "a12_manifestly_excessive": marked("excessive"),
                "a12_malicious_intent": marked("made to do harm"),
                "a12_lack_of_intent": marked("not meant as a request"),
                "a12_identity_failure": marked("the identity could not be proved"),
                "a17_freedom_of_expression": marked("freedom of expression"),
                "a17_legally_required": marked("the law demands the data"),
                "a17_public_interest": marked("public interest"),
                "a17_official_authority": marked("official authority"),
                "a17_public_health": marked("public health"),
                "a17_archiving": marked("archiving"),
                "a17_legal_claims": marked("legal claims"),
                "third_party_rights_impaired": marked("rights of others"),
                "legitimate_interest_override": marked("compelling interests of ours"),
                "contest_accuracy": marked("the accuracy is disputed"),
                "right_not_applicable": marked("the right does not apply here"),
            }
        ),
        "kind": MappingProxyType(
            {
                "consent_confirmation": marked("question to confirm a consent"),
                "answer": marked("answer to a request"),
                "notice": marked("notice about your data"),
                "policy_change": marked("a new policy"),
                "breach": marked("notice of a data breach"),
                "objection": marked("objection"),
                "restriction": marked("restriction"),
                "suppression": marked("no more mail"),
                "refusal": marked("refusal"),
                "inform_recipient": marked("tell a recipient"),
                "deactivate_account": marked("close an account"),
                "look_into_system": marked("look into a system"),
                "ask_engines": marked("ask search engines"),
            }
        ),
        "method": MappingProxyType(
            {
                "double_opt_in": marked("confirmed by e-mail"),
                "written": marked("in writing"),
                "import": marked("taken over from a list"),
            }
        ),
        "outcome": MappingProxyType(
            {
                "fulfilled": marked("fulfilled"),
                "partly_fulfilled": marked("fulfilled in part"),
                "nothing_held": marked("nothing is held"),
                "done": marked("done"),
                "self_done": marked("done by yourself"),
                "impossible": marked("not possible"),
                "disproportionate": marked("only with disproportionate effort"),
                "not_concerned": marked("has no such data"),
            }
        ),
        "profile": MappingProxyType(
            {
                "legal": marked("what the law grants"),
                "promised": marked("all that the policy promises"),
            }
        ),
        "proof": MappingProxyType(
            {
                "address_on_file": marked("the address on record"),
                "login": marked("a login"),
                "link": marked("a link that we sent"),
                "callback": marked("a call back"),
                "in_person": marked("in person"),
                "electronic_identity": marked("an electronic identity"),
                "known_facts": marked("facts that only you know"),
            }
        ),
        "reason": MappingProxyType(
            {
                "absolute": marked("the right is absolute"),
                "upheld": marked("you are right"),
                "silence": marked("the last day passed without a decision"),
                "unknown": marked("not known here"),
                "unproven": marked("not proved"),
                "unapproved": marked("not approved"),
                "withdrawn": marked("approval taken back"),
                "gone": marked("no longer there"),
                "status": marked("answered with an error"),
                "redirect": marked("sent us elsewhere"),
                "timeout": marked("did not answer in time"),
                "unreachable": marked("could not be reached"),
                "destination_refused": marked("an address to which nothing is sent"),
                "receiver_withdrawn": marked("approval taken back"),
            }
        ),
        "resolution": MappingProxyType(
            {
                "confirmed": marked("it is so"),
                "unfounded": marked("it is not so"),
                "remedied": marked("put right"),
            }
        ),
        "right": MappingProxyType(
            {
                "access": marked("access"),
                "rectification": marked("correction"),
                "erasure": marked("erasure"),
                "restriction": marked("restriction"),
                "portability": marked("data portability"),
                "objection": marked("objection"),
                "deactivate_account": marked("close an account"),
                "other": marked("another wish"),
            }
        ),
        "role": MappingProxyType(
            {
                "controller": marked("decides by itself"),
                "public": marked("everybody"),
            }
        ),
        "side": MappingProxyType(
            {
                "survivor": marked("the one that stays"),
                "absorbed": marked("the one that is joined to it"),
                "origin": marked("the one that was separated"),
                "offshoot": marked("the new one"),
            }
        ),
        "step": MappingProxyType(
            {
                "subject": marked("the person's data"),
                "closing": marked("what was left until all were told"),
            }
        ),
        "told_by": MappingProxyType(
            {
                "api": marked("by a program"),
            }
        ),
        "trigger": MappingProxyType(
            {
                "request": marked("your request"),
                "policy_change": marked("a new policy"),
                "child_data": marked("data of a child"),
                "unlawful": marked("the use was unlawful"),
                "person": marked("yourself"),
                "representative": marked("somebody who acts for you"),
            }
        ),
        "verification": MappingProxyType(
            {
                "link": marked("a link that we sent"),
                "reply": marked("an answer from there"),
                "desk": marked("at the desk"),
                "system": marked("a system with a login"),
            }
        ),
    }
)
"""By fact, by value: where a word is not what `vocabulary.WORDS` says of it, or not there."""
