"""Make a synthetic OpenAlex snapshot of realistic size and shape, the same for the same seed.

    python benchmarks/generate.py FOLDER [WORKS] [--seed 1] [--layout old|new|parquet] [--parts 16]

What is drawn: authors per work (geometric, mean 4.4, 0.06 % of works with 100 to 3 000), their
institutions (Zipf-like; most authors of a work share one), countries, addresses as written, some
authors without institution, some works without authors, 2 % xpac, 1 % of works in an older version
too, left behind in an older `updated_date` folder, and ids that were merged. The rest of a record
(abstract, references, concepts, locations …) is one of a few thousand texts: it costs time to read
as the real one does (14.6 kB a work, gzipped to a fifth, as the real snapshot is said to be).
Nothing here is an observation.
"""

import argparse
import io
import json
import re
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as json_
import pyarrow.parquet as pq
from isal import igzip

URL = "https://openalex.org/"
COUNTRIES = "US CN GB DE FR IT ES NL BE LU CH MA TN DZ CD CM JP IN BR CA AU SE PL TR ZA"
TYPES = ("article", "article", "article", "article", "book-chapter", "preprint", "dissertation")
NAMES = 4_000
LEVEL = 2
PART = {"old": "part_000.gz", "new": "part_0000.gz", "parquet": "part_0000.gz"}
MERGED = 1_000
"""Of so many works one was merged into another since its part was downloaded."""


def write_snapshot(
    folder: str | Path,
    works: int,
    *,
    seed: int = 1,
    layout: str = "old",
    parts: int = 16,
    workers: int = 2,
) -> Path:
    """Write `works` works as a snapshot into `folder`; return the folder.

    `layout` is "old" (`data/works/…`), "new" (`data/jsonl/works/…`) or "parquet"
    (`data/parquet/works/…`). The content depends on `works`, `seed` and `parts` alone.
    """
    root = Path(folder) / "data" / {"old": "", "new": "jsonl", "parquet": "parquet"}[layout]
    ends = np.linspace(0, works, parts + 1).astype(int)
    spans = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
    tasks = [(root, layout, seed, works, number, spans) for number in range(parts)]
    _institutions(seed, works), _texts(seed, works)  # made once, where processes are forked
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            written = list(pool.map(_write_part, tasks))
    else:
        written = [_write_part(task) for task in tasks]
    _write_manifest(root, layout, "works", written)
    institutions = _institutions(seed, works)[0]
    bodies = "\n".join(map(json.dumps, institutions)) + "\n"
    path = root / "institutions" / f"updated_date={_day(0)}" / PART[layout]
    _put(path, bodies.encode(), layout)
    _write_manifest(root, layout, "institutions", [(path, len(institutions))])
    if layout == "old":
        rows = [f"2026-01-15,W{_number(i)},W{_number(i - 1)}" for i in range(MERGED, works, MERGED)]
        path = Path(folder) / "merged_ids" / "works" / "2026-01-15.csv.gz"
        _put(path, "\n".join(["merge_date,id,merge_into_id", *rows, ""]).encode(), layout)
    return Path(folder)


def _day(part: int) -> str:
    return (date(2025, 1, 1) + timedelta(days=part)).isoformat()


def _number(i: int) -> int:
    """Return the number of a work: of eight to ten digits, so that text and number sort apart."""
    return (10**9, 4 * 10**9, 2 * 10**7)[i % 3] + i * 7


