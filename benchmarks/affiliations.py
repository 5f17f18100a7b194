"""How many affiliations find their institution, and how many find a wrong one.

    python benchmarks/affiliations.py LABELS.json REGISTRY [REGISTRY …] [--works FOLDER]

LABELS is the set of Crossref affiliations that ror-api tests itself with (3 000 strings, each with
its ROR ids); REGISTRY are ROR dumps. The set is split in two halves by a seed: the rules and scores
were made on the first, the second was held out. Where the registries are but a part of ROR, labels
outside of them cannot be found and are not counted as lost; what is found beside the labels counts
as wrong, also where a string has no label. Records made after the set was labelled are left out,
unless `--all` is given: no label can name them. The countries read off the strings are held against
those of the labels, and of the authors of OpenAlex works in FOLDER who have one country.
"""

import json
import random
import re
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
from rapidfuzz import fuzz, process

import collabnet as cn
from collabnet import matching
from collabnet.countries import countries_in, country_names, country_of
from collabnet.identifiers import name_key

LABELLED = "2024-02-19"
SEED = 20240219
PUBLISHED = """\
Floors in the tests of ror-api (rorapi/tests/tests_affiliations, on the same 3 000 strings, against
the whole of ROR; what its matcher must reach, not a measurement; every string counts):
  affiliation matching, API v1      precision 0.915  recall 0.920  (all ids right: 0.886)
  single search, API v2             precision 0.950  recall 0.700  (all ids right: 0.730)"""


def created(path: Path) -> dict[str, str]:
    """Return when each record of a dump was made, as far as it says so (schema 2)."""
    with zipfile.ZipFile(path) as archive:
        items = json.loads(archive.read(archive.namelist()[0]))
    return {i["id"][-9:]: i["admin"]["created"]["date"] for i in items if "admin" in i}


def best_ratio(names: dict[str, str]):  # noqa: ANN201
    """Return a matcher that takes the name most like the text, if it is like enough."""
    keys = list(names)

    def match(text: str) -> set[str]:
        found = process.extractOne(
            text.casefold(), keys, scorer=fuzz.token_set_ratio, score_cutoff=95
        )
        return {names[found[0]]} if found else set()

    return match


def cause(text: str, got: str, labels: set[str], bodies: pd.DataFrame, ties: set) -> str:
    """Say why what was found is not what the label says."""
    known = labels & set(bodies.index)
    if not labels:
        return "the string has no label"
    if not known:
        return "the label is not in the registry"
    if any((got, label) in ties for label in known):
        return "parent, child or heir of the label"
    if labels - known:
        return "one of several labels is not in the registry"
    if country_of(text) is None:
        return "no country in the string"
    if bodies.city[got] in set(bodies.city[list(known)]):
        return "another organisation in the city of the label"
    return "another organisation"


def lost(text: str, label: str, row: pd.DataFrame, bodies: pd.DataFrame) -> str:
    """Say why a label was not found."""
    if label in set("|".join(row.candidates.dropna()).split("|")):
        return "a candidate: several of the name, acronym, or a score too low"
    if country_of(text) is None and row.institution_id.isna().all():
        return "no country in the string, and the name says too little"
    aliases = str(bodies.aliases[label]).split("|")
    names = {matching._key(n) for n in [bodies.name[label], *aliases]} - {""}
    if not any(name in matching._key(text) for name in names):
        return "written in a way the registry does not have"
    if row.institution_id.notna().any():
        return "another label of the string was found"
    return "name found, but it says too little or is a piece of a longer one"


def measure(name: str, rows: list, found: list[set[str]], known: set[str], heirs: dict) -> None:
    """Print precision and recall over all strings, and over those whose labels are all known."""
    for which, keep in (
        ("all strings", lambda _: True),
        ("all labels in the registry", lambda labels: labels and labels <= known),
    ):
        right = wrong = hit = total = 0
        for (_, labels), ids in zip(rows, found, strict=True):
            if not keep(labels):
                continue
            here = labels & known
            meant = [{i} | heirs.get(i, set()) for i in ids]
            right += sum(bool(m & here) for m in meant)
            wrong += sum(not m & here for m in meant)
            hit += len(here & set().union(*meant))
            total += len(here)
        print(
            f"  {name:<26} {which:<28} precision {right / max(1, right + wrong):.3f}  "
            f"recall {hit / max(1, total):.3f}  ({right + wrong} found, {wrong} wrong)"
        )


def report(name: str, part: list, bodies: pd.DataFrame, ties: set, heirs: dict) -> None:
    """Print what was found in one half, what was not, and why."""
    known = set(bodies["institution_id"])
    plain = best_ratio({b.name.casefold(): b.institution_id for b in bodies.itertuples()})
    facts = bodies.set_index("institution_id")
    start = time.process_time()
    index = matching.index(bodies)
    built = time.process_time() - start
    start, cpu = time.perf_counter(), time.process_time()
    for text, _ in part:
        matching.match(index, text)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    table = cn.match_affiliations([text for text, _ in part], bodies)
    by_text = dict(list(table.groupby("text")))
    found = [set(by_text[text]["institution_id"].dropna()) for text, _ in part]
    print(f"\n{len(bodies):,} organisations, {len(index.names):,} names, indexed in {built:.1f} s")
    speed, by_cpu = len(part) / wall, len(part) / cpu
    print(f"{name}: {speed:,.0f} strings a second ({by_cpu:,.0f} by CPU time)")
    measure("collabnet", part, found, known, heirs)
    measure("plain best match (95)", part[:300], [plain(t) for t, _ in part[:300]], known, {})
    wrong, missed = Counter(), Counter()
    for (text, labels_), ids in zip(part, found, strict=True):
        meant = set().union(*({i} | heirs.get(i, set()) for i in ids))
        for got in ids:
            if not ({got} | heirs.get(got, set())) & labels_ & known:
                wrong[cause(text, got, labels_, facts, ties)] += 1
        for label in (labels_ & known) - meant:
            missed[lost(text, label, by_text[text], facts)] += 1
    for title, counts in (("wrong", wrong), ("not found", missed)):
        print(f"  {title}: {counts.total()}")
        for why, n in counts.most_common():
            print(f"    {n:4}  {why}")
    labelled = pd.DataFrame(part, columns=["text", "labels"])
    scores = table.merge(labelled)
    scores = scores[scores["institution_id"].notna()]
    right = [r.institution_id in r.labels for r in scores.itertuples()]
    how = scores["evidence"].map(lambda e: re.sub(";.*", "", e))
    print("  right by evidence:")
    for evidence, group in pd.Series(right, index=how).groupby(level=0):
        print(f"    {group.mean():.3f} of {len(group):4}  {evidence}")


