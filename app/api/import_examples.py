"""What the body of an import looks like, as the document shows it: both forms, as they are sent."""

import json
from base64 import urlsafe_b64encode
from typing import Any, Final

LINES: Final[tuple[dict[str, Any], ...]] = (  # Any: a JSON value
    {
        "source": "azavista",
        "verification": "link",
        "obtained": [
            {
                "purpose": "network_exchange",
                "data": {"contact.name": "Ada Exempel", "contact.email": "ada@stad.example"},
            }
        ],
    },
    {
        "source": "azavista",
        "verification": "link",
        "obtained": [
            {
                "purpose": "network_exchange",
                "data": {"contact.name": "Bo Voorbeeld", "contact.email": "bo@stad.example"},
            }
        ],
    },
)

NDJSON_BODY: Final = "".join(json.dumps(line) + "\n" for line in LINES)

MAPPING: Final[dict[str, Any]] = {  # Any: a JSON value
    "source": "azavista",
    "verification": "link",
    "obtained": [
        {
            "purpose": "network_exchange",
            "data": {"contact.name": {"column": "Name"}, "contact.email": {"column": "E-mail"}},
        }
    ],
}

CSV_BODY: Final = "Name,E-mail\nAda Exempel,ada@stad.example\nBo Voorbeeld,bo@stad.example\n"

MAPPING_HEADER: Final = urlsafe_b64encode(json.dumps(MAPPING).encode()).decode().rstrip("=")
"""The mapping of that table as `Import-Mapping` carries it."""

BODY: Final[dict[str, Any]] = {  # Any: a JSON value
    "required": True,
    "description": "A stream of any length in UTF-8; it is read as it comes.",
    "content": {
        "application/x-ndjson": {
            "schema": {
                "type": "string",
                "description": "A person a line: each line is an object as `POST /v1/subjects`"
                " takes it, with the consents that come along. `application/jsonl` is the same.",
            },
            "example": NDJSON_BODY,
        },
        "text/csv": {
            "schema": {
                "type": "string",
                "description": "A person a row, the names of the columns in the first; what they"
                " mean is in the header `Import-Mapping`.",
            },
            "example": CSV_BODY,
        },
    },
}
