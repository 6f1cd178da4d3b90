"""Names and job titles in the 24 official languages of the Union, each in its own spelling."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """What people of one language may be called; family names agree with the person."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    women_family: tuple[str, ...]
    men_family: tuple[str, ...]
    job_titles: tuple[str, ...]
    family_first: bool = False


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split(", "))


def _names(women: str, men: str, family: str, job_titles: str) -> Names:
    return Names(_split(women), _split(men), _split(family), _split(family), _split(job_titles))


def _inflected(
    women: str, women_family: str, men: str, men_family: str, *, job_titles: str
) -> Names:
    return Names(
        _split(women), _split(men), _split(women_family), _split(men_family), _split(job_titles)
    )


NAMES: Mapping[str, Names] = {
    "bg": _inflected(
        "Мария, Елена, Иванка, Десислава, Цветелина, Йорданка",
        "Иванова, Петрова, Георгиева, Димитрова, Стоянова, Щерева",
        "Георги, Иван, Димитър, Николай, Стефан, Йордан",
        "Иванов, Петров, Георгиев, Димитров, Стоянов, Щерев",
        job_titles="Главен експерт, Управление на проекти, Юрисконсулт, Началник отдел",
    ),
    "cs": _inflected(
        "Jana, Eva, Lenka, Kateřina, Žaneta, Růžena",
        "Nováková, Svobodová, Dvořáková, Černá, Procházková, Křížová",
        "Jan, Petr, Tomáš, Jiří, Ondřej, Zdeněk",
        "Novák, Svoboda, Dvořák, Černý, Procházka, Kříž",
        job_titles="Vedoucí odboru, Řízení projektů, Právní oddělení, Veřejné zakázky",
    ),
    "da": _names(
        "Mette, Kirsten, Sofie, Astrid, Bodil, Maren",
        "Lars, Søren, Jørgen, Mads, Bjørn, Åge",
        "Nielsen, Jensen, Sørensen, Østergaard, Møller, Kjær",
        "Fuldmægtig, Projektleder, Kontorchef, Jurist",
    ),
    "de": _names(
        "Änne, Käthe, Sabine, Jutta, Lieselotte, Frauke",
        "Jürgen, Götz, Björn, Heiko, Uwe, Matthias",
        "Müller, Weiß, Schröder, Größler, Jäger, Vogel",
        "Sachbearbeitung, Projektleitung, Referatsleitung, Justiziariat",
    ),
    "el": _inflected(
        "Ελένη, Μαρία, Αικατερίνη, Βασιλική, Σοφία, Δήμητρα",
        "Παπαδοπούλου, Γεωργίου, Νικολάου, Οικονόμου, Δημητρίου, Αγγελή",
        "Γεώργιος, Δημήτρης, Κωνσταντίνος, Νίκος, Ιωάννης, Χρήστος",
        "Παπαδόπουλος, Γεωργίου, Νικολάου, Οικονόμου, Δημητρίου, Αγγελής",
        job_titles="Σύμβουλος, Διαχείριση έργων, Νομική υποστήριξη, Συντονισμός δικτύου",
    ),
    "en": _names(
        "Grace, Emily, Chloe, Hannah, Siobhan, Zoë",
        "James, Oliver, Conor, Thomas, Liam, Seán",
        "Murphy, Walsh, O'Connor, Byrne, Smith-Doyle, Kelly",
        "Policy Officer, Project Manager, Head of Unit, Legal Adviser",
    ),
    "es": _names(
        "Begoña, Lucía, María José, Nuria, Ángela, Leticia",
        "Íñigo, José María, Ángel, Iñaki, Jesús, Raúl",
        "Muñoz, Ibáñez, Peña García, Núñez, Castaño, López Güell",
        "Gestión de proyectos, Asesoría jurídica, Jefatura de servicio, Coordinación",
    ),
    "et": _names(
        "Kadri, Liis, Maarja, Õie, Ülle, Tiiu",
        "Jaan, Mart, Tõnu, Ülo, Rein, Andres",
        "Tamm, Saar, Sepp, Mägi, Kask, Põld",
        "Nõunik, Projektijuht, Osakonnajuhataja, Jurist",
    ),
    "fi": _names(
        "Aino, Helmi, Päivi, Kaisa, Sirpa, Lempi",
        "Matti, Juhani, Väinö, Eero, Pekka, Yrjö",
        "Virtanen, Korhonen, Mäkinen, Nieminen, Hämäläinen, Yli-Rantala",
        "Erityisasiantuntija, Projektipäällikkö, Yksikön päällikkö, Lakimies",
    ),
    "fr": _names(
        "Chloé, Hélène, Agnès, Françoise, Maëlle, Anaïs",
        "François, Jérôme, Loïc, Noël, Théo, Jean-Baptiste",
        "Lefèvre, Dubois, Béranger, Gauthier, d'Aubigné, Lecœur",
        "Gestion de projets, Juriste, Responsable de service, Affaires européennes",
    ),
    "ga": _inflected(
        "Aoife, Bríd, Caoimhe, Gráinne, Sorcha, Róisín",
        "Ní Bhriain, Ní Chonchúir, Ní Mhurchú, Ní Dhomhnaill, Ní Shúilleabháin, Ní Néill",
        "Cormac, Éamonn, Fionn, Pádraig, Seán, Tomás",
        "Ó Briain, Ó Conchúir, Ó Murchú, Ó Domhnaill, Ó Súilleabháin, Ó Néill",
        job_titles="Oifigeach beartais, Bainisteoir tionscadail, Ceann aonaid, Comhairleoir dlí",
    ),
    "hr": _names(
        "Ana, Marija, Ivana, Petra, Željka, Đurđica",
        "Ivan, Marko, Josip, Luka, Krešimir, Šime",
        "Horvat, Kovačević, Babić, Marić, Jurić, Šarić",
        "Upravljanje projektima, Pravna služba, Javna nabava, Međunarodna suradnja",
    ),
    "hu": Names(
        women=_split("Réka, Zsófia, Eszter, Ágnes, Katalin, Piroska"),
        men=_split("Gábor, László, Zoltán, Ákos, Béla, Győző"),
        women_family=_split("Nagy, Kovács, Tóth, Szabó, Szűcs, Őri"),
        men_family=_split("Nagy, Kovács, Tóth, Szabó, Szűcs, Őri"),
        job_titles=_split("Projektvezető, Főosztályvezető, Jogtanácsos, Szakreferens"),
        family_first=True,
    ),
    "it": _names(
        "Giulia, Chiara, Francesca, Beatrice, Ilaria, Desirée",
        "Niccolò, Matteo, Salvatore, Alessio, Pietro, Giosuè",
        "Rossi, D'Angelo, De Santis, Colombo, Cefalù, Bruni",
        "Coordinamento progetti, Ufficio legale, Responsabile di settore, Affari europei",
    ),
    "lt": _inflected(
        "Rūta, Eglė, Živilė, Jūratė, Aušra, Daiva",
        "Kazlauskienė, Petrauskaitė, Žukauskienė, Stankevičiūtė, Šimkutė, Jankauskienė",
        "Jonas, Kęstutis, Žygimantas, Ąžuolas, Šarūnas, Mindaugas",
        "Kazlauskas, Petrauskas, Žukauskas, Stankevičius, Šimkus, Jankauskas",
        job_titles="Projektų valdymas, Teisės skyrius, Strategijos grupė, Viešieji pirkimai",
    ),
    "lv": _inflected(
        "Līga, Ilze, Dace, Māra, Žanete, Aļona",
        "Bērziņa, Kalniņa, Ozola, Liepiņa, Krūmiņa, Šmite",
        "Jānis, Andris, Ēriks, Ģirts, Mārtiņš, Uģis",
        "Bērziņš, Kalniņš, Ozols, Liepiņš, Krūmiņš, Šmits",
        job_titles="Projektu vadība, Juridiskā nodaļa, Politikas koordinācija, Iepirkumi",
    ),
    "mt": _names(
        "Ġorġa, Marija, Ċettina, Konċetta, Lucija, Tereża",
        "Ġorġ, Ċikku, Ġużeppi, Żaren, Pawlu, Mikiel",
        "Borg, Camilleri, Żammit, Farruġia, Micallef, Galea",
        "Uffiċjal tal-proġetti, Kap tat-taqsima, Konsulent legali, Koordinazzjoni",
    ),
    "nl": _names(
        "Sanne, Fleur, Anouk, Roos, Mieke, Zoë",
        "Daan, Bram, Joost, Sjoerd, Koen, André",
        "de Vries, van den Berg, Jansen, Bakker, Visser, 't Hart",
        "Beleidsmedewerker, Projectleider, Afdelingshoofd, Jurist",
    ),
    "pl": _inflected(
        "Agnieszka, Małgorzata, Żaneta, Wiesława, Bożena, Róża",
        "Kowalska, Wiśniewska, Wójcik, Zielińska, Gąsior, Święcicka",
        "Paweł, Łukasz, Michał, Grzegorz, Błażej, Sławomir",
        "Kowalski, Wiśniewski, Wójcik, Zieliński, Gąsior, Święcicki",
        job_titles="Zarządzanie projektami, Radca prawny, Główny specjalista, Zamówienia publiczne",
    ),
    "pt": _names(
        "Conceição, Inês, Mónica, Luísa, Fátima, Graça",
        "João, António, Estêvão, Simão, Gonçalo, Luís",
        "Gonçalves, Araújo, Magalhães, Brandão, Assunção, Simões",
        "Gestão de projetos, Assessoria jurídica, Chefia de divisão, Coordenação",
    ),
    "ro": _names(
        "Ștefania, Ioana, Mădălina, Sânziana, Ilinca, Ruxandra",
        "Ștefan, Mihai, Răzvan, Cătălin, Iancu, Bogdan",
        "Ionescu, Popescu, Țăranu, Bălan, Stănescu, Vîlcu",
        "Consilier superior, Manager de proiect, Consilier juridic, Achiziții publice",
    ),
    "sk": _inflected(
        "Zuzana, Ľubica, Mária, Žofia, Alžbeta, Jarmila",
        "Nováková, Horváthová, Kováčová, Tóthová, Ďuricová, Šťastná",
        "Ľuboš, Štefan, Ján, Dušan, Vojtech, Tomáš",
        "Novák, Horváth, Kováč, Tóth, Ďurica, Šťastný",
        job_titles="Projektové riadenie, Právny odbor, Verejné obstarávanie, Vedenie oddelenia",
    ),
    "sl": _names(
        "Špela, Maja, Živa, Nežka, Katarina, Urška",
        "Žiga, Matjaž, Aleš, Janez, Sašo, Črt",
        "Novak, Krajnc, Zupančič, Kovačič, Žagar, Črnič",
        "Vodenje projektov, Pravna služba, Javna naročila, Vodstvo oddelka",
    ),
    "sv": _names(
        "Åsa, Märta, Elin, Sigrid, Linnéa, Görel",
        "Göran, Åke, Björn, Håkan, Sören, Nils",
        "Lindström, Åkesson, Öberg, Sjögren, Bäckman, Ek",
        "Handläggare, Projektledare, Enhetschef, Förbundsjurist",
    ),
}
"""By ISO 639-1 code."""
