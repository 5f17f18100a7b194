"""Small numbers of mobile persons: no export shows one, nor do several held side by side."""

import re
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from corpora import frames

import collabnet as cn
from collabnet import settings
from collabnet.gap_table import LEVELS
from collabnet.privacy import guard

YEARS = {"short": (2019, 2022), "long": (2019, 2023)}
# partner, country, direction, year, field, unit, persons
FLOWS = [
    *(("A", "MA", "out", 2020, "0912", "Law", 40), ("A", "MA", "in", 2020, "0912", "Law", 3)),
    *(("B", "MA", "out", 2021, "0421", "Law", 2), ("B", "MA", "in", 2021, "0421", None, 30)),
    *(("C", "TN", "out", 2020, "0421", "Science", 1), ("C", "TN", "out", 2023, "0912", None, 7)),
    *(("D", "TN", "out", 2021, "0912", "Science", 4), ("E", "CD", "out", 2022, "0912", "Law", 3)),
    *(("F", "CD", "out", 2022, "0421", "Law", 3), ("G", "CD", "out", 2020, "0421", "Science", 12)),
    *(("G", "CD", "in", 2019, "0731", "Science", 4), ("H", "FR", "out", 2019, "0731", "Law", 6)),
    *(("I", "FR", "out", 2023, "0731", "Law", 1), ("J", "DE", "in", 2022, "0912", "Law", 2)),
]
REGION = {"MA": "maghreb", "TN": "maghreb", "CD": "central-africa"}
FORD = {"0912": "Medical and health sciences", "0421": "Social sciences"}
FORD["0731"] = "Engineering and technology"


@pytest.fixture(scope="module")
def records():
    acts, rows, fields = [], [], []
    for n, (partner, _, way, year, field, unit, persons) in enumerate(FLOWS):
        key = {"activity_id": f"m{n}"}
        acts.append(key | {"kind": "mobility", "start": str(year), "amount": persons})
        home, other = ("sending", "receiving") if way == "out" else ("receiving", "sending")
        rows.append(key | {"institution_id": "L", "role": home, "unit": unit})
        rows.append(key | {"institution_id": partner, "role": other})
        fields.append(key | {"scheme": "isced-f", "code": field, "share": 1.0})
    for partner in "ABCDEFGHIJ":
        key = {"activity_id": f"g{partner}"}
        acts.append(key | {"kind": "agreement", "start": "2015", "end_status": "open"})
        rows += [key | {"institution_id": body} for body in ("L", partner)]
    places = {partner: country for partner, country, *_ in FLOWS} | {"L": "BE"}
    bodies = [{"institution_id": b, "name": b, "country": c} for b, c in places.items()]
    return cn.Records(frames(acts, rows, bodies) | {"fields": pd.DataFrame(fields)})


def groups(by, partner, country, field, unit):
    named = {"partner": partner, "country": country, "region": REGION.get(country)}
    return (named | {"field": FORD[field], "unit": unit})[by]


def members(by, name, way, years):
    """Return which flows a cell of the gap matrix adds up, as 1 and 0."""
    name = None if pd.isna(name) else name
    return [
        float(
            groups(by, partner, country, field, unit) == name
            and way == f"mobility_{there}"
            and years[0] <= year <= years[1]
        )
        for partner, country, there, year, field, unit, _ in FLOWS
    ]


@pytest.fixture(scope="module")
def published(records, tmp_path_factory):
    """Return all that stands in the exports: (which flows, from, to) for each number."""
    folder, known = tmp_path_factory.mktemp("exports"), []

    def written(table, name):
        return pd.read_parquet(cn.export_table(table, folder / f"{name}.parquet"))

    for span, years in YEARS.items():
        for by in LEVELS:
            table = written(cn.gaps(records, "L", years, by=by), f"{by}-{span}")
            for way in ("mobility_out", "mobility_in"):
                for name, value in zip(table[by], table[way], strict=True):
                    known.append((members(by, name, way, years), value))
        table = written(cn.flows(records, years=years), f"flows-{span}")
        for one in table.itertuples():
            way = "mobility_out" if one.sending == "L" else "mobility_in"
            partner = one.receiving if one.sending == "L" else one.sending
            known.append((members("partner", partner, way, years), one.persons))
        table = written(cn.agreement_status(records, "L", years=years), f"agreements-{span}")
        for way in ("mobility_out", "mobility_in"):
            for name, value in zip(table["partner"], table[way], strict=True):
                known.append((members("partner", name, way, years), value))
    return known


