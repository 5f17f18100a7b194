"""Write `data/works-synthetic.jsonl.gz`: works that no one wrote, in the shape OpenAlex gives them.

    python scripts/make_synthetic_works.py [FILE]

Seeded: the file is the same each time. Its shape is that of a real export: nearly half of the works
of one institution, a heavy tail of partners, the neighbours strongest, growth, authors with two
affiliations or none, countries without an institution, a list of authors cut at 100, one work of
300. Its numbers mean nothing: each partner has a weight drawn at random, so nothing about a named
university can be read off them.
"""

import csv
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

OPENALEX = "https://openalex.org"
ROOT = Path(__file__).resolve().parent.parent
GAZETTEER = ROOT / "collabnet" / "data" / "institutions.csv"
OUT = ROOT / "data" / "works-synthetic.jsonl.gz"
SEED = 19_870_101
WORKS = 3_000
YEARS = range(2015, 2026)
GROWTH, ALONE = 1.05, 0.53
"""Works a year, as a factor; the share of works without partner."""

HOME, GEMBLOUX, HOSPITAL = "00afp2z80", "00bmzhb16", "044s61914"
KAISERSLAUTERN, RPTU, MERGED = "04zrf7b53", "01qrts582", 2023
OWN = (HOME, GEMBLOUX, HOSPITAL, KAISERSLAUTERN)
"""Those that come in by a way of their own."""

CUT, LARGE = 1_400, 2_100
"""The work whose list of authors is cut, and the one of 300 authors."""

NEAR = {"BE": 7.0, "FR": 5.0, "DE": 5.0, "NL": 5.0, "LU": 5.0}
OTHER, FAR = 1.5, 0.6
"""How much the country of a partner weighs, before chance."""

COUNTRIES = {
    "AE": "the United Arab Emirates", "AM": "Armenia", "AR": "Argentina", "AT": "Austria",
    "AU": "Australia", "BD": "Bangladesh", "BG": "Bulgaria", "BR": "Brazil", "CH": "Switzerland",
    "CI": "Côte d'Ivoire", "CL": "Chile", "CN": "China", "CO": "Colombia", "CR": "Costa Rica",
    "CU": "Cuba", "CY": "Cyprus", "CZ": "Czechia", "DK": "Denmark", "EC": "Ecuador",
    "EE": "Estonia", "EG": "Egypt", "ES": "Spain", "ET": "Ethiopia", "FI": "Finland",
    "GH": "Ghana", "GR": "Greece", "HR": "Croatia", "HU": "Hungary", "ID": "Indonesia",
    "IE": "Ireland", "IN": "India", "IS": "Iceland", "IT": "Italy", "KE": "Kenya",
    "KH": "Cambodia", "KR": "the Republic of Korea", "LB": "Lebanon", "LT": "Lithuania",
    "LV": "Latvia", "MG": "Madagascar", "MT": "Malta", "MX": "Mexico", "MY": "Malaysia",
    "NA": "Namibia", "NG": "Nigeria", "NO": "Norway", "NZ": "New Zealand", "PE": "Peru",
    "PH": "the Philippines", "PL": "Poland", "PT": "Portugal", "RO": "Romania", "RS": "Serbia",
    "SE": "Sweden", "SI": "Slovenia", "SK": "Slovakia", "TH": "Thailand", "TR": "Türkiye",
    "UA": "Ukraine", "UY": "Uruguay", "VN": "Viet Nam", "ZA": "South Africa",
}  # fmt: skip
FIELDS = {
    11: "Agricultural and Biological Sciences",
    12: "Arts and Humanities",
    13: "Biochemistry, Genetics and Molecular Biology",
    17: "Computer Science",
    19: "Earth and Planetary Sciences",
    20: "Economics, Econometrics and Finance",
    22: "Engineering",
    23: "Environmental Science",
    26: "Mathematics",
    27: "Medicine",
    31: "Physics and Astronomy",
    32: "Psychology",
    33: "Social Sciences",
}
TYPES = {"article": 82, "book-chapter": 6, "review": 6, "preprint": 4, "dissertation": 2}


def write(path: Path) -> None:
    """Write the works as JSON Lines; the archive bears no time stamp."""
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as archive:
        for work in works(Random(SEED)):
            line = json.dumps(work, ensure_ascii=False, separators=(",", ":"))
            archive.write(f"{line}\n".encode())


def works(random: Random) -> Iterator[dict]:
    """Draw the works, the oldest first."""
    known = houses()
    drawn = {key: house["weight"] * random.paretovariate(2.2) for key, house in known.items()}
    chances = [GROWTH ** (year - YEARS[0]) for year in YEARS]
    for number, year in enumerate(sorted(random.choices(YEARS, chances, k=WORKS)), 1):
        partners = draw_partners(random, drawn, breadth(random, number))
        if year < MERGED:
            partners = [KAISERSLAUTERN if key == RPTU else key for key in partners]
        people = authors(random, [known[key] for key in (HOME, *partners)], known, number)
        yield one_work(random, number, year, people)


