"""A provision of the GDPR as each language quotes it: `Art. 17(3)(b)` is `artikel 17.3 b`."""

import re
from typing import Final

from app.documents.languages import Language, marked

_PROVISION: Final = re.compile(r"Art\. (\d+)(?:\((\d+)\))?(?:\(([a-z])\))?(?: GDPR)?")

_JUDGMENT: Final = re.compile(r"CJEU (C-\d+/\d+)")

ARTICLE: Final = marked("Art. {article}")
PARAGRAPH: Final = marked("Art. {article}({paragraph})")
POINT: Final = marked("Art. {article}({paragraph})({letter})")
JUDGMENT: Final = marked("CJEU {case}")


def provision(text: str, spoken: Language) -> str:
    """The provision in the language, or several of them; a text that is none as it is."""
    if "; " in text:
        return "; ".join(provision(one, spoken) for one in text.split("; "))
    found = _PROVISION.fullmatch(text.strip())
    if found is None:
        case = _JUDGMENT.fullmatch(text.strip())
        return spoken.say(JUDGMENT, case=case[1]) if case else text
    article, paragraph, letter = found.groups()
    if paragraph is None:
        return spoken.say(ARTICLE, article=article)
    if letter is None:
        return spoken.say(PARAGRAPH, article=article, paragraph=paragraph)
    return spoken.say(POINT, article=article, paragraph=paragraph, letter=letter)