PERSONS = np.array([flow[-1] for flow in FLOWS], dtype=float)


def test_every_export_is_true_to_the_flows(published):
    for cell, value in published:
        exact = np.dot(cell, PERSONS)
        assert (pd.isna(value) and exact > 0) or abs(exact - value) < settings.SMALLEST / 2


def test_no_export_shows_a_small_number_nor_does_a_difference_of_two(published):
    shown = {float(value) for _, value in published if pd.notna(value)}
    assert len(shown) > 5
    assert {value for value in shown if 0 < value < settings.SMALLEST} == set()
    assert {abs(a - b) for a, b in combinations(shown, 2) if 0 < abs(a - b) < 5} == set()


def pinned(published, room=settings.SMALLEST // 2):
    """Return the small cells for which no other numbers fit all exports: one person more or less
    in it, and another flow changed with it."""
    rows = np.array([cell for cell, _ in published])
    exact = rows @ PERSONS
    shown = np.array([np.nan if pd.isna(value) else float(value) for _, value in published])
    hidden = np.isnan(shown)
    # What is masked besides the small ones is known to nobody; of a small one, that it is small.
    rounded = np.where(shown == 0, 0, room)
    least = np.where(shown == 0, 0, np.maximum(shown - rounded, settings.SMALLEST))
    low = np.where(hidden, np.where(exact < settings.SMALLEST, 1, 0), least)
    most = shown + rounded
    high = np.where(hidden, np.where(exact < settings.SMALLEST, 4, 1000), most)
    steps = range(1 - settings.SMALLEST, settings.SMALLEST)
    others = []
    for (one, other), (more, also) in product(
        product(range(len(PERSONS)), repeat=2), product((-1, 1), steps)
    ):
        changed = PERSONS.copy()
        changed[one] += more
        changed[other] += also * (other != one)
        others.append(changed)
    sums = np.array(others) @ rows.T
    sums = sums[((sums >= low) & (sums <= high)).all(axis=1)]
    small = (exact > 0) & (exact < settings.SMALLEST)
    return [n for n in np.flatnonzero(small) if (sums[:, n] == exact[n]).all()]


def test_all_exports_together_tell_no_small_number(published):
    assert pinned(published) == []


def test_masking_alone_would_tell_them_by_subtracting(published):
    naive = [
        (cell, pd.NA if 0 < np.dot(cell, PERSONS) < settings.SMALLEST else np.dot(cell, PERSONS))
        for cell, _ in published
    ]
    shown = {float(value) for _, value in naive if pd.notna(value)}
    assert any(0 < abs(a - b) < 5 for a, b in combinations(shown, 2))
    assert len(pinned(naive, room=0)) > 5


def test_no_sentence_and_no_ratio_tells_a_number(records, tmp_path):
    table = cn.gaps(records, "L", YEARS["long"])
    assert not table["why"].str.contains(r"\d+ (?:person|flow)").any()
    status = cn.agreement_status(records, "L", years=YEARS["long"])
    assert status.set_index("partner").loc["A", "reciprocity"] == 3 / 40
    out = pd.read_parquet(cn.export_table(status, tmp_path / "a.parquet")).set_index("partner")
    assert pd.isna(out.loc["A", "reciprocity"])
    assert out.loc["A", ["mobility_out", "masked"]].tolist() == [40, True]


def test_partners_and_links_of_mobility_are_masked_and_joint_works_are_not(records):
    moved = guard(cn.partners(records, "L", kind="mobility"))
    assert moved["weight"].isna().all()
    assert moved.attrs["note"]["smallest"] == settings.SMALLEST
    agreed = cn.partners(records, "L", kind="agreement")
    assert guard(agreed) is agreed
    assert agreed["weight"].eq(1).all()
    both = cn.compare_edges(cn.edges(records, "mobility"), cn.edges(records, "agreement"))
    safe = guard(both)
    assert safe["activities_left"].isna().all()
    assert safe["activities_right"].equals(both["activities_right"])


def test_the_note_of_an_export_says_that_numbers_were_rounded(records, tmp_path):
    table = cn.gaps(records, "L", YEARS["long"])
    path = cn.export_table(table, tmp_path / "gaps.csv")
    note = path.with_name("gaps.csv.note.txt").read_text("utf-8")
    assert "rounded to: 5" in note
    assert table["mobility_out"].sum() == sum(f[-1] for f in FLOWS if f[2] == "out")


@pytest.fixture(scope="module")
def single():
    """Return records of one row a mobile person: L to M 3, to N 7, to R 2."""
    acts, rows = [], []
    for n, partner in enumerate("MMMNNNNNNNRR"):
        key = {"activity_id": f"m{n}"}
        acts.append(key | {"kind": "mobility", "start": str(2018 + n % 4), "amount": 1})
        rows.append(key | {"institution_id": "L", "role": "sending"})
        rows.append(key | {"institution_id": partner, "role": "receiving"})
    bodies = [
        {"institution_id": b, "name": b, "country": c}
        for b, c in zip("LMNR", ("BE", "FR", "MA", "TN"), strict=True)
    ]
    return cn.Records(frames(acts, rows, bodies))


MOVED, HALVES = {"kind": "mobility"}, {"before": (2018, 2019), "after": (2020, 2021)}
DOORS = {
    "edges": lambda _r, e: e,
    "around": lambda _r, e: cn.around(e, "L"),
    "behind": lambda r, _e: cn.behind(r, ("L", "M"), **MOVED),
    "behind_gap": lambda r, _e: cn.behind_gap(r, "N", "mobility_out", home="L"),
    "partners": lambda r, _e: cn.partners(r, "L", **MOVED),
    "flows": lambda r, _e: cn.flows(r),
    "gaps": lambda r, _e: cn.gaps(r, "L", new=5, needs=["mobility"]).drop(columns="why"),
    "output": lambda r, _e: cn.output(r, "mobility"),
    "collaboration": lambda r, _e: cn.collaboration(r, "mobility"),
    "collaboration_types": lambda r, _e: cn.collaboration_types(r, "mobility"),
    "strengths": lambda _r, e: cn.strengths(e),
    "centrality": lambda _r, e: cn.centrality(e),
    "communities": lambda _r, e: cn.communities(e),
    "brokers": lambda _r, e: cn.brokers(e),
    "similarities": lambda r, e: cn.similarities(e, cn.output(r, "mobility")),
    "relative_intensity": lambda _r, e: cn.relative_intensity(e),
    "expected_links": lambda r, e: cn.expected_links(e, cn.output(r, "mobility")),
    "backbone": lambda _r, e: cn.backbone(e, alpha=1),
    "diversity": lambda _r, e: cn.diversity(e, by="target", of="source"),
    "region_shares": lambda r, e: cn.region_shares(e, r.institutions),
    "compare_edges": lambda r, e: cn.compare_edges(e, cn.edges(r, "work")),
    "changes": lambda r, _e: cn.compare_stores(cn.Records({}), r, "L", **MOVED)[0],
    "changed partners": lambda r, _e: cn.compare_stores(cn.Records({}), r, "L", **MOVED)[1],
    "decompose": lambda r, _e: cn.decompose(r, "L", **HALVES, **MOVED),
    "trend": lambda r, _e: cn.trend(r, "L", by="cumulative", **MOVED),
    "growth": lambda r, _e: cn.growth(r, "L", **MOVED),
    "turnover": lambda r, _e: cn.turnover(r, "L", periods=[*HALVES.values()], **MOVED),
    "partner_intervals": lambda r, _e: cn.partner_intervals(r, "L", **MOVED),
    "share_intervals": lambda r, _e: cn.share_intervals(r, "L", **MOVED),
    "bus_factor": lambda r, _e: cn.bus_factor(r, "L", **MOVED),
    "without": lambda r, _e: cn.without(r, "L", institution="M", **MOVED),
}
# Not numbers of persons: when, what was asked, how many cells are masked, and kinds of rows.
NO_COUNTS = {"first", "last", "since", "until", "year", "years", "masked", "seed"}
NO_COUNTS |= {"samples", "alpha", "window", "span", "collabnet", "resolution", "last_activity"}
NO_COUNTS |= {
    "classes",
    "partners",
    "alive_from",
    "as_of",
    "interval",
    "rule",
    "settings",
    "withheld",
}


def numbers(value, key=""):
    """Yield all numbers in a note or a row, also those in its sentences."""
    if key in NO_COUNTS or isinstance(value, bool | np.bool_):
        return
    if isinstance(value, dict):
        for name, part in value.items():
            yield from numbers(part, name)
    elif isinstance(value, list | tuple | np.ndarray):
        for part in value:
            yield from numbers(part, key)
    elif isinstance(value, str):
        yield from map(float, re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])", value))
    elif pd.notna(value):
        yield float(value)


