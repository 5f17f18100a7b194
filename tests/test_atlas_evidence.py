"""What the atlas is given beside links: each part is that of the public function that tells it."""

import json

import pandas as pd
import pytest

import collabnet as cn
from collabnet import settings
from collabnet.atlas import write_atlas
from collabnet.atlas.content import gather
from collabnet.atlas.evidence import CLASSES, day_of
from collabnet.words import WORDS
from conftest import ROOT

HOME, YEARS, DAY = settings.HOME, (2019, 2024), "2024-12-31"


@pytest.fixture(scope="module")
def records():
    return cn.resolve(cn.read(ROOT / "data"))


@pytest.fixture(scope="module")
def page(records):
    """All the page is given, as it reads it."""
    data = gather(records, HOME, ["world"], years=YEARS, as_of=DAY)
    return json.loads(json.dumps(data, allow_nan=False))


@pytest.fixture(scope="module")
def flows():
    """Persons sent to M: 12, to N: 3 and 3 in one year, to R: an unknown number; 2 came from M."""
    rows = [("a", "L", "M", 12), ("b", "L", "N", 3), ("c", "L", "N", 3), ("d", "L", "R", None)]
    rows.append(("e", "M", "L", 2))
    acts = pd.DataFrame(
        {"activity_id": [r[0] for r in rows], "kind": "mobility", "amount": [r[3] for r in rows]}
    ).assign(start="2020", end="2020", title=[f"flow {r[0]}" for r in rows])
    sides = [(r[0], r[n], role) for r in rows for n, role in ((1, "sending"), (2, "receiving"))]
    sides = pd.DataFrame(sides, columns=["activity_id", "institution_id", "role"])
    bodies = pd.DataFrame({"institution_id": list("LMNR"), "name": list("LMNR"), "country": "BE"})
    return cn.Records({"activities": acts, "participants": sides, "institutions": bodies})


def ids(page, part):
    return {page["bodies"][int(index)]["id"]: row for index, row in part.items()}


def near(value, expected):
    """Say whether a number of the page is that of a table, to the digits it is given with."""
    if pd.isna(expected):
        return value is None
    return value == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_classes_and_sentences_are_those_of_gaps(page, records, lang):
    table = cn.gaps(records, HOME, YEARS, as_of=DAY, lang=lang)
    said = {
        body: (row["class"], row["why"][lang])
        for body, row in ids(page, page["gaps"]["rows"]).items()
    }
    rows = table[["partner", "class", "why"]].itertuples(index=False)
    assert said == {body: (one, why) for body, one, why in rows}
    assert len(said) > 100
    assert set(page["gaps"]["classes"]) == set(CLASSES) == set(WORDS[lang]["gaps"]["classes"])


def test_the_numbers_behind_a_class_are_those_of_gaps(page, records):
    table, rows = cn.gaps(records, HOME, YEARS, as_of=DAY), ids(page, page["gaps"]["rows"])
    agreed = [
        "agreements_in_force",
        "agreements_expired",
        "agreements_unknown",
        "agreements_not_yet",
    ]
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        told = rows[row["partner"]]
        assert told["works"] == [row[c] for c in ("works", "works_low", "works_high")]
        assert told["agreements"] == [row[c] for c in agreed]
        assert [told[c] for c in ("projects", "last", "synthetic")] == [
            row[c] for c in ("projects", "last_activity", "synthetic")
        ]
        fields = {k: "; ".join(names) for k, names in told["fields"].items()}
        assert fields.get("works") == row["fields_works"]
    names = {field["en"]: field["fr"] for field in page["fieldNames"]}
    assert names["Medicine"] == "Médecine"


def test_several_languages_of_a_sentence_stand_side_by_side(records):
    table = cn.gaps(records, HOME, YEARS, as_of=DAY, lang=["en", "fr"])
    assert list(table)[-2:] == ["why_en", "why_fr"]
    assert (
        table["why_fr"].tolist()
        == cn.gaps(records, HOME, YEARS, as_of=DAY, lang="fr")["why"].tolist()
    )


