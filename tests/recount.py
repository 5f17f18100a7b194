"""A second way to count, in plain Python: dicts and loops, and nothing of the package.

What it gives is compared with the package; so it shares no line, no library and no table with it.
"""

import gzip
import json
from fractions import Fraction
from itertools import combinations

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
