"""Write `data/works-synthetic.jsonl.gz`: works that no one wrote, in the shape OpenAlex gives them.

    python scripts/make_synthetic_works.py [FILE]

Seeded: the file is the same byte for byte each time. The shape is that of a real export (heavy tail
of partners, growth, double affiliations, works without affiliation, cut author lists); the numbers
mean nothing. Partners come from the gazetteer and their weights are drawn at random within a region,
so that no conclusion about a named university can be drawn. Every work says `"synthetic": true`.
"""

import gzip
import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from collabnet.identifiers import ROR
from collabnet.institutions import gazetteer
from collabnet.regions import memberships

OUT = Path(__file__).resolve().parent.parent / "data" / "works-synthetic.jsonl.gz"
SEED, WORKS, YEARS = 20_260_101, 3_000, np.arange(2015, 2026)
HOME, GEMBLOUX, HOSPITAL = "00afp2z80", "00bmzhb16", "044s61914"
FIELDS = {
    11: "Agricultural and Biological Sciences",
    12: "Arts and Humanities",
    13: "Biochemistry, Genetics and Molecular Biology",
    16: "Chemistry",
    19: "Earth and Planetary Sciences",
    22: "Engineering",
    23: "Environmental Science",
    25: "Materials Science",
    27: "Medicine",
    28: "Neuroscience",
    31: "Physics and Astronomy",
    33: "Social Sciences",
}
FAR = (
    "AR AT AU BF BG BJ BR CH CI CL CN CO CR CU CY CZ DK EC EE EG ES ET FI GH GR HR HU ID IE IL IN IS "
    "IT KE KH KR LB LK LT LV MG ML MX MY NG NO NZ PE PH PK PL PT RO RS SE SG SI SK SN TH TR TZ UG "
    "UY VN ZA"
).split()
REGION_WEIGHT = {
    "euregio-meuse-rhine": 6.0,
    "grande-region": 5.0,
    "maghreb": 1.5,
    "central-africa": 1.5,
}


def houses() -> pd.DataFrame:
    """Return the institutions drawn from, each with its weight."""
    known = gazetteer()
    active = known["status"].fillna("") != "inactive"
    known = known[known["institution_id"].str.fullmatch(ROR) & active]
    known = known[["institution_id", "name", "country"]].sort_values("institution_id")
    region = memberships(gazetteer(), list(REGION_WEIGHT)).drop_duplicates("institution_id")
    region = region.set_index("institution_id")["region"]
    weight = known["institution_id"].map(region).map(REGION_WEIGHT).astype(float).fillna(2.0)
    far = pd.DataFrame(
        {
            "institution_id": [f"I9900000{number:03d}" for number in range(1, len(FAR) + 1)],
            "name": [f"Synthetic University of {code}" for code in FAR],
            "country": FAR,
        }
    )
    table = pd.concat([known.assign(weight=weight), far.assign(weight=0.8)], ignore_index=True)
    return table[~table["institution_id"].isin([HOME, GEMBLOUX, HOSPITAL])].reset_index(drop=True)


def institution(row: pd.Series) -> dict:
    """Return an institution as OpenAlex writes it."""
    bare = row["institution_id"]
    far = bare.startswith("I99")
    return {
        "id": f"https://openalex.org/{bare}" if far else None,
        "display_name": row["name"],
        "ror": None if far else f"https://ror.org/{bare}",
        "country_code": row["country"],
        "type": "education",
    }


def main(out: Path) -> None:
    """Draw the works and write them."""
    random = np.random.default_rng(SEED)
    table = houses()
    odds = (table["weight"] * random.lognormal(0, 1.1, len(table))).to_numpy()
    odds = odds / odds.sum()
    known = gazetteer().set_index("institution_id", drop=False)
    own = {name: institution(known.loc[name]) for name in (HOME, GEMBLOUX, HOSPITAL)}
    others = [institution(row) for _, row in table.iterrows()]
    growth = np.linspace(1.0, 1.6, len(YEARS))
    years = np.sort(random.choice(YEARS, WORKS, p=growth / growth.sum()))
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as file:
        for number, year in enumerate(years, 1):
            work = draw(random, number, int(year), own, others, odds)
            file.write((json.dumps(work, ensure_ascii=False, separators=(",", ":")) + "\n").encode())
    out.write_bytes(buffer.getvalue())
    print(f"{out.name}: {WORKS:,} works, {len(buffer.getvalue()):,} bytes")


def draw(
    random: np.random.Generator,
    number: int,
    year: int,
    own: dict[str, dict],
    others: list[dict],
    odds: np.ndarray,
) -> dict:
    """Draw one work."""
    alone = random.random() < 0.45
    partners = 0 if alone else min(1 + random.geometric(0.55), 12)
    authors = int(min(1 + random.geometric(0.22), 25))
    stated = None
    if number == 700:  # a large collaboration
        authors, partners = 300, 60
    if number == 1400:  # the API cuts lists at 100 authors
        authors, partners, stated = 100, 30, 412
    authors = max(authors, partners + 1)
    chosen = random.choice(len(others), partners, replace=False, p=odds)
    lead = own[random.choice([HOME, GEMBLOUX, HOSPITAL], p=[0.84, 0.09, 0.07])]
    authorships = []
    for place in range(authors):
        if place == 0:
            bodies = [lead] if lead is own[HOME] else [own[HOME], lead]
        elif place <= partners:
            bodies = [others[chosen[place - 1]]]
        else:
            pool = [own[HOME], *(others[i] for i in chosen)]
            bodies = [pool[random.integers(len(pool))]]
        if random.random() < 0.04 and partners:
            extra = others[chosen[random.integers(partners)]]
            bodies = [*bodies, extra] if extra not in bodies else bodies
        known = place == 0 or random.random() > 0.03
        countries = sorted({body["country_code"] for body in bodies})
        if not known:
            bodies = []
            countries = countries if random.random() < 0.5 else []
        authorships.append(author(random, number, place, authors, bodies, countries))
    field = int(random.choice(list(FIELDS)))
    month, day = int(random.integers(1, 13)), int(random.integers(1, 29))
    return {
        "id": f"https://openalex.org/W99{number:08d}",
        "synthetic": True,
        "doi": None,
        "title": f"Synthetic work {number:04d}",
        "publication_year": year,
        "publication_date": f"{year}-{month:02d}-{day:02d}",
        "language": "en",
        "type": str(random.choice(["article", "review", "book-chapter"], p=[0.86, 0.08, 0.06])),
        "authors_count": stated or authors,
        "authorships": authorships,
        "primary_topic": {
            "field": {
                "id": f"https://openalex.org/fields/{field}",
                "display_name": FIELDS[field],
            }
        },
        "cited_by_count": int(random.negative_binomial(1, 0.06) * (2026 - year) / 6),
        "fwci": round(float(random.lognormal(-0.2, 0.9)), 3),
        "updated_date": "2026-01-01",
    }


def author(
    random: np.random.Generator,
    number: int,
    place: int,
    authors: int,
    bodies: list[dict],
    countries: list[str],
) -> dict:
    """Return an authorship; its person is a number without a name."""
    person = int(random.integers(1, 5000)) if place == 0 else number * 400 + place
    written = [f"{body['display_name']}, {body['country_code']}" for body in bodies]
    return {
        "author_position": "first" if place == 0 else "last" if place == authors - 1 else "middle",
        "author": {"id": f"https://openalex.org/A99{person:08d}", "display_name": None},
        "institutions": bodies,
        "countries": countries,
        "is_corresponding": place == 0,
        "raw_affiliation_strings": written,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