def test_lives_are_those_of_agreement_status_and_point_at_the_activities_shown(page, records):
    table = cn.agreement_status(records, HOME, as_of=DAY, years=YEARS)
    told = [(row["id"], row["status"], row["days"], row["ending"]) for row in page["lives"]]
    columns = ["activity_id", "status", "days_to_expiry", "ending"]
    expected = table[columns].astype(object).where(table[columns].notna(), None)
    assert told == list(expected.itertuples(index=False, name=None))
    layer = next(one for one in page["layers"] if one["kind"] == "agreement")
    pointing = [row for row in page["lives"] if row["act"] is not None]
    assert len(pointing) > 10
    assert all(layer["acts"][str(row["act"])]["id"] == row["id"] for row in pointing)


def test_figures_are_those_of_profile_with_their_bounds(page, records):
    table = cn.profile(records, HOME, years=YEARS)
    assert [row["key"] for row in page["figures"]] == table["indicator"].tolist()
    for told, row in zip(page["figures"], table.to_dict("records"), strict=True):
        assert all(near(told[c], row[c]) for c in ("value", "low", "high"))
        assert (told["n"], told["unit"], told["formula"]) == (
            row["n"],
            row["unit"],
            row["definition"],
        )
    assert all(row["synthetic"] for row in page["figures"])


def test_shares_are_those_of_link_shares_and_persons_those_of_the_card(page, records):
    table, shares = cn.link_shares(records, HOME, years=YEARS), ids(page, page["shares"])
    for row in table.to_dict("records"):
        told = shares[row["partner"]]
        assert near(told["mine"], row["of_home"])
        assert near(told["lead"][0], row["lead_home"])
        assert near(told["lead"][1], row["lead_partner"])
        alone = row["output_partner"] == row["joint"]
        assert told["theirs"] is None if alone else near(told["theirs"], row["of_partner"])
    first = table["partner"].iloc[0]
    lines = cn.partner_card(records, HOME, first, years=YEARS).table.set_index("line")["value"]
    assert shares[first]["people"] == lines[["persons_home", "persons_partner"]].tolist()


def test_changes_are_those_of_turnover_and_growth(page, records):
    told = page["changes"]["work"]
    assert told["periods"] == [[2019, 2021], [2022, 2024]]
    periods = [(2015, 2018), (2019, 2021), (2022, 2024)]
    table = cn.turnover(records, HOME, periods=periods).query("until == 2024")
    for name, status in (("fresh", "new"), ("lasting",) * 2, ("returning",) * 2, ("lost",) * 2):
        found = [page["bodies"][index]["id"] for index in told[name]]
        assert found == table.loc[table["status"] == status, "partner"].tolist(), name
    rates = cn.growth(records, HOME, years=YEARS).dropna(subset="low")
    assert [page["bodies"][row[0]]["id"] for row in told["growth"]] == rates["partner"].tolist()
    assert near(told["growth"][0][1], rates["growth"].iloc[0])


def test_the_last_periods_are_of_years_that_are_over(records):
    data = gather(records, HOME, ["world"], as_of="2024-06-30")
    assert data["changes"]["work"]["periods"] == [(2018, 2020), (2021, 2023)]


def test_the_network_is_of_the_partners_without_home_and_says_what_it_leaves_out(page, records):
    net, table = page["network"]["work"], cn.edges(records, "work", years=YEARS)
    weights = {
        (a, b): w for a, b, w in table[["source", "target", "weight"]].itertuples(index=False)
    }
    others = [pair for pair in weights if HOME not in pair]
    assert net["whole"] == len(others) > net["kept"] == len(net["edges"])
    assert net["alpha"] == 0.05
    for a, b, weight in net["edges"]:
        ends = tuple(sorted(page["bodies"][index]["id"] for index in (a, b)))
        assert weights[ends] == weight
    assert {index for edge in net["edges"] for index in edge[:2]} == {
        row[0] for row in net["nodes"]
    }
    assert all(0 <= x <= 1 and 0 <= y <= 1 and group > 0 for _, x, y, group in net["nodes"])


def test_regions_are_those_of_edges_between_them(page, records):
    table = cn.edges(records, "agreement", level="region", years=YEARS)
    told, names = page["regions"]["agreement"]["cells"], page["regions"]["agreement"]["names"]
    expected = {(row["source"], row["target"]): row["weight"] for row in table.to_dict("records")}
    for a, one in enumerate(names):
        for b, other in enumerate(names):
            both = tuple(sorted((one, other)))
            assert told[a][b] == (None if a == b else expected.get(both, 0)), both