def houses() -> dict[str, dict]:
    """Return who is drawn from: registry records in force, and made-up universities far away.

    Each is an institution as OpenAlex writes it (without its OpenAlex id where that is not known),
    with its weight.
    """
    found = {}
    with GAZETTEER.open(encoding="utf-8", newline="") as file:
        bodies = {body["institution_id"]: body for body in csv.DictReader(file)}
    for key, body in bodies.items():
        if key not in OWN and (key.startswith("name:") or body["status"] != "active"):
            continue
        found[key] = {
            "id": f"{OPENALEX}/{body['openalex_id']}" if body["openalex_id"] else None,
            "display_name": body["name"],
            "ror": f"https://ror.org/{key}",
            "country_code": body["country"],
            "type": body["type"] or None,
            "city": body["city"],
            "weight": 0 if key in OWN else NEAR.get(body["country"], OTHER),
        }
    for number, (code, country) in enumerate(COUNTRIES.items(), 1):
        found[code] = {
            "id": f"{OPENALEX}/I99{number:08d}",
            "display_name": f"Synthetic University of {country}",
            "ror": None,
            "country_code": code,
            "type": "education",
            "city": "Synthetic City",
            "weight": FAR,
        }
    return {key: {**house, "number": n} for n, (key, house) in enumerate(found.items())}


def breadth(random: Random, number: int) -> int:
    """Return how many partners a work has."""
    if number in (CUT, LARGE):
        return 60
    return 0 if random.random() < ALONE else min(int(random.paretovariate(1.3)), 25)


def draw_partners(random: Random, weights: dict[str, float], wanted: int) -> list[str]:
    """Draw different partners, each by its weight."""
    found: dict[str, None] = {}
    while len(found) < wanted:
        found |= dict.fromkeys(random.choices([*weights], [*weights.values()], k=1))
    return [*found]


def authors(random: Random, teams: list[dict], known: dict[str, dict], number: int) -> list[dict]:
    """Draw the authors, as OpenAlex writes them; the first institution is the home."""
    home, large = teams[0], number in (CUT, LARGE)
    unit = random.choices([None, HOSPITAL, GEMBLOUX], [84, 9, 7])[0]
    people: dict[str, dict] = {}
    for team in teams:
        size = 5 if large else min(int(1.5 * random.paretovariate(1.2)), 8)
        staff = 900 if team is home else 40
        while size:
            # Low numbers are drawn more often: few authors write much.
            person = f"A99{team['number']:03d}{int(staff * random.random() ** 1.5):05d}"
            if person in people:
                continue
            size -= 1
            bodies, chance = [team], random.random()
            countries = [team["country_code"]]
            if team is home and unit and chance < 0.6:
                bodies = [home, known[unit]]
            elif team is home and len(teams) > 1 and chance < 0.06:
                bodies = [home, random.choices(teams[1:])[0]]
            elif team is not home and chance < 0.03:
                bodies = [team, home]
            elif people and chance > 0.96:
                bodies, countries = [], countries if chance > 0.98 else []
            people[person] = authorship(person, bodies, countries)
    listed = [*people.values()]
    return listed if large else sorted(listed, key=lambda _: random.random())


def authorship(person: str, bodies: list[dict], countries: list[str]) -> dict:
    """Return one entry of the list of authors; `countries` are kept where there is no body."""
    texts = [f"{body['display_name']}, {body['city']}, {body['country_code']}" for body in bodies]
    ids = [[body["id"]] if body["id"] else [] for body in bodies]
    if not bodies:
        texts, ids = (
            [f"Synthetic laboratory, {code}" for code in countries],
            [[] for _ in countries],
        )
    kept = ("id", "display_name", "ror", "country_code", "type")
    return {
        "author": {"id": f"{OPENALEX}/{person}", "display_name": None, "orcid": None},
        "institutions": [{key: body[key] for key in kept} for body in bodies],
        "countries": sorted({body["country_code"] for body in bodies}) or countries,
        "raw_affiliation_strings": texts,
        "affiliations": [
            {"raw_affiliation_string": text, "institution_ids": found}
            for text, found in zip(texts, ids, strict=True)
        ],
    }


def one_work(random: Random, number: int, year: int, people: list[dict]) -> dict:
    """Return a work as OpenAlex gives it today."""
    people = people[:300]
    listed = people[:100] if number == CUT else people
    last = len(listed)
    places = ["first", *["middle"] * (last - 2), "last"][:last]
    field = random.choices([*FIELDS])[0]
    topic = {
        "id": f"{OPENALEX}/T990{field}",
        "display_name": f"Synthetic topic {field}",
        "field": {"id": f"{OPENALEX}/fields/{field}", "display_name": FIELDS[field]},
    }
    month, day = 1 + int(12 * random.random()), 1 + int(28 * random.random())
    return {
        "id": f"{OPENALEX}/W99{number:08d}",
        "synthetic": True,
        "doi": None,
        "title": f"Synthetic work {number:04d}",
        "publication_year": year,
        "publication_date": f"{year}-{month:02d}-{day:02d}",
        "type": random.choices([*TYPES], [*TYPES.values()])[0],
        "language": random.choices(["en", "fr"], [92, 8])[0],
        "authors_count": len(people),
        "authorships": [
            {"author_position": place, "is_corresponding": place == "first", **author}
            for place, author in zip(places, listed, strict=True)
        ],
        "primary_topic": topic,
        "topics": [{**topic, "score": 1.0}],
        "cited_by_count": int((YEARS[-1] + 1 - year) * random.paretovariate(1.3) / 2),
        "fwci": round(random.paretovariate(1.6) - 1, 3),
        "updated_date": "2026-01-01T00:00:00",
    }


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    write(out)
    print(f"{out.name}: {WORKS:,} works, {out.stat().st_size:,} bytes")
