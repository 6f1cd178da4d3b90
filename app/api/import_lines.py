"""What one line of an import says, and what is answered of it."""

from typing import Any

from pydantic import BaseModel, Field

from app.api.bodies import Body, DigestField, LanguageField, MomentField, ValueField, WordField
from app.api.subjects import RegistrationBody
from app.domain.consents import GiveConsent, ImportUnprovenConsent
from app.domain.evidence import Evidence, Wording
from app.propagation.importing import Line, LineStatus


class ImportedConsentBody(Body):
    """A consent with its evidence, or the bare claim that there was one (L16)."""

    purpose: WordField = Field(examples=["newsletter"])
    wording_sha256: DigestField | None = None
    language: LanguageField | None = None
    policy: WordField | None = None
    method: WordField | None = None
    occurred_at: MomentField | None = None
    evidence: ValueField | None = None

    def command(self, source: str) -> GiveConsent | ImportUnprovenConsent:
        """Complete evidence gives a consent; none at all leaves it unproven and not mailable."""
        given = (self.wording_sha256, self.language, self.policy, self.method, self.evidence)
        if not any(given):
            return ImportUnprovenConsent(purpose=self.purpose, source=source)
        evidence = Evidence(
            wording=Wording(
                digest=self.wording_sha256 or "",
                language=self.language or "",
                policy=self.policy or "",
            ),
            method=self.method or "",
            source=source,
            occurred_at=self.occurred_at,
            reference=self.evidence or "",
        )
        return GiveConsent(purpose=self.purpose, evidence=evidence)


class ImportLineBody(RegistrationBody):
    """One line: a person as for POST /v1/subjects, with the consents that come along."""

    consents: list[ImportedConsentBody] = Field(default_factory=list, max_length=20)

    def line(self) -> Line:
        """As it is carried out."""
        consents = tuple(consent.command(self.source) for consent in self.consents)
        return Line(self.command(), consents)


class LineResultBody(BaseModel):
    """What became of one line."""

    line: int = Field(description="From 1; in a table, the row: the names are row 1.", ge=1)
    status: LineStatus
    subject_id: str | None = Field(max_length=36)
    position: int | None = Field(ge=0)
    problem: dict[str, Any] | None = Field(description="RFC 9457, when the line was refused.")