def odd(table):
    """Return the numbers an exported table and its note tell that no rounding leaves."""
    note = {k: v for k, v in table.attrs["note"].items() if k not in {"before", "after"}}
    told = [*numbers(table.to_dict("records")), *numbers(note)]
    return [n for n in told if n % settings.SMALLEST]


@pytest.mark.parametrize("door", DOORS)
def test_a_table_of_mobility_is_rounded_with_its_note_whatever_it_shows(single, tmp_path, door):
    table = DOORS[door](single, cn.edges(single, "mobility"))
    out = pd.read_parquet(cn.export_table(table, tmp_path / "t.parquet"))
    assert odd(out) == []
    assert out.attrs["note"]["rounded_to"] == settings.SMALLEST


FIGURES = {
    "map": lambda r, e: cn.plot_map(e, r.institutions, home="L"),
    "region": lambda r, e: cn.plot_region(e, r.institutions, "maghreb", home="L"),
    "compare": lambda r, e: cn.plot_compare(cn.compare_edges(e, e), r.institutions, home="L"),
    "network": lambda _r, e: cn.plot_network(e),
    "trend": lambda r, _e: cn.plot_trend(cn.trend(r, "L", by="cumulative", **MOVED)),
}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_of_mobility_tells_rounded_numbers_only(single, figure):
    places = {"L": (50.6, 5.6), "M": (48.9, 2.4), "N": (34.0, -6.8), "R": (36.8, 10.2)}
    single.institutions["lat"] = single.institutions["institution_id"].map(lambda i: places[i][0])
    single.institutions["lon"] = single.institutions["institution_id"].map(lambda i: places[i][1])
    fig = FIGURES[figure](single, cn.edges(single, "mobility"))
    hovers = [re.findall(r"(?:: |<br>)(\d+)(?![\d–])", str(trace.hovertext)) for trace in fig.data]
    values = [float(n) for found in hovers for n in found]
    if figure == "trend":
        values = [float(y) for trace in fig.data if trace.y is not None for y in trace.y]
    assert {v for v in values if pd.notna(v) and v % settings.SMALLEST} == set()
    assert [n for n in numbers(fig.layout.meta["notes"]) if n % settings.SMALLEST] == []
    assert values != []
    assert "nearest 5" in " ".join(a.text for a in fig.layout.annotations)