def _put(path: Path, data: bytes, layout: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if layout == "parquet" and path.suffix != ".csv":
        dates = ("publication_date", "updated_date", "created_date")
        read = json_.read_json(
            io.BytesIO(data),
            json_.ReadOptions(block_size=1 << 28),
            json_.ParseOptions(pa.schema([(name, pa.string()) for name in dates])),
        )
        pq.write_table(read, path.with_suffix(".parquet"))
        return
    # igzip stamps the time into its header unless told otherwise.
    path.write_bytes(igzip.compress(data, LEVEL, mtime=0))


def _write_manifest(root: Path, layout: str, entity: str, written: list[tuple[Path, int]]) -> None:
    entries = []
    for path, count in written:
        real = path.with_suffix(".parquet") if layout == "parquet" else path
        place = real.relative_to(root.parent if layout == "old" else root.parent.parent)
        facts = {"content_length": real.stat().st_size, "record_count": count}
        entries.append({"url": f"s3://openalex/{place.as_posix()}", "meta": facts})
    if layout == "old":
        (root / entity / "manifest").write_text(json.dumps({"entries": entries}))
        return
    total = sum(entry["meta"]["record_count"] for entry in entries)
    stamp = {"format": "jsonl" if layout == "new" else layout, "entity": entity}
    text = json.dumps({"date": "2026-06-26", **stamp, "record_count": total, "files": entries})
    (root / entity / "manifest.json").write_text(text)


@cache
def _institutions(seed: int, works: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the institutions, and the authorships' ends made of them, as JSON text."""
    random = np.random.default_rng([seed, 7])
    houses = min(20_000, 200 + works)
    letters = np.array(list("0123456789abcdefghjkmnpqrstvwxyz"))
    codes = ["".join(row) for row in letters[random.integers(0, 32, (houses, 6))]]
    bodies, shorts = [], []
    for i, code in enumerate(codes):
        country = COUNTRIES[3 * int(25 * random.random() ** 1.5) :][:2]
        kind = ("education", "healthcare", "facility", "company")[int(4 * random.random() ** 3)]
        lineage = [f"{URL}I{100_000 + i}"] + ([f"{URL}I{100_000 + i // 9}"] if i % 9 == 4 else [])
        short = {
            "id": lineage[0],
            "display_name": f"Synthetic {kind} no. {i} of {country}",
            # One in fifty has no ROR id, as some of the older records.
            "ror": f"https://ror.org/0{code}{i % 100:02d}" if i % 50 != 49 else None,
            "country_code": country if i % 97 else None,
            "type": kind,
            "lineage": lineage,
        }
        place = {"city": f"City {i // 5}", "country_code": country, "region": None}
        place |= {"latitude": round(50 - i % 90 / 2, 4), "longitude": round(i % 300 / 2 - 60, 4)}
        parent = [{"id": lineage[1], "relationship": "parent"}] if len(lineage) > 1 else []
        more = {"geo": place, "associated_institutions": parent, "works_count": 10 + i}
        more |= {"display_name_acronyms": [f"SY{i}"], "display_name_alternatives": []}
        bodies.append({**short, **more, "updated_date": f"{_day(0)}T00:00:00"})
        shorts.append(short)
    forms = []
    for _ in range(min(60_000, 200 + 3 * works)):
        how = random.random()
        several = 0 if how < 0.12 else 1 if how < 0.9 else 2 if how < 0.98 else 3
        chosen = [shorts[int(houses * random.random() ** 3)] for _ in range(several)]
        texts = [
            f"Department of Things {int(random.integers(40))}, {one['display_name']}, "
            f"{int(random.integers(90))} Long Street, {one['country_code']}"
            for one in chosen
        ]
        if not chosen and how < 0.06:
            texts = [f"Unknown House {int(random.integers(9000))}, Nowhere"]
        ends = {
            "institutions": chosen,
            "countries": sorted({one["country_code"] for one in chosen} - {None}),
            "is_corresponding": bool(random.random() < 0.2),
            "raw_author_name": f"N. {int(random.integers(90_000))}",
            "raw_affiliation_strings": texts,
            "affiliations": [
                {"raw_affiliation_string": text, "institution_ids": [one["id"]]}
                for text, one in zip(texts, chosen, strict=False)
            ],
        }
        if how < 0.005:
            ends["countries"] = ["BE"]
        forms.append(json.dumps(ends, separators=(",", ":"))[1:])
    return bodies, forms


@cache
def _texts(seed: int, works: int) -> tuple[list[str], list[str], list[str]]:
    """Return names of authors, titles, and ends of a work: its fields that are not kept."""
    random = np.random.default_rng([seed, 8])
    sounds = re.findall("..", "anelirtomusakelirovedaniporatesigubofeya")
    words = [
        "".join(sounds[i] for i in random.integers(0, 20, n)) for n in random.integers(2, 5, 6000)
    ]
    spread = (6000 * random.random(60_000) ** 2.5).astype(int)
    names = [
        f"{words[a].title()} {words[b].title()}" for a, b in random.integers(0, 6000, (NAMES, 2))
    ]
    titles = [
        " ".join(words[spread[(at + k) % 60_000]] for k in range(n)).capitalize()
        for at, n in zip(
            random.integers(0, 60_000, 9000), random.integers(5, 16, 9000), strict=True
        )
    ]
    tails = []
    for number in range(min(2_500, 100 + works // 8)):
        text = [words[i] for i in spread[random.integers(0, 60_000, int(random.integers(40, 340)))]]
        places = {}
        for place, word in enumerate(text):
            places.setdefault(word, []).append(place)
        ids = random.integers(10**9, 4 * 10**9, int(min(220, 1 + random.geometric(0.03))))
        source = {"id": f"{URL}S{number % 700}", "display_name": titles[number % 700]}
        source |= {"issn_l": "1234-5678", "issn": ["1234-5678"], "is_oa": True, "type": "journal"}
        source |= {"host_organization": f"{URL}P4310320990", "host_organization_name": "Synthetic"}
        location = {
            "is_oa": True,
            "landing_page_url": f"https://example.org/{ids[0]}",
            "pdf_url": None,
        }
        location |= {"source": source, "license": "cc-by", "version": "publishedVersion"}
        topics = [
            {
                "id": f"{URL}T{10_000 + int(t)}",
                "display_name": titles[int(t)],
                "score": float(np.round(random.random(), 4)),
                "subfield": {"id": f"{URL}subfields/{1100 + int(t) % 2500}", "display_name": "Sub"},
                "field": {
                    "id": f"{URL}fields/{11 + int(t) % 26}",
                    "display_name": f"Field {11 + int(t) % 26}",
                },
                "domain": {"id": f"{URL}domains/{1 + int(t) % 4}", "display_name": "Domain"},
            }
            for t in random.integers(0, 4500, 3)
        ]
        rest = {
            "primary_topic": topics[0] if number % 12 else None,
            "topics": topics if number % 12 else [],
            "primary_location": location,
            "locations": [location, {**location, "version": "acceptedVersion", "source": None}],
            "best_oa_location": location,
            "concepts": [
                {"id": f"{URL}C{c}", "wikidata": f"https://www.wikidata.org/wiki/Q{c}"}
                | {
                    "display_name": words[int(c) % 6000],
                    "level": int(c) % 5,
                    "score": int(c) % 997 / 997,
                }
                for c in random.integers(10**7, 10**9, 16)
            ],
            "keywords": [
                {"id": f"{URL}keywords/{w}", "display_name": w, "score": 0.5} for w in text[:6]
            ],
            "mesh": [],
            "open_access": {"is_oa": True, "oa_status": "gold", "oa_url": None},
            "counts_by_year": [
                {"year": year, "cited_by_count": int(n)}
                for year, n in zip(range(2026, 2014, -1), random.integers(0, 60, 12), strict=True)
            ],
            "referenced_works_count": len(ids),
            "referenced_works": [f"{URL}W{n}" for n in ids],
            "related_works": [f"{URL}W{n}" for n in random.integers(10**9, 4 * 10**9, 10)],
            "abstract_inverted_index": json.dumps(places, separators=(",", ":")),
        }
        tails.append(json.dumps(rest, separators=(",", ":"))[1:])
    return names, titles, tails


def _write_part(task: tuple[Path, str, int, int, int, list[tuple[int, int]]]) -> tuple[Path, int]:
    """Write one part; its works, and older versions of works that stand in the next part."""
    root, layout, seed, total, number, spans = task
    first, last = spans[number]
    lines = _lines((seed, total), number, range(first, last), _day(number), 0)
    if number + 1 < len(spans):
        ahead = range(*spans[number + 1])[::100]
        lines += _lines((seed, total), number + 1, ahead, _day(number), 1)
    path = root / "works" / f"updated_date={_day(number)}" / PART[layout]
    _put(path, "".join(lines).encode(), layout)
    return path, len(lines)


def _lines(drawn: tuple[int, int], part: int, works: range, day: str, behind: int) -> list[str]:
    """Return the works as lines; `behind` versions back they have fewer citations."""
    random = np.random.default_rng([*drawn, part, 9])
    names, titles, tails = _texts(*drawn)
    forms = _institutions(*drawn)[1]
    count = len(works)
    sizes = np.minimum(random.geometric(1 / 4.3, count), 60)
    huge = random.random(count) < 0.0006
    sizes[huge] = np.minimum(100 * (1 - random.random(int(huge.sum()))) ** -0.9, 3000)
    sizes[random.random(count) < 0.01] = 0
    total = int(sizes.sum())
    # Most authors of a work come from the house of its first one.
    lead = np.repeat(random.integers(0, len(forms), count), sizes)
    form = np.where(
        random.random(total) < 0.45, lead, random.integers(0, len(forms), total)
    ).tolist()
    person = (
        (5_000_000_000 + (total * 3 + 999) * random.random(total) ** 2 * 4).astype(int).tolist()
    )
    tail = random.integers(0, len(tails), count).tolist()
    title = random.integers(0, 9000, count).tolist()
    kind = random.integers(0, len(TYPES), count).tolist()
    years = (2026 - 25 * random.random(count) ** 2).astype(int).tolist()
    days = random.integers(0, 336, count).tolist()
    cited = random.geometric(0.06, count).tolist()
    xpac = (random.random(count) < 0.02).tolist()
    lines, at = [], 0
    for k, (i, size) in enumerate(zip(works, sizes.tolist(), strict=True)):
        people = ",".join(
            f'{{"author_position":"middle","author":{{"id":"{URL}A{person[j]}","display_name":'
            f'"{names[person[j] % NAMES]}","orcid":null}},{forms[form[j]]}'
            for j in range(at, at + size)
        )
        at += size
        day_ = f"{years[k]}-{1 + days[k] // 28:02d}-{1 + days[k] % 28:02d}"
        fwci = f"{cited[k] / 9:.3f}" if i % 4 else "null"
        doi = f'"https://doi.org/10.9999/Synthetic.{i}"' if i % 7 else "null"
        text = titles[title[k]]
        lines.append(
            f'{{"id":"{URL}W{_number(i)}","doi":{doi},"title":"{text}","display_name":"{text}",'
            f'"publication_year":{years[k]},"publication_date":"{day_}","language":"en",'
            f'"type":"{TYPES[kind[k]]}","is_xpac":{"true" if xpac[k] else "false"},'
            f'"is_retracted":{"true" if i % 5000 == 0 else "false"},"authors_count":{size},'
            f'"authorships":[{people}],"cited_by_count":{max(0, cited[k] - behind)},"fwci":{fwci},'
            f'"synthetic":true,"updated_date":"{day}T{i % 24:02d}:00:00.000000",'
            f'"created_date":"2016-06-24",{tails[tail[k]]}\n'
        )
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("works", nargs="?", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layout", default="old", choices=["old", "new", "parquet"])
    parser.add_argument("--parts", type=int, default=16)
    options = vars(parser.parse_args())
    print(write_snapshot(options.pop("folder"), options.pop("works"), **options))
