"""Cookie choices: proved, equal both ways, asked again after months; no choice is a no (L18, C21).

A stream holds the choices of one anonymous visitor. Nothing in it says who that is, and no stream
of a person refers to it: the policy promises never to attach such data to anybody (C19).
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from app.domain.days import day_of
from app.domain.decider import Circumstances, Decider, Refusal
from app.events.cookies import (
    CookieAnswer,
    CookieCategory,
    CookieChoiceRecorded,
    CookieMethod,
)
from app.events.recorded import Record, Recorded
from app.identifiers import is_word
from app.policy.durations import Duration
from app.values import Value, replace


class CookieChoiceInvalid(Refusal):
    """What was handed over is no choice: browser settings, silence, surfing on, a ticked box."""

    code = "cookie-choice-invalid"
    rules = ("C21", "L18", "L13")


class CookieConsentMissing(Refusal):
    """No choice that holds allows it: none was made before it, it was a no, or it is too old."""

    code = "cookie-consent-missing"
    rules = ("C17", "C21", "L18")


class Choice(Value, frozen=True, kw_only=True):
    """One choice; what it does not name was not accepted."""

    version: int
    banner: str
    language: str
    categories: Mapping[str, CookieAnswer]
    cookies: Mapping[str, CookieAnswer]
    """By `category.cookie`: an answer about one counts for its category and no other."""
    since: datetime
    ask_again_on: date

    def holds(self, on: date) -> bool:
        """Whether it need not be asked again yet."""
        return on < self.ask_again_on

    def allows(self, category: str, cookie: str | None) -> bool:
        """Whether it accepts the category, or the single cookie where that was asked about.

        A cookie is named as in the choice, or by its own word alone.
        """
        if cookie is None:
            return self.categories.get(category) is CookieAnswer.ACCEPTED
        of_category = f"{category}."
        single = self.cookies.get(of_category + cookie.removeprefix(of_category))
        if single is None and self.cookies.get(cookie) is CookieAnswer.REFUSED:
            return False  # said before its category was named with it: a no is a no in each
        return (single or self.categories.get(category)) is CookieAnswer.ACCEPTED


class CookieState(Value, frozen=True, kw_only=True):
    """The choices of one visitor, oldest first."""

    version: int = 0
    leaf_hash: bytes | None = None
    last_at: datetime | None = None
    choices: tuple[Choice, ...] = ()

    def choice_at(self, moment: datetime) -> Choice | None:
        """The choice that stood at a moment."""
        made = [one for one in self.choices if one.since <= moment]
        return made[-1] if made else None


class ChooseCookies(Value, frozen=True, kw_only=True):
    """A visitor chooses; a category that is not named is refused."""

    banner: str
    language: str
    method: str
    categories: Mapping[str, CookieAnswer]
    cookies: Mapping[str, CookieAnswer]


def decide(command: ChooseCookies, state: CookieState, given: Circumstances) -> tuple[Record, ...]:
    """The proof of a choice; none when the same one stands and is not due to be asked again."""
    flaws = tuple(_flaws(command))
    if flaws:
        raise CookieChoiceInvalid(invalid=flaws)
    today = day_of(given.now, given)
    months = given.law.number("consent.cookie_months", today)
    refused = dict.fromkeys((one.value for one in CookieCategory), CookieAnswer.REFUSED)
    event = CookieChoiceRecorded(
        banner=command.banner,
        language=command.language,
        policy=given.policy.version,
        method=CookieMethod(command.method),
        categories={**refused, **command.categories},
        cookies=dict(command.cookies),
        ask_again_on=Duration(months=months).after(today),
    )
    last = state.choice_at(given.now)
    if last is not None and last.holds(today) and _same(last, event):
        return ()
    return (Record(event),)


def _flaws(command: ChooseCookies) -> list[str]:
    checks = {
        "method": command.method in _METHODS,
        "banner": _BANNER.fullmatch(command.banner) is not None,
        "language": is_word(command.language),
        "categories": set(command.categories) <= _CATEGORIES and bool(command.categories),
        "cookies": all(map(_of_a_category, command.cookies)),
    }
    return [name for name, sound in checks.items() if not sound]


def _of_a_category(name: str) -> bool:
    category, dot, cookie = name.partition(".")
    return category in _CATEGORIES and bool(dot and cookie) and is_word(name)


_BANNER = re.compile(r"banner-[0-9]{1,6}")
"""A version and nothing else: whatever a caller could write there would stay in the log."""
_METHODS = frozenset(CookieMethod)
_CATEGORIES = frozenset(CookieCategory)


def _same(choice: Choice, event: CookieChoiceRecorded) -> bool:
    known = (choice.banner, choice.language, choice.categories, choice.cookies)
    return known == (event.banner, event.language, event.categories, event.cookies)


def admit_cookie(
    state: CookieState,
    category: CookieCategory,
    cookie: str | None,
    *,
    moment: datetime,
    given: Circumstances,
) -> Choice:
    """The choice that allows something to be set or read at a moment; refused without one."""
    choice = state.choice_at(moment)
    if choice is None:
        raise CookieConsentMissing(category=category.value, reason="none")
    if not choice.holds(day_of(moment, given)):
        raise CookieConsentMissing(category=category.value, reason="expired")
    if not choice.allows(category, cookie):
        raise CookieConsentMissing(category=category.value, reason="refused")
    return choice


def evolve(state: CookieState, recorded: Recorded[Any]) -> CookieState:
    """The visitor's choices after one more event."""
    event: CookieChoiceRecorded = recorded.event
    choice = Choice(
        version=recorded.version,
        banner=event.banner,
        language=event.language,
        categories=event.categories,
        cookies=event.cookies,
        since=recorded.recorded_at,
        ask_again_on=event.ask_again_on,
    )
    return replace(
        state,
        version=recorded.version,
        leaf_hash=recorded.leaf_hash,
        last_at=recorded.recorded_at,
        choices=(*state.choices, choice),
    )


COOKIES: Decider[ChooseCookies, CookieState] = Decider(CookieState(), decide, evolve)