def test_files_of_links_written_block_by_block_are_rounded_too(single, tmp_path):
    cn.write_edges(single, tmp_path / "e.parquet", "mobility")
    out = pd.read_parquet(tmp_path / "e.parquet")
    assert odd(out) == []
    assert out.set_index("target")["weight"].fillna(-1).to_dict() == {"M": -1, "N": 5, "R": -1}
    assert out.attrs["note"]["smallest"] == settings.SMALLEST


@pytest.mark.parametrize("suffix", [".net", ".gexf", ".graphml", ".json"])
def test_graph_files_of_mobility_hold_no_link_of_few_and_rounded_weights(single, tmp_path, suffix):
    graph = cn.to_graph(cn.edges(single, "mobility"), single.institutions)
    for node, strength in graph.degree(weight="weight"):
        graph.nodes[node].update(strength=strength, pagerank=strength / 24)
    found = cn.read_graph(cn.write_graph(graph, tmp_path / f"g{suffix}"))
    assert [(a, b, d["weight"]) for a, b, d in found.edges(data=True)] == [("L", "N", 5)]
    assert sorted(found) == ["L", "M", "N", "R"]
    assert not any("pagerank" in data for _, data in found.nodes(data=True))
    strengths = {node: data.get("strength") for node, data in found.nodes(data=True)}
    assert {value for value in strengths.values() if value} <= {5, 10}
    assert [n for n in numbers(found.graph["note"]) if n % settings.SMALLEST] == []
    assert graph.edges["L", "M"]["weight"] == 3


