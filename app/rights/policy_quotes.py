"""The policy in the version and the language in which a person was shown it, quoted (C83, C77)."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from app.policy.model import Policy
from app.store.rulebook import Rulebook

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


async def policy_quotes(
    rulebook: Rulebook, shown: Iterable[tuple[str, str]], policy: Policy
) -> list[Value]:
    """Each text that the person was shown; the one in force where nobody showed any.

    ``text`` is None where the archive holds no text of that version in that language.
    """
    wanted = list(shown)
    seen = bool(wanted)
    if not wanted:
        wanted = [(policy.version, language) for language in policy.texts]
    return [await _quote(rulebook, version, language, seen=seen) for version, language in wanted]


async def _quote(rulebook: Rulebook, version: str, language: str, *, seen: bool) -> Value:
    text = await rulebook.policy_text(version, language)
    return {
        "policy": version,
        "language": language,
        "shown": seen,
        "text": None if text is None else text.decode("utf-8", "replace"),
    }
