"""Countries: the end of an affiliation says where it is, and nothing else does."""

import csv
import json
import re
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collabnet import settings
from collabnet.countries import country_of
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
from affiliations import cause_of_country, works

with (ROOT / "collabnet" / "data" / "countries.csv").open(encoding="utf-8") as file:
    NAMES = [
        (name, row["code"])
        for row in csv.DictReader(file)
        if row["kind"] in {"name", "written"}
        for name in row["names"].split("|")
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("Univ Kinshasa, DEM REP CONGO", "CD"), ("Univ Kinshasa, Kinshasa, REP CONGO", "CG")),
        *(("Univ X, EQUATORIAL GUINEA", "GQ"), ("Univ X, SOUTH SUDAN", "SS")),
        *(("Univ X, NORTH KOREA", "KP"), ("Queens Univ Belfast, NORTH IRELAND", "GB")),
        *(("Univ X, COTE IVOIRE", "CI"), ("Univ X, PALESTINE", "PS")),
        *(("A University, Romania", "RO"), ("A University, Somalia", "SO")),
        ("Université de Liège, Belgium", "BE"),
    ],
)
def test_what_other_tools_get_wrong_is_right(text, code):
    assert country_of(text) == code


@pytest.mark.parametrize(
    ("end", "code"),
    [
        *(("Türkiye", "TR"), ("Turkey", "TR"), ("Peoples R China", "CN"), ("P.R. China", "CN")),
        *(("CA 94305 USA", "US"), ("MA 02139 USA", "US"), ("England", "GB"), ("Wales", "GB")),
        *(("Scotland", "GB"), ("Northern Ireland", "GB"), ("South Korea", "KR")),
        *(("Republic of Korea", "KR"), ("DPR Korea", "KP"), ("Viet Nam", "VN")),
        *(("Cote Ivoire", "CI"), ("U Arab Emirates", "AE"), ("Bosnia & Herceg", "BA")),
        *(("Congo, Democratic Republic", "CD"), ("Zaire", "CD"), ("Congo Brazzaville", "CG")),
        *(("Congo Kinshasa", "CD"), ("Equat Guinea", "GQ"), ("Papua N Guinea", "PG")),
        *(("Guinea Bissau", "GW"), ("Guinea", "GN"), ("Rep South Sudan", "SS"), ("Niger", "NE")),
        *(("Nigeria", "NG"), ("Dominica", "DM"), ("Dominican Rep", "DO"), ("Oman", "OM")),
        *(("Mali", "ML"), ("Fed Rep Ger", "DE"), ("Namibia", "NA"), ("Kosovo", "XK")),
        *(("Brésil", "BR"), ("Österreich", "AT"), ("Länder, Deutschland", "DE")),
        *(("Países Bajos", "NL"), ("Zwitserland", "CH"), ("Regno Unito", "GB"), ("Tunísia", "TN")),
        *(("Taiwan, Republic of China", "TW"), ("Hong Kong, Peoples R China", "HK")),
    ],
)
def test_a_country_is_known_as_databases_and_authors_write_it(end, code):
    assert country_of(f"Dept Phys, Univ Example, {end}") == code


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("CD", "Congo (RDC)|Congo (DRC)|Congo (Dem. Rep.)|RD du Congo|DR Kongo|Congo belge"),
        ("CD", "Democratische Republiek Congo|Demokratische Republik Kongo|Congo, RDC"),
        ("CD", "República Democrática do Congo|Repubblica democratica del Congo"),
        ("CG", "Congo (Brazzaville)|Kongo|Republik Kongo|República do Congo"),
        ("CI", "Elfenbeinküste|Ivoorkust|Costa de Marfil|Costa do Marfim"),
        ("GB", "Noord-Ierland|Irlande du Nord|Nordirland|Schottland|Groot-Brittannië|Gran Bretaña"),
        ("GB", "Hinxton (UK)|Reino Unido da Grã-Bretanha e Irlanda do Norte"),
        ("US", "Vereinigte Staaten von Amerika|États-Unis d'Amérique|EE.UU.|E.U.A.|Texas (USA)"),
        ("BY", "Wit-Rusland|Weißrussland|Bielo-Rússia"),
        ("KP", "Democratische Volksrepubliek Korea|Demokratische Volksrepublik Korea"),
        ("KR", "Corée, République de|Zuid-Korea|Corea del Sur"),
        ("PG", "Papua Nieuw-Guinea|Papouasie-Nouvelle-Guinée"),
        ("GF", "Französisch-Guyana|Guyane française"),
        ("SS", "Zuid-Sudan|Sud-Soudan|Südsudan"),
        ("TW", "Taïwan, province de Chine|Taiwán, Provincia de China"),
        ("VI", "Îles Vierges des États-Unis d'Amérique"),
        ("NL", "Hollande|Olanda|Países Baixos"),
        ("RU", "Russische Föderation|Russie, Fédération de"),
        ("DE", "Duitsland|Alemanha|Allemagne (M.D., J.-P.B.)"),
        ("JP", "Japan Tel: ; Fax:|Japan Phone:  E-mails: a@b.jp"),
    ],
)
def test_a_country_is_known_in_the_languages_of_its_neighbours(code, ends):
    assert {end: country_of(f"Univ X, Rue Y 3, {end}") for end in ends.split("|")} == dict.fromkeys(
        ends.split("|"), code
    )


