"""Small made-up corpora, and the three engines they are held on."""

from itertools import count

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

import collabnet as cn
from collabnet.schema import TABLES

ENGINES = ("pandas", "store", "sqlframe")
NUTS3 = {"L": "BE332", "M": "NL423", "R": "DEA2D", "H": "BE224", "N": "FRF31"}
NUMBER = count()


def works(authors, *, years=None, countries=None):
    """Return the tables of {work: [[person, institutions]]}, all of 2024 unless `years` says."""
    acts = [
        {"activity_id": work, "kind": "work", "start": (years or {}).get(work, "2024")}
        for work in authors
    ]
    rows = [
        {"activity_id": work, "position": place, "person_id": person, "institution_id": body}
        for work, people in authors.items()
        for place, (person, bodies) in enumerate(people, 1)
        for body in list(bodies) or [None]
    ]
    named = sorted({row["institution_id"] for row in rows} - {None})
    places = [
        {"institution_id": body, "name": body, "country": (countries or {}).get(body)}
        for body in named
    ]
    return frames(acts, rows, places)


def joint(*parties, **activity):
    """Return the tables of one activity and its parties: ids, or dicts of their columns."""
    acts = [{"activity_id": "a", "kind": "agreement", "start": "2008", **activity}]
    rows = [one if isinstance(one, dict) else {"institution_id": one} for one in parties]
    return frames(acts, [{"activity_id": "a", **row} for row in rows])


def frames(acts, rows, places=()):
    """Return three lists of rows as tables."""
    return {
        "activities": pd.DataFrame(acts, columns=None if acts else list(TABLES["activities"])),
        "participants": pd.DataFrame(rows, columns=None if rows else list(TABLES["participants"])),
        "institutions": pd.DataFrame(
            list(places), columns=None if places else list(TABLES["institutions"])
        ),
    }


def toy(oracles):
    """Return the corpus the oracles were computed on by hand."""
    tables = works(
        oracles["toy_works"], countries={k: v["cc"] for k, v in oracles["institutions"].items()}
    )
    bodies = tables["institutions"]
    places = pd.DataFrame(oracles["institutions"]).T.loc[bodies["institution_id"], ["lat", "lon"]]
    tables["institutions"] = bodies.assign(
        nuts3=bodies["institution_id"].map(NUTS3), **places.astype(float).reset_index(drop=True)
    )
    return tables


def held(tables, engine, folder=None):
    """Return Records of the tables as `engine` holds them; a store is written to `folder`."""
    records = cn.Records(tables)
    if engine == "pandas":
        return records
    if engine == "store":
        return cn.read(cn.write_store(records, folder / "store"))
    return cn.Records({name: _spark(name, getattr(records, name)) for name in tables})


def _spark(name, rows):
    """Return a table of the Spark dialect, run by sqlframe; its data stand in DuckDB."""
    from sqlframe.duckdb import DuckDBSession

    session = DuckDBSession()
    table = f"{name}_{next(NUMBER)}"
    arrow = pa.Table.from_pandas(rows, preserve_index=False)
    session._conn.register("given", arrow)
    session._conn.execute(f"CREATE TABLE {table} AS FROM given")
    return session.table(table)


@st.composite
def corpora(draw, *, complete=False):
    """Draw {work: [[person, institutions]]}; where `complete`, every author has an institution."""
    author = st.tuples(
        st.sampled_from(["ann", "bob", "cy", "dee", None]),
        st.lists(st.sampled_from("ABCDE"), unique=True, min_size=int(complete), max_size=3),
    )
    teams = draw(st.lists(st.lists(author, min_size=1, max_size=4), min_size=1, max_size=8))
    return {f"w{number}": team for number, team in enumerate(teams)}


def agreements(rows, name="Ghent University", title="Exchange of students"):
    """Records of agreements of L, each (id, partner, start, end, end_status, follows)."""
    keys = ("activity_id", "partner", "start", "end", "end_status", "follows")
    acts = pd.DataFrame([dict(zip(keys, row, strict=True)) for row in rows], columns=keys)
    sides = [(row[0], body) for row in rows for body in ("L", row[1])]
    bodies = sorted({"L", *acts["partner"]})
    acts = acts.drop(columns="partner").assign(kind="agreement", title=title)
    return cn.Records(
        {
            "activities": acts,
            "participants": pd.DataFrame(sides, columns=["activity_id", "institution_id"]),
            "institutions": pd.DataFrame(
                {"institution_id": bodies, "name": [f"{name} {body}" for body in bodies]}
            ),
        }
    )


SIX = [
    ("held", "A", "2020", "2030-06", "known", None),
    ("soon", "B", "2021-01-01", "2026-03-31", "known", None),
    ("open", "C", "2010", None, "open", None),
    ("old", "D", "2000", "2004", "known", None),
    ("none", "E", None, None, "unknown", None),
    ("later", "F", "2027", "2029", "known", None),
]


def many(n):
    rng = np.random.default_rng(3)
    return [
        (f"g{i:03}", f"P{i:03}", f"{y}", f"{y + 5}-0{1 + i % 9}", "known", None)
        for i, y in enumerate(rng.integers(1995, 2025, n))
    ]
