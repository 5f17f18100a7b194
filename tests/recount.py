"""A second way to count, in plain Python: dicts and loops, and nothing of the package.

What it gives is compared with the package; so it shares no line, no library and no table with it.
"""

import gzip
import json
import re
from fractions import Fraction
from itertools import combinations
from math import asin, cos, radians, sin, sqrt

CREDIT = {
    "full": lambda _: Fraction(1),
    "fractional": lambda n: Fraction(1, n - 1),
    "refined": lambda n: Fraction(2, n * (n - 1)),
}


def links(parties, count="full"):
    """Count {activity: parties} by pairs: {(source, target): (weight, activities)}."""
    found = {}
    for members in parties.values():
        for pair in combinations(sorted(set(members)), 2):
            weight, activities = found.get(pair, (Fraction(0), 0))
            found[pair] = (weight + CREDIT[count](len(set(members))), activities + 1)
    return found


def joint(parties):
    """Count the joint activities of each party: {party: activities}."""
    found = {}
    for members in map(set, parties.values()):
        for one in members if len(members) > 1 else ():
            found[one] = found.get(one, 0) + 1
    return found


def lasting_links(activities, window=None):
    """Count pairs whose memberships overlap: {(source, target): (activities, first, last)}.

    `activities` are ((first, last), {party: (since, until)}), all in years; a membership is cut to
    its activity, and both to the window.
    """
    found = {}
    for (first, last), members in activities:
        for pair in combinations(sorted(members), 2):
            spans = [(first, last), *(members[party] for party in pair)]
            spans += [window] if window else []
            began, ended = max(span[0] for span in spans), min(span[1] for span in spans)
            if began > ended:
                continue
            n, early, late = found.get(pair, (0, began, ended))
            found[pair] = (n + 1, min(early, began), max(late, ended))
    return found


def region_links(parties, regions):
    """Count the activities of region pairs that two different parties make, one in each.

    `regions` is {region: parties}; parties may lie in several.
    """
    found = {}
    for members in parties.values():
        for pair in combinations(sorted(regions), 2):
            here, there = (set(members) & set(regions[name]) for name in pair)
            if any(a != b for a in here for b in there):
                found[pair] = found.get(pair, 0) + 1
    return found


def author_credit(works):
    """Share a work by its authors, and an author by his units: {unit: credit}.

    `works` is {work: [[author, units]]}; an author without units keeps his share to himself.
    """
    found = {}
    for authors in works.values():
        for _, units in authors:
            for unit in set(units):
                share = Fraction(1, len(authors) * len(set(units)))
                found[unit] = found.get(unit, 0) + share
    return found


def openalex_works(files):
    """Return the works of OpenAlex files by id; of one in several versions the newest."""
    newest = {}
    for file in files:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode("utf-8")
        try:
            whole = json.loads(text)
        except ValueError:
            whole = [json.loads(line) for line in text.splitlines() if line.strip()]
        if isinstance(whole, dict):
            whole = whole.get("results", [whole])
        for work in whole:
            known = newest.get(work["id"])
            if known is None or (work.get("updated_date") or "") > (known["updated_date"] or ""):
                newest[work["id"]] = work
    return newest


def openalex_institutions(works):
    """Return the institutions of each work, by ROR id or else by OpenAlex id."""
    return {
        work["id"]: {
            (body["ror"] or "").removeprefix("https://ror.org/")
            or body["id"].replace("https://openalex.org/", "openalex:")
            for author in work.get("authorships") or []
            for body in author["institutions"]
        }
        for work in works.values()
    }


def openalex_countries(works):
    """Return the countries of each work: those its authors state, and those of institutions."""
    return {
        work["id"]: {
            code
            for author in work.get("authorships") or []
            for code in [
                *(author.get("countries") or []),
                *(body["country_code"] for body in author["institutions"]),
            ]
            if code
        }
        for work in works.values()
    }


def openalex_authors(works):
    """Return the authors of each work: {id: [({institution: type}, other countries, [lands])]}."""
    found = {}
    for work in works.values():
        authors = found[work["id"]] = []
        for author in work.get("authorships") or []:
            bodies = author["institutions"]
            lands = {body["country_code"] for body in bodies} - {None}
            known = {
                (body["ror"] or "").rsplit("/", 1)[-1]
                or body["id"].replace("https://openalex.org/", "openalex:"): body["type"]
                for body in bodies
            }
            alone = set(author.get("countries") or []) - lands
            if len(alone) == 1 and [b["country_code"] for b in bodies].count(None) == 1:
                lands, alone = lands | alone, set()
            authors.append((known, alone, lands | alone, author["is_corresponding"]))
    return found


