"""Reads a policy text together with its structure and the law, and lists what is wrong (L30)."""

from typing import Final

from app.policy.cues import LanguageUnknown, packaged_cues
from app.policy.findings import consent, damage, duties, systems
from app.policy.findings.finding import Case, Finding, Rule
from app.policy.model import Law, Policy
from app.policy.text import PolicyDocument
from app.policy.vocabulary import Severity

__all__ = ["RULES", "Finding", "lint"]

RULES: Final[tuple[Rule, ...]] = (
    damage.empty_bullets,
    systems.void_mechanism,
    consent.consent_by_registration,
    consent.consent_by_chat,
    consent.purpose_in_footnote,
    systems.stored_but_not_shared,
    duties.promise_not_kept,
    systems.list_without_categories,
    damage.repeated_paragraph,
    damage.stray_line,
    duties.undated,
    duties.periods_not_public,
    duties.no_authority,
    duties.no_officer,
    duties.interest_not_named,
    duties.no_withdrawal,
    duties.obligation_untold,
    duties.no_automation_statement,
    duties.rectification_misplaced,
    consent.browser_settings,
    consent.address_denied,
    systems.encryption_alone,
    damage.foreign_line,
    damage.names_aliased,
    consent.collected_without_reason,
    damage.two_names_for_one,
    systems.vendor_contradicted,
)
"""PL01 to PL27, in this order."""


def lint(policy: Policy, law: Law, document: PolicyDocument, language: str) -> tuple[Finding, ...]:
    """Every finding, at most one a rule, in the order of the codes.

    PL00 alone where no cue words of the language come with the program: nothing was looked for.
    """
    try:
        case = Case(policy, law, document, packaged_cues(language))
    except LanguageUnknown:
        return (_unread(language),)
    return tuple(found for rule in RULES if (found := rule(case)) is not None)


def _unread(language: str) -> Finding:
    return Finding(
        code="PL00",
        clauses=(),
        title="The text is in a language of which no words are known here",
        detail=f"Nothing was looked for in the text in '{language}': read it by eye, or add"
        f" app/policy/lint/{language}.toml.",
        severity=Severity.INCOMPLETE,
    )
