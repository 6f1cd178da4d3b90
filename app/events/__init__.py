"""The language of the ledger: this package declares every event type, one line a module."""

from app.events import breaches as breaches
from app.events import collections as collections
from app.events import consents as consents
from app.events import consultations as consultations
from app.events import cookies as cookies
from app.events import disclosures as disclosures
from app.events import epochs as epochs
from app.events import erasures as erasures
from app.events import files as files
from app.events import findings as findings
from app.events import holds as holds
from app.events import identifiers as identifiers
from app.events import interests as interests
from app.events import keyring as keyring
from app.events import links as links
from app.events import log_origins as log_origins
from app.events import mailboxes as mailboxes
from app.events import mails as mails
from app.events import merges as merges
from app.events import notices as notices
from app.events import objections as objections
from app.events import photos as photos
from app.events import policies as policies
from app.events import receivers as receivers
from app.events import registers as registers
from app.events import relationships as relationships
from app.events import restrictions as restrictions
from app.events import retention as retention
from app.events import rights_requests as rights_requests
from app.events import sign_ups as sign_ups
from app.events import splits as splits
from app.events import storage as storage
from app.events import subjects as subjects
from app.events import suppressions as suppressions
from app.events import system_accounts as system_accounts
from app.events import transmissions as transmissions
from app.events.declare import registry

EVENT_TYPES = registry()
"""Wire name -> declaration, of every event type there is."""
