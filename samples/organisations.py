"""Twenty-five public authorities that do not exist, under `.example` (RFC 2606)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Organisation:
    """An employer of sample people; its country reads their national phone numbers."""

    name: str
    domain: str
    country: str
    """ISO 3166-1 alpha-2."""
    language: str
    """ISO 639-1."""


ORGANISATIONS: tuple[Organisation, ...] = (
    Organisation("Община Бялодол", "бялодол.example", "BG", "bg"),
    Organisation("Městský úřad Lipová Lhota", "lipova-lhota.example", "CZ", "cs"),
    Organisation("Egekøbing Kommune", "egekøbing.example", "DK", "da"),
    Organisation("Landkreis Hohenbrück", "hohenbrück.example", "DE", "de"),
    Organisation("Δήμος Καλλίβρυσης", "καλλίβρυση.example", "GR", "el"),
    Organisation("Ballyfern County Council", "ballyfern.example", "IE", "en"),
    Organisation("Ayuntamiento de Villarrobleda", "villarrobleda.example", "ES", "es"),
    Organisation("Rannavalla vald", "rannavalla.example", "EE", "et"),
    Organisation("Havulahden kaupunki", "havulahti.example", "FI", "fi"),
    Organisation("Métropole de Rivebelle", "rivebelle.example", "FR", "fr"),
    Organisation("Commune de Valmoulin", "valmoulin.example", "BE", "fr"),
    Organisation("Comhairle Ghleann Fuinseoige", "fuinseog.example", "IE", "ga"),
    Organisation("Grad Borovnik", "grad.borovnik.example", "HR", "hr"),
    Organisation("Tölgyesvár Város Önkormányzata", "tolgyesvar.example", "HU", "hu"),
    Organisation("Comune di Roccalieta", "comune.roccalieta.example", "IT", "it"),
    Organisation("Beržupės savivaldybė", "berzupe.example", "LT", "lt"),
    Organisation("Ozolkalna novads", "ozolkalns.example", "LV", "lv"),
    Organisation("Kunsill Lokali Ħal Sajjied", "hal-sajjied.example", "MT", "mt"),
    Organisation("Gemeente Noorderwaard", "noorderwaard.example", "NL", "nl"),
    Organisation("Urząd Gminy Lipowiec Mały", "lipowiec-maly.example", "PL", "pl"),
    Organisation("Câmara Municipal de Vale do Freixo", "vale-do-freixo.example", "PT", "pt"),
    Organisation("Primăria Stejărenii Noi", "stejarenii-noi.example", "RO", "ro"),
    Organisation("Mesto Brezová Dolina", "brezova-dolina.example", "SK", "sk"),
    Organisation("Občina Lipov Gaj", "lipov-gaj.example", "SI", "sl"),
    Organisation("Granholmens kommun", "granholmen.example", "SE", "sv"),
)