def works(folder: Path) -> set[tuple[str, str]]:
    """Return the affiliations of OpenAlex authors of one country, where all labels of one agree."""
    labels: dict[str, set[str]] = {}
    for path in sorted(folder.iterdir()):
        text = path.read_text(encoding="utf-8")
        for line in [text] if path.suffix == ".json" else text.splitlines():
            try:
                page = json.loads(line)
            except ValueError:
                continue  # one file has a line that is cut on purpose
            page = page.get("results", page) if isinstance(page, dict) else page
            for author in (
                a
                for w in (page if isinstance(page, list) else [page])
                for a in w.get("authorships") or []
            ):
                bodies = {body.get("country_code") for body in author.get("institutions") or []}
                codes = set(author.get("countries") or []) or bodies
                for written in author.get("raw_affiliation_strings") or []:
                    if len(codes) == 1 and None not in codes and written:
                        labels.setdefault(written, set()).update(codes)
    return {(text, *codes) for text, codes in labels.items() if len(codes) == 1}


def cause_of_country(text: str, got: str | None, label: str) -> str:
    """Say why the country of a text is not that of its label."""
    words = re.findall(r"\w+", text)
    named = countries_in([name_key(word) or word.lower() for word in words])
    named |= {country_names()["state code"].get(word) for word in words if len(word) == 2}
    if got is None:
        return (
            "none: named, but not at the end"
            if label in named
            else "none: the text does not name it"
        )
    if label in named:
        return "the text names both, and ends with ours"
    return "the label contradicts the text" if got in named else "misread"


def countries(name: str, pairs: set[tuple[str, str]]) -> None:
    """Print how far the countries of texts agree with their labels, and why they do not."""
    found = [(country_of(text), label, text) for text, label in sorted(pairs)]
    why = [cause_of_country(text, got, label) for got, label, text in found if got != label]
    causes, read = Counter(why), sum(got is not None for got, *_ in found)
    agree, false = len(found) - len(why), causes["the label contradicts the text"]
    print(f"\ncountries, {name}: {len(found):,} texts, {read:,} with a country, {agree:,} agree")
    print(f"  agreement where a country is named: {agree / read:.4f}; ", end="")
    print(f"without labels that contradict their text: {agree / (read - false):.4f}")
    for reason, n in causes.most_common():
        print(f"    {n:4}  {reason}")
    for got, label, text in found:
        if got not in {None, label}:
            reason = cause_of_country(text, got, label)
            print(f"      {got}, labelled {label} ({reason}): … {text[-90:]!r}")


def main(labels: Path, registries: list[Path], folder: Path | None, *, everything: bool) -> None:
    """Measure both halves, the plain best match beside, and print the confusion by cause."""
    records = cn.read_all(registries)
    bodies = records.institutions
    if not everything:
        made = {k: v for path in registries for k, v in created(path).items()}
        late = bodies["institution_id"].map(made).fillna("") > LABELLED
        print(f"{int(late.sum()):,} records made after {LABELLED} are left out")
        bodies = bodies[~late]
    relations = records.relations
    kin = relations[relations["kind"].isin(["parent", "child", "related", "successor"])]
    ties = set(zip(kin["from"], kin["to"], strict=True))
    ties |= {(b, a) for a, b in ties}
    heirs: dict[str, set[str]] = {}
    for old, new, kind in zip(kin["from"], kin["to"], kin["kind"], strict=True):
        if kind == "successor":
            heirs.setdefault(old, set()).add(new)
    items = json.loads(labels.read_text(encoding="utf-8"))
    rows = [(item["affiliation"], {ror[-9:] for ror in item["ror_ids"]}) for item in items]
    country = dict(
        zip(records.institutions["institution_id"], records.institutions["country"], strict=True)
    )
    places = {text: {country.get(ror) for ror in rors} for text, rors in rows}
    sure = {
        (text, *codes) for text, codes in places.items() if len(codes) == 1 and None not in codes
    }
    countries("Crossref strings, labelled by their ROR ids", sure)
    if folder:
        countries("OpenAlex authors of one country", works(folder))
    random.Random(SEED).shuffle(rows)
    half = len(rows) // 2
    for name, part in (("development half", rows[:half]), ("held-out half", rows[half:])):
        report(name, part, bodies, ties, heirs)
    print(f"\n{PUBLISHED}")


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    at = arguments.index("--works") if "--works" in arguments else len(arguments)
    paths, given = [Path(text) for text in arguments[:at]], [Path(t) for t in arguments[at + 1 :]]
    main(paths[0], paths[1:], next(iter(given), None), everything="--all" in sys.argv)
