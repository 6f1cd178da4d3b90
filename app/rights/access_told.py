"""What an access report is told from: one person, the copy of their data, the rules of the day."""

from dataclasses import dataclass

from app.documents.languages import Language
from app.domain.decider import Circumstances
from app.policy.model import Policy
from app.rights.access_names import Names
from app.rights.copy_of_data import Copy
from app.rights.person import Person


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that the parts are told from."""

    person: Person
    copy: Copy
    given: Circumstances
    names: Names
    spoken: Language

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.given.policy