def test_fields_types_and_sizes_stand_by_activity(page, records):
    works = next(one for one in page["layers"] if one["kind"] == "work")
    assert len(works["fields"]) == len(works["sizes"]) == len(works["ends"])
    counts = [0] * len(page["fieldNames"])
    for act, first, _, _ in works["spans"]:
        for field in works["fields"][act] or () if YEARS[0] <= first <= YEARS[1] else ():
            counts[field] += 1
    table = cn.gaps(records, HOME, YEARS, by="field", as_of=DAY).dropna(subset="field")
    table = table.set_index("field")["works"]
    named = {page["fieldNames"][n]["en"]: count for n, count in enumerate(counts) if count}
    assert named == {name: n for name, n in table.items() if n}
    assert len(named) > 3


def test_fractions_of_works_can_be_counted_from_their_sizes(page, records):
    works = next(one for one in page["layers"] if one["kind"] == "work")
    weight = {}
    for act, _, _, bodies in works["spans"]:
        for index in bodies:
            body = page["bodies"][index]["id"]
            weight[body] = weight.get(body, 0) + 1 / (works["sizes"][act] - 1)
    table = cn.partners(records, HOME, count="fractional")
    assert weight == pytest.approx(table.set_index("partner")["weight"].to_dict())


def test_the_most_cited_works_of_a_partner_are_listed_and_the_rest_counted():
    works = pd.DataFrame({"activity_id": [f"w{n}" for n in range(8)], "kind": "work"})
    works = works.assign(start="2020", title="x", cited_by=[3, 9, None, 1, 8, 7, 2, 0])
    sides = [(f"w{n}", side) for n in range(8) for side in "LM"]
    sides = pd.DataFrame(sides, columns=["activity_id", "institution_id"])
    data = gather(cn.Records({"activities": works, "participants": sides}), "L", ["world"])
    (layer,) = data["layers"]
    assert [act.get("cited") for act in layer["acts"].values()] == [3, 9, 8, 7, 2]
    assert len(layer["spans"]) == 8


def test_no_exact_number_of_mobile_persons_is_in_the_page(flows):
    data = gather(flows, "L", ["world"], as_of=DAY)
    (layer,) = data["layers"]
    names = [body["id"] for body in data["bodies"]]
    told = {
        (names[bodies[0]], layer["acts"].get(act, {}).get("title")): layer["amounts"][act]
        for act, _, _, bodies in layer["spans"]
    }
    # Both flows to N make one of 6 persons; what came from M is too few to be told of.
    assert told == {("M", "flow a"): 10, ("N", None): 5, ("R", "flow d"): None, ("M", None): None}
    rows = {names[index]: (row["out"], row["in"]) for index, row in data["gaps"]["rows"].items()}
    assert rows == {"M": (10, "<5"), "N": (5, 0), "R": (None, 0)}
    assert data["asked"]["smallest"] == settings.SMALLEST


@pytest.mark.parametrize(
    ("read", "years", "as_of", "day"),
    [
        (["2026-03-01T10:00", "2026-02-01"], None, None, "2026-03-01"),
        (["2026-03-01"], (2019, 2024), None, "2024-12-31"),
        (["2023-03-01"], (2019, 2024), None, "2023-03-01"),
        (["2026-03-01"], (2019, 2024), "2025", "2025"),
        ([], None, None, None),
    ],
)
def test_the_day_is_that_of_the_newest_source_or_the_end_of_the_years(read, years, as_of, day):
    assert day_of({"sources": [{"ingested_at": one} for one in read]}, years, as_of) == day


def test_an_atlas_of_records_without_the_home_has_all_its_parts_empty():
    data = gather(cn.Records({}), HOME, ["world"])
    assert data["gaps"]["rows"] == data["shares"] == data["changes"] == data["network"] == {}
    assert data["lives"] == data["figures"] == data["fieldNames"] == []


def test_wrong_years_are_one_sentence_and_write_nothing(records, tmp_path):
    with pytest.raises(cn.CollabnetError, match="the first year comes after the last"):
        write_atlas(records, tmp_path / "no.html", years=(2024, 2019))
    assert list(tmp_path.iterdir()) == []