@pytest.mark.parametrize("end", ["Czechoslovakia", "USSR", "Yugoslavia", "Neth Antilles"])
def test_a_state_that_broke_up_is_no_country_of_today(end):
    assert country_of(f"Acad Sci, {end}") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("Emory University, Atlanta, Georgia, USA", "US"), ("Athens, GA 30602 USA", "US")),
        *(("Emory University, Atlanta, Georgia 30322", "US"), ("Atlanta, Georgia", "US")),
        *(("Ilia State University, Tbilisi, Georgia", "GE"), ("Some Institute, Georgia", "GE")),
        *(("Univ Kinshasa, Kinshasa, Congo", "CD"), ("Univ Marien Ngouabi, Congo", "CG")),
        *(("University of New Mexico", "US"), ("Univ Nacl Autonoma, Mexico", "MX")),
        *(("Rutgers, New Jersey", "US"), ("Durrell Trust, Jersey", "JE"), ("Lebanon, NH", "US")),
        *(("American Univ, Beirut, Lebanon", "LB"), ("Univ New England, Armidale", None)),
        *(("University of New England", None), ("Univ New South Wales", "AU")),
        *(("Panama City, FL 32401", "US"), ("UABC, Baja California", "MX")),
        *(("Royal Perth Hospital, Perth, WA", "AU"), ("Univ Washington, Seattle, WA", "US")),
        *(("Univ Toronto, Toronto, ON, CA", "CA"), ("Stanford Univ, Stanford, CA", "US")),
        *(("Universität Bonn, Berlin, DE", "DE"), ("Univ Delaware, Newark, DE", "US")),
        *(("Some College, Georgia 30999", "US"), ("Clinic of J Smith MD", None)),
        *(("Université de Mons", None), ("Oman Medical Journal, Paris", None)),
        *(("Luxembourg Institute of Health", None), ("LIH, Strassen, Luxembourg", "LU")),
        *(("Singapore General Hospital", None), ("NUS, Singapore 119077", "SG")),
        *(("Univ Puerto Rico, San Juan, PR USA", "PR"), ("Ave Djibouti 3, Paris", None)),
        *(("Chinese University of Hong Kong, Sha Tin, China", "HK"),),
        *(("Chinese University of Hong Kong, Shenzhen, China", "CN"),),
    ],
)
def test_a_city_or_a_state_is_no_country(text, code):
    assert country_of(text) == code


@pytest.mark.parametrize(
    "tail",
    [
        *(".", " .", "; ", " 4000", ", 4000 ", ". Electronic address: a.b@uliege.be.", " and"),
        *(". a.b@uliege.be", " (corresponding author).", " (A.B., C.D.)", ". Tel: +32 4 366 21 11"),
        *(". https://www.uliege.be", "#TAB#", " (E-mail: a@b.c)"),
    ],
)
def test_what_follows_the_country_is_passed_over(tail):
    assert country_of(f"Univ Liege, B-4000 Liege, Belgium{tail}") == "BE"


@pytest.mark.parametrize("text", ["", "  ", ";", ",,", None, 5, float("nan"), "Univ Liege", "4000"])
def test_nothing_is_guessed(text):
    assert country_of(text) is None


@pytest.mark.parametrize("tail", ["", ".", " 1000"])
def test_any_name_of_a_country_at_the_end_gives_its_code(tail):
    found = {name: country_of(f"Inst Biol, Some Street 3, {name}{tail}") for name, _ in NAMES}
    assert found == {name: code or None for name, code in NAMES}


