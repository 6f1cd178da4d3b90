"""The outside systems that speak to the ledger, one line each."""

from collections.abc import Mapping

from app.connectors.connector import Connector
from app.connectors.mailchimp import MAILCHIMP

CONNECTORS: Mapping[str, Connector] = {connector.key: connector for connector in (MAILCHIMP,)}
"""By key."""
