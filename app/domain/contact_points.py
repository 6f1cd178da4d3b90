"""E-mail addresses (RFC 5321, 6531) and phone numbers (E.164) in the one form kept (C7, C8)."""

import re
import unicodedata

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from app.domain.text_values import Flaw, ValueInvalid, normalise_line

EMAIL_CATEGORY = "contact.email"
PHONE_CATEGORY = "contact.phone"
EMAIL_LENGTH_MAX = 254
LOCAL_PART_LENGTH_MAX = 64
PHONE_LENGTH_MAX = 64

# The address of every day, in the letters of the languages of the Union, is recognised without the
# library, in a tenth of the time and less. What the patterns do not settle (other scripts, `--` in
# a label, a special-use domain, an international top level) goes to the library, and a property
# test holds the two to the same answer. Each letter is itself under NFC, lowering and IDNA.
_LETTERS = "ßà-öø-ÿāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįĵķĺļľłńņňŋōŏőœŕŗřśŝşšţťũūŭůűųŵŷźżžșțΐά-ώа-џ"
_ATOM = rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~{_LETTERS}-]+"
_ALPHANUMERIC = f"[a-z0-9{_LETTERS}]"
_LABEL = rf"{_ALPHANUMERIC}(?:[a-z0-9{_LETTERS}-]{{0,61}}{_ALPHANUMERIC})?"
_PLAIN_EMAIL = re.compile(
    rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>(?:{_LABEL}\.)+[a-z]{{2,63}})"
)
_A_LABEL_OVERHEAD = 5
"""`xn--` and a delimiter."""
_A_LABEL_DIGITS_MORE = 4
"""Of a letter beyond ASCII: within these scripts no delta of RFC 3492 takes more than 5 digits."""
_A_LABEL_LENGTH_MAX = 63
_SPECIAL_DOMAIN = re.compile(
    r"(?:.*\.)?(?:" + "|".join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES)) + ")"
)
_PHONE_CHARACTERS = re.compile(r"[+\uff0b]?[\d\s()./\-\u2010-\u2015\u2212]+")

# Mailboxes named after a function (RFC 2142 and usage in the languages of the Union), without
# diacritics: behind them stand changing people, so that none of them can be told by one.
_ROLE_WORDS = """
    abuse accounting accounts admin administration administrator all billing board bookings
    communication communications compliance contact contactus customerservice dataprotection desk
    donotreply dpo enquiries enquiry event events everyone feedback finance frontdesk ftp general
    hello help helpdesk hostmaster hr info information inquiries invoice invoices it jobs legal
    listserv mail mailbox mailerdaemon mailinglist majordomo management marketing media membership
    news newsletter noc noreply notifications office officemanager ops orders payments people post
    postmaster postroom press privacy procurement projects purchasing reception recruitment
    registration registrations registry reply root sales secretariat secretary security service
    services staff subscribe support survey sysadmin team tickets training travel unsubscribe
    usenet webadmin webmaster welcome www
    informacja informacje informacija informatie information informatika informations
    informace informacie informazioni informacion informacao informatii informatsiya
    kontakt kontakte kontakti contacto contacts contato contatti contatto contattaci contactez
    contacteer yhteys yhteystiedot kapcsolat kontaktai teagmhail kuntatt epikoinonia
    kansli kansliet kancelaria kancelar kancelarie kancelaria kanceleja kanceliarija kantselei
    kanslia kanzlei kabinett
    sekretariat sekretariatet sekretariatas sekretariats secretariaat secretaria secretariado
    segreteria secretariat sekretariaat sihteeristo titkarsag tajnistvo tajnik runaiocht
    segretarjat grammateia
    registrator registratur registratura registratuur kirjaamo podatelna podatelnia iktato
    pisarna poststelle posteingang posta postfach postmottagning urad ured
    buero buro bureau oficina oficinas escritorio ufficio biuro birojs biuras toimisto iroda
    kontor kontoret kontora oifig
    redaktion redactie redaction redazione redaccion redakcja redakce
    rezeption empfang recepcja recepce recepcion recepcao accueil onthaal vastaanotto
    presse prensa stampa imprensa prasa pers lehdisto sajto
    rechnung rechnungen facture factures facturation faktura fakturor fattura fatture factura
    facturacion lasku laskut
    verwaltung personal personale personel ressourceshumaines rrhh
    datenschutz privatnost gegevensbescherming tietosuoja dataskydd dpd rgpd gdpr
    informatsia ofis
    инфо информация контакт контакти офис секретариат деловодство канцелария регистратура
    πληροφοριες επικοινωνια γραμματεια πρωτοκολλο
"""
_ROLES = frozenset(_ROLE_WORDS.split())
_ROLE_SEPARATOR = re.compile(r"[._-]+")


