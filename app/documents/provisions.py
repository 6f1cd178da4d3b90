"""A provision of the GDPR as each language quotes it: `Art. 17(3)(b)` is `artikel 17.3 b`."""

import re
from typing import Final

from app.documents.languages import Language, marked

_PROVISION: Final = re.compile(r"Art\. (\d+)(?:\((\d+)\))?(?:\(([a-z])\))?(?: GDPR)?")

ARTICLE: Final = marked("Art. {article}")
PARAGRAPH: Final = marked("Art. {article}({paragraph})")
POINT: Final = marked("Art. {article}({paragraph})({letter})")


def provision(text: str, spoken: Language) -> str:
    """The provision in the language; a text that is none as it is."""
    found = _PROVISION.fullmatch(text.strip())
    if found is None:
        return text
    article, paragraph, letter = found.groups()
    if paragraph is None:
        return spoken.say(ARTICLE, article=article)
    if letter is None:
        return spoken.say(PARAGRAPH, article=article, paragraph=paragraph)
    return spoken.say(POINT, article=article, paragraph=paragraph, letter=letter)