@pytest.mark.parametrize(
    "text",
    [
        "Univ Cologne, Germany; Dept Pathol, Frankfurt, Germany; and Columbia Univ, New York, NY",
        "Jiangsu Univ, Zhenjiang, China and Natl Univ Sci & Technol, Islamabad, Pakistan",
        "Norwegian Canc Registry, Oslo, Norway | Univ Oxford, Oxford, England",
    ],
)
def test_of_addresses_in_several_countries_none_is_that_of_the_author(text):
    assert country_of(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Univ Cologne, Germany; Univ Frankfurt, Germany", "DE"),
        ("Univ London, UK; Univ Oxford, England", "GB"),
        ("Univ W Indies, St Augustine, Trinidad and Tobago", "TT"),
        ("Centre for Russia and Eurasia, Uppsala Univ, Sweden", "SE"),
        ("Univ Georgia, Athens, Georgia; CDC, Atlanta, GA 30333, USA", "US"),
    ],
)
def test_several_addresses_of_one_country_are_of_that_country(text, code):
    assert country_of(text) == code


@given(st.text())
def test_any_text_gives_a_code_or_nothing(text):
    assert re.fullmatch("[A-Z]{2}", country_of(text) or "XX")


def test_no_name_belongs_to_two_countries():
    keys = {}
    for name, code in NAMES:
        assert keys.setdefault(name.casefold(), code) == code, name


def test_the_policy_on_territories_is_a_setting(monkeypatch):
    assert country_of("HKU, Hong Kong") == "HK"
    monkeypatch.setattr(settings, "COUNTRIES", {"HK": "CN"})
    assert country_of("HKU, Hong Kong") == "CN"


def test_countries_agree_with_a_labelled_web_of_science_export(real):
    with (real / "wos" / "lodex_wos_with_countries.tsv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    alpha3 = {"GBR": "GB", "DEU": "DE", "CHE": "CH", "DNK": "DK", "SWE": "SE", "CHL": "CL"}
    alpha3 |= {"PRT": "PT", "AUT": "AT", "POL": "PL", "UKR": "UA", "TUR": "TR", "CHN": "CN"}
    alpha3 |= {"SVK": "SK", "SVN": "SI", "EST": "EE", "MEX": "MX", "KOR": "KR", "BIH": "BA"}
    for row in rows:
        parts = re.sub(r"\[[^]]*\]", "", row["C1"]).split(";")
        found = {country_of(part) for part in parts if part.strip()}
        stated = {c.strip() for c in row["PaysISO3"].split(";")}
        assert found == {alpha3.get(c, c[:2]) for c in stated}


def test_countries_agree_with_those_of_the_registry(real):
    import zipfile

    country = {}
    for version in ("v1", "v2"):
        with zipfile.ZipFile(real / "ror" / f"ror-subset_schema_{version}.zip") as archive:
            for body in json.loads(archive.read(archive.namelist()[0])):
                place = body.get("country") or body["locations"][0]["geonames_details"]
                country[body["id"]] = place["country_code"]
    path = real / "ror_matching" / "dataset_affiliations_crossref_2024_02_19.json"
    pairs = set()
    for item in json.loads(path.read_text(encoding="utf-8")):
        codes = {country.get(ror) for ror in item["ror_ids"]}
        if len(codes) == 1 and None not in codes:
            pairs.add((item["affiliation"], *codes))
    found = [(country_of(text), code) for text, code in pairs]
    named = [(ours, code) for ours, code in found if ours]
    assert sum(ours == code for ours, code in named) / len(named) >= 0.995
    assert (len(found), len(named)) == (2148, 1658)


def test_countries_agree_with_those_of_openalex_but_where_a_label_contradicts_its_text(real):
    found = [(country_of(t), label, t) for t, label in works(real / "openalex_works")]
    causes = Counter(
        cause_of_country(t, ours, label) for ours, label, t in found if ours not in {None, label}
    )
    assert causes == {
        "the label contradicts the text": 8,
        "the text names both, and ends with ours": 2,
    }
    agree, read = sum(o == label for o, label, _ in found), sum(o is not None for o, *_ in found)
    assert (len(found), read, agree) == (950, 782, 772)
    assert agree / (read - 8) >= 0.995