def normalise_email(value: str, *, category: str = EMAIL_CATEGORY) -> str:
    """Lower case, NFC, the domain in Unicode; a ``+tag`` stays, since it is part of the address.

    The syntax alone is checked, never DNS. Case is removed by lowering, not by full case folding:
    folding would write ``ß`` as ``ss`` and so turn the address into another person's.
    """
    line = normalise_line(value, category=category, length_max=EMAIL_LENGTH_MAX).lower()
    if _is_plain(line):
        return line
    try:
        normalised = validate_email(
            line, check_deliverability=False, allow_smtputf8=True, strict=True
        ).normalized
    except EmailNotValidError:
        normalised = ""
    if not normalised:  # raised outside the handler: the library's exception quotes the address
        raise ValueInvalid(category, Flaw.NOT_AN_EMAIL_ADDRESS)
    return normalised


def _is_plain(line: str) -> bool:
    match = _PLAIN_EMAIL.fullmatch(line)
    return (
        match is not None
        and len(match["local"]) <= LOCAL_PART_LENGTH_MAX
        and "--" not in match["domain"]
        and _SPECIAL_DOMAIN.fullmatch(match["domain"]) is None
        and (line.isascii() or _fits_as_ascii(line, match["domain"]))
    )


def _fits_as_ascii(line: str, domain: str) -> bool:
    """Whether the address and its labels surely keep within the limits once written for the DNS."""
    lengths = [_a_label_length_most(label) for label in domain.split(".")]
    room = EMAIL_LENGTH_MAX - len(line.encode())
    return max(lengths) <= _A_LABEL_LENGTH_MAX and sum(lengths) - len(domain) < room


def _a_label_length_most(label: str) -> int:
    if label.isascii():
        return len(label)
    beyond = len(label.encode()) - len(label)  # each letter of the patterns takes two bytes
    return len(label) + _A_LABEL_DIGITS_MORE * beyond + _A_LABEL_OVERHEAD


def is_role_address(value: str) -> bool:
    """Whether the mailbox is named after a function (info@, kansli@, press.office@).

    Such an address identifies nobody. Diacritics, a ``+tag``, separators and trailing digits make
    no difference, and the first word decides: ``info.brussels@`` is a role, ``anna.press@`` is not.
    """
    local = value.strip().lower().partition("@")[0].partition("+")[0]
    letters = (local if local.isascii() else _without_marks(local)).rstrip("0123456789")
    words = [word for word in _ROLE_SEPARATOR.split(letters) if word]
    return bool(words) and (words[0] in _ROLES or "".join(words) in _ROLES)


def _without_marks(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def normalise_phone(value: str, region: str | None, *, category: str = PHONE_CATEGORY) -> str:
    """E.164. A number in national format is read by ``region`` (ISO 3166-1 alpha-2), if given.

    A vanity number, an extension or words around the number are refused rather than dropped.
    """
    line = normalise_line(value, category=category, length_max=PHONE_LENGTH_MAX)
    flaw, number = _parsed_phone(line, region)
    if number is None:
        raise ValueInvalid(category, flaw)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _parsed_phone(line: str, region: str | None) -> tuple[Flaw, PhoneNumber | None]:
    if _PHONE_CHARACTERS.fullmatch(line) is None:
        return Flaw.NOT_A_PHONE_NUMBER, None
    try:
        number = phonenumbers.parse(line, region.upper() if region else None)
    except NumberParseException as error:
        national = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        missing = national and not line.startswith(("+", "\uff0b"))
        return (Flaw.REGION_MISSING if missing else Flaw.NOT_A_PHONE_NUMBER), None
    return Flaw.NOT_A_PHONE_NUMBER, number if phonenumbers.is_valid_number(number) else None