def kilometres(spots):
    """Return the largest great-circle distance between points (latitude, longitude)."""
    points = [tuple(map(radians, spot)) for spot in spots]
    return max(
        2
        * 6371.0088
        * asin(
            sqrt(sin((b[0] - a[0]) / 2) ** 2 + cos(a[0]) * cos(b[0]) * sin((b[1] - a[1]) / 2) ** 2)
        )
        for a in points
        for b in points
    )


def facts_of(authors, spots, types):
    """Return what one work is: countries, institutions, authors, industry, distance (or None)."""
    bodies = {body for known, _, _, _ in authors for body in known}
    lands = {land for _, _, here, _ in authors for land in here}
    hidden = any(alone for _, alone, _, _ in authors)
    industry = "company" in {types.get(body) for body in bodies}
    if not industry and (hidden or any(types.get(body) is None for body in bodies)):
        industry = None
    together, km = len(bodies) > 1 or len(lands) > 1, None
    if not together:
        km = 0
    elif not hidden and all(body in spots for body in bodies):
        km = kilometres([spots[body] for body in bodies])
    return {"collab": together, "lands": lands, "bodies": bodies, "industry": industry, "km": km}


def collaboration(works, spots, types, level):
    """Count the works of each unit: {unit: {column: value}}."""
    found = {}
    for authors in works.values():
        facts = facts_of(authors, spots, types)
        for unit in facts["bodies" if level == "institution" else "lands"]:
            row = found.setdefault(unit, dict.fromkeys(COUNTED, 0))
            row["output"] += 1
            row["collab"] += facts["collab"]
            row["int_collab"] += len(facts["lands"]) > 1
            row["industry"] += facts["industry"] is True
            row["industry_n"] += facts["industry"] is not None
            if facts["km"] is not None:
                row["distance_n"] += 1
                row["distance_collab_n"] += facts["collab"]
                row["short"] += facts["collab"] and facts["km"] <= 100
                row["long"] += facts["collab"] and facts["km"] >= 5000
                row["km"] += facts["km"]
    return found


COUNTED = ("output", "collab", "int_collab", "industry", "industry_n", "distance_n")
COUNTED += ("distance_collab_n", "short", "long", "km")


def types(works, scheme):
    """Count the works of each institution by the type of their collaboration."""
    found = {}
    for authors, stated in works.values():
        bodies = {body for known, _, _, _ in authors for body in known}
        lands = len({land for _, _, here, _ in authors for land in here})
        many = max(len(authors), stated or 0)
        if scheme == "incites":
            named = {2: "bilateral", 3: "trilateral"}.get(lands, "quadrilateral")
            home = "domestic_multi" if len(bodies) > 1 else "domestic_single"
            kind = home if lands < 2 else named
        else:
            kind = "international" if lands > 1 else "national" if len(bodies) > 1 else ""
            kind = kind or ("institutional" if many > 1 else "single")
        for body in bodies:
            found[body, kind] = found.get((body, kind), 0) + 1
    return found


def led(authors, role):
    """Share out who is first, last or corresponding author of one work: {institution: credit}."""
    if role == "corresponding":
        mine = [known for known, _, _, yes in authors if yes]
    else:
        mine = [authors[0 if role == "lead" else -1][0]] if authors else []
    found = {}
    for known in mine:
        for body in known:
            found[body] = found.get(body, 0) + Fraction(1, len(mine) * len(known))
    return found


def wos_countries(file):
    """Return the countries of each record of a tagged Web of Science file, in capitals.

    The address of the corresponding author (RP) counts where no other is tied to him.
    """
    found, record, tag = [], {}, ""
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        tag = line[:2].strip() or tag
        record.setdefault(tag, []).append(line[3:])
        if tag == "ER":
            lines, lead = record.get("C1", []), " ".join(record.get("RP", []))
            tied = [line for line in lines if line.startswith("[")]
            author = lead.partition(" (")[0].split(",")[0].lower()
            if not any(author in line.partition("]")[0].lower() for line in tied):
                lines = [*lines, lead]  # an address of nobody's, or none at all
            last = [one.rstrip(".").rsplit(",", 1)[-1].strip().upper() for one in lines if one]
            names = {"USA" if AMERICAN.fullmatch(name) else name for name in last}
            if any("Hong Kong, Peoples R China" in line for line in lines):
                names = names - {"PEOPLES R CHINA"} | {"HONG KONG"}
            found.append({ONE.get(name, name) for name in names})
            record, tag = {}, ""
    return found


AMERICAN = re.compile(r".*USA|[A-Z]{2} \d{5}(-\d{4})?")
ONE = dict.fromkeys(("ENGLAND", "SCOTLAND", "WALES", "NORTH IRELAND"), "UK")
ONE |= dict.fromkeys(("FED REP GER", "WEST GERMANY", "BUNDES REPUBLIK"), "GERMANY")