def test_a_vector_with_masked_strengths_is_not_written(single, tmp_path):
    graph = cn.to_graph(cn.edges(single, "mobility"))
    for node, strength in graph.degree(weight="weight"):
        graph.nodes[node]["strength"] = strength
    with pytest.raises(cn.CollabnetError, match="of 'M' it is None"):
        cn.write_graph(graph, tmp_path / "strength.vec")
    assert [*tmp_path.iterdir()] == []


def test_two_stores_with_nothing_in_common_are_compared(single):
    changes, links = cn.compare_stores(cn.Records({}), single, "L", kind="mobility")
    assert changes["change"].tolist() == ["added"] * 12
    assert links["weight_b"].tolist() == [7, 3, 2]


def test_the_note_names_the_columns_that_are_withheld(single, tmp_path):
    table = cn.partner_intervals(single, "L", kind="mobility")
    out = pd.read_parquet(cn.export_table(table, tmp_path / "t.parquet"))
    assert list(out) == ["partner", "name", "weight", "masked"]
    assert out.attrs["note"]["withheld"] == list(table)[3:]
    assert table["weight"].tolist() == [7, 3, 2]


def test_single_moves_cannot_be_counted_by_rows_and_a_flow_of_many_stays(single, records):
    few = guard(cn.behind(single, ("L", "N"), kind="mobility"))
    assert (len(few), few.attrs["note"]["rows_left_out"]) == (0, 5)
    many = guard(cn.behind(records, ("L", "A"), kind="mobility"))
    assert many["amount"].tolist() == [40]


def test_the_sentence_of_an_empty_table_is_rounded_too(single):
    people = single.participants
    alone = cn.Records(
        {
            "activities": single.activities,
            "participants": people[people["institution_id"] == "L"].head(7),
            "institutions": single.institutions,
        }
    )
    table = cn.growth(alone, "L", kind="mobility")
    assert table.attrs["note"]["said"] == "No partner of L is in its 7 activities here."
    assert guard(table).attrs["note"]["said"] == "No partner of L is in its 5 activities here."


def test_the_order_of_rows_tells_no_rank(single):
    assert guard(cn.partners(single, "L", kind="mobility"))["partner"].tolist() == ["M", "N", "R"]


def test_the_other_side_of_a_comparison_stays_exact(single):
    mixed = cn.compare_edges(cn.edges(single, "mobility"), cn.edges(single, "mobility"))
    mixed.attrs["note"]["right"] = {"kind": "work", "joint": 12}
    safe = guard(mixed)
    assert safe["weight_right"].tolist() == [3, 7, 2]
    assert safe.attrs["note"]["right"]["joint"] == 12
    assert safe.attrs["note"]["left"]["joint"] == 10


@pytest.mark.parametrize("least", [2, 4])
def test_a_threshold_below_the_smallest_number_shown_is_refused(single, least):
    with pytest.raises(cn.CollabnetError, match="least_persons"):
        cn.gaps(single, "L", least_persons=least)
