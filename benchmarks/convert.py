"""The same works in the formats of the peers: OpenAlex JSON Lines, Scopus CSV, Web of Science text.

    python benchmarks/convert.py [WORKS]

From a generated snapshot: every work once, in its newest version, with 1 to 100 authors (what a
peer can hold), and each author of a work once (peers count a name twice that a list repeats). An
author is called by a name made of his number, so that tools that know authors by name and tools
that know them by id see the same persons. Texts are as in exports: title, abstract, affiliations;
references are left out, so the files of the peers are smaller than the JSON Lines.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import DATA, say
from isal import igzip

AUTHORS = 100
COUNTRIES = {
    "US": "United States",
    "CN": "China",
    "GB": "United Kingdom",
    "DE": "Germany",
    "FR": "France",
    "IT": "Italy",
    "ES": "Spain",
    "NL": "Netherlands",
    "BE": "Belgium",
    "LU": "Luxembourg",
    "CH": "Switzerland",
    "MA": "Morocco",
    "TN": "Tunisia",
    "DZ": "Algeria",
    "CD": "Democratic Republic Congo",
    "CM": "Cameroon",
    "JP": "Japan",
    "IN": "India",
    "BR": "Brazil",
    "CA": "Canada",
    "AU": "Australia",
    "SE": "Sweden",
    "PL": "Poland",
    "TR": "Turkey",
    "ZA": "South Africa",
}
WOS_NAMES = {"US": "USA", "GB": "England", "CN": "Peoples R China", "CD": "DEM REP CONGO"}
SCOPUS = (
    *("Authors", "Author full names", "Author(s) ID", "Title", "Year", "Source title"),
    *("Cited by", "DOI", "Affiliations", "Authors with affiliations", "Abstract"),
    *("Language of Original Document", "Document Type", "Source", "EID"),
)


def surname(number: int) -> str:
    """Return a name for an author: his number in letters."""
    letters = ""
    while number:
        number, rest = divmod(number, 26)
        letters = chr(97 + rest) + letters
    return letters.capitalize()


def number_of(name: str) -> int:
    """Return the number of the author of this name, in whatever way it is written."""
    letters = re.match("[a-z]+", name.lower())
    total = 0
    for letter in letters[0] if letters else "":
        total = total * 26 + ord(letter) - 97
    return total


def works_of(snapshot: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the works of a snapshot with the number of their part, the newest version of each."""
    seen = set()
    parts = sorted((snapshot / "data" / "works").rglob("*.gz"), reverse=True)
    for part, path in enumerate(parts):
        with igzip.open(path, "rt") as file:
            for line in file:
                work = json.loads(line)
                if work["id"] in seen or not 0 < len(work["authorships"]) <= AUTHORS:
                    continue
                seen.add(work["id"])
                once = {a["author"]["id"]: a for a in work["authorships"]}
                work["authorships"] = list(once.values())
                yield part, work


def place(body: dict[str, Any], wos: bool) -> str:
    """Write an institution as an address."""
    number = re.sub(r"\D", "", body["id"])
    code = body["country_code"]
    country = WOS_NAMES.get(code) if wos else None
    name = f"Univ {number}, Dept Things" if wos else f"Department of Things, University {number}"
    return f"{name}, Liege, {country or COUNTRIES.get(code, 'Nowhere')}"


def abstract_of(work: dict[str, Any]) -> str:
    """Put the words of an abstract in order again."""
    index = json.loads(work.get("abstract_inverted_index") or "{}")
    return " ".join(w for _, w in sorted((at, w) for w, places in index.items() for at in places))


def scopus_row(work: dict[str, Any], *, old: bool) -> list[str]:
    """Return a work as a row of a Scopus export; `old` is the layout of before 2023."""
    people = [(a, int(re.sub(r"\D", "", a["author"]["id"]))) for a in work["authorships"]]
    houses = {b["id"]: place(b, wos=False) for a, _ in people for b in a["institutions"]}
    gap = ", A." if old else " A."
    placed = [
        ", ".join([surname(n) + gap, *(houses[b["id"]] for b in a["institutions"])])
        for a, n in people
    ]
    ids = "".join(f"{n};" for _, n in people) if old else "; ".join(str(n) for _, n in people)
    number = re.sub(r"\D", "", work["id"])
    return [
        (", " if old else "; ").join(f"{surname(n)} A." for _, n in people),
        "; ".join(f"{surname(n)}, Anna ({n})" for _, n in people),
        ids,
        f"{work['title']} {number}",
        str(work["publication_year"]),
        "Journal of Things",
        str(work["cited_by_count"]),
        (work["doi"] or "").removeprefix("https://doi.org/"),
        "; ".join(houses.values()),
        "; ".join(placed),
        abstract_of(work),
        "English",
        "Article",
        "Scopus",
        f"2-s2.0-{number}",
    ]


def wos_record(work: dict[str, Any]) -> str:
    """Return a work as a record of a plain text export of the Web of Science."""
    people = [(a, surname(int(re.sub(r"\D", "", a["author"]["id"])))) for a in work["authorships"]]
    houses: dict[str, list[str]] = {}
    for a, name in people:
        for b in a["institutions"]:
            houses.setdefault(place(b, wos=True), []).append(f"{name}, Anna")
    number = re.sub(r"\D", "", work["id"])
    fields = {
        "PT": ["J"],
        "AU": [f"{name}, A" for _, name in people],
        "AF": [f"{name}, Anna" for _, name in people],
        "TI": [f"{work['title']} {number}"],
        "SO": ["JOURNAL OF THINGS"],
        "LA": ["English"],
        "DT": ["Article"],
        "AB": [abstract_of(work)],
        "C1": [f"[{'; '.join(names)}] {house}." for house, names in houses.items()],
        "TC": [str(work["cited_by_count"])],
        "PY": [str(work["publication_year"])],
        "DI": [(work["doi"] or "").removeprefix("https://doi.org/")],
        "UT": [f"WOS:{int(number):015d}"],
    }
    lines = [f"{tag} " + "\n   ".join(values) for tag, values in fields.items() if any(values)]
    return "\n".join([*lines, "ER", "", ""])


def convert(snapshot: Path, folder: Path) -> Path:
    """Write the works of a snapshot in every format into `folder`, unless they are there."""
    if folder.exists():
        return folder
    say(f"writing {snapshot.name} in the formats of the peers")
    fresh = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    parts: dict[int, list[str]] = {}
    rows: dict[bool, list[list[str]]] = {True: [], False: []}
    with (fresh / "wos.txt").open("w", encoding="utf-8-sig") as wos:
        wos.write("FN Clarivate Analytics Web of Science\nVR 1.0\n")
        for part, work in works_of(snapshot):
            parts.setdefault(part, []).append(json.dumps(work, separators=(",", ":")))
            wos.write(wos_record(work))
            for old, table in rows.items():
                table.append(scopus_row(work, old=old))
        wos.write("EF\n")
    for part, lines in parts.items():
        path = fresh / "openalex/data/works" / f"updated_date=2025-01-{28 - part:02d}/part_000.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(igzip.compress("\n".join([*lines, ""]).encode(), 2, mtime=0))
    for old, table in rows.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(SCOPUS)
        writer.writerows(table)
        name = "scopus-old.csv" if old else "scopus.csv"
        (fresh / name).write_text(text.getvalue(), encoding="utf-8-sig")
    # pyscisci writes its frames beside the folder it reads.
    (fresh / "pyscisci").mkdir()
    (fresh / "pyscisci" / "data").symlink_to("../openalex/data")
    (fresh / "works").write_text(str(sum(map(len, parts.values()))))
    fresh.rename(folder)
    return folder


if __name__ == "__main__":
    from ingest import make_snapshot

    size = int((sys.argv[1:] or ["1000"])[0])
    print(convert(make_snapshot(size), DATA / f"peers-{size}"))
