"""The life of agreements: statuses at a date, expiry, renewals, use; the oracles to the letter."""

from fractions import Fraction

import pandas as pd
import pytest
from corpora import frames

import collabnet as cn
from conftest import ROOT

DAY = "2026-01-01"


def deal(number, *partners, **facts):
    """Return an agreement of L with partners: ids, or dicts of their columns."""
    rows = [{"institution_id": "L", "activity_id": number} | facts.pop("home", {})]
    rows += [
        {"activity_id": number} | (one if isinstance(one, dict) else {"institution_id": one})
        for one in partners
    ]
    return {"activity_id": number, "kind": "agreement"} | facts, rows


def flow(number, sending, receiving, persons):
    act = {"activity_id": number, "kind": "mobility", "start": "2025", "amount": persons}
    ends = zip((sending, receiving), ("sending", "receiving"), strict=True)
    return act, [{"activity_id": number, "institution_id": b, "role": role} for b, role in ends]


def work(number, *bodies):
    act = {"activity_id": number, "kind": "work", "start": "2025"}
    return act, [{"activity_id": number, "institution_id": body} for body in bodies]


def made(*parts, **tables):
    acts, rows = [act for act, _ in parts], [row for _, two in parts for row in two]
    return cn.Records(frames(acts, rows) | tables)


def status(*parts, as_of=DAY, **options):
    return cn.agreement_status(made(*parts), "L", as_of=as_of, **options)


@pytest.fixture(scope="module")
def oracle(oracles):
    """Return what was computed by hand, and the records it was computed on."""
    known = oracles["agreements"]
    parts = []
    for one in known["rows"]:
        dates = {"start": one["start"], "end": one["end"]}
        ends = {"end_status": "known" if one["end"] else "open"}
        parts.append(deal(one["id"], one["partner"], **dates, **ends))
        parts.append(flow(f"{one['id']}-out", "L", one["partner"], one["out"]))
        parts.append(flow(f"{one['id']}-in", one["partner"], "L", one["in"]))
    parts += [work(f"w-{body}", "L", body) for body in known["coauthor_partners_ge1"]]
    return known, made(*parts)


def test_statuses_and_days_are_those_of_the_oracle(oracle):
    known, records = oracle
    table = cn.agreement_status(records, "L", as_of=known["as_of"]).set_index("activity_id")
    assert table.index[table["status"] == "in force"].tolist() == known["in_force"]
    assert table.index[table["status"] == "expired"].tolist() == known["expired"]
    days = table["days_to_expiry"].astype(object).where(table["days_to_expiry"].notna(), None)
    assert days.to_dict() == known["days_to_expiry"]
    for number, ratio in known["reciprocity_min_over_max"].items():
        found = table.loc[number, "reciprocity"]
        assert (pd.isna(found) and ratio is None) or found == ratio


def test_rates_are_those_of_the_oracle(oracle):
    known, records = oracle
    rates = cn.agreement_rates(records, "L", as_of=known["as_of"]).set_index("indicator")
    names = {
        "activity": "activity_rate",
        "dormancy": "dormancy_rate",
        "coverage": "coverage_of_coauthors_by_agreements",
        "backing": "agreements_backed_by_copubs",
    }
    for name, key in names.items():
        assert rates.loc[name, "value"] == pytest.approx(float(Fraction(known[key])), abs=1e-12)
    assert rates.loc["activity", ["part", "whole"]].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("dates", "found"),
    [
        ({"start": "2020", "end": "2026"}, ("in force", 364)),
        ({"start": "2020", "end": "2026-01"}, ("in force", 30)),
        ({"start": "2020", "end": "2026-01-01"}, ("in force", 0)),
        ({"start": "2020", "end": "2025"}, ("expired", -1)),
        ({"end": "2025-12-31"}, ("expired", -1)),
        ({"start": "2026-01-02", "end": "2030"}, ("not yet", 1825)),
        ({"start": "2020", "end_status": "open"}, ("in force", None)),
        ({"start": "2020", "end_status": "unknown"}, ("dates unknown", None)),
        ({"start": "2020"}, ("dates unknown", None)),
        ({"end_status": "open"}, ("dates unknown", None)),
        ({"end": "2030"}, ("dates unknown", 1825)),
        ({}, ("dates unknown", None)),
    ],
)
def test_a_status_rests_on_the_dates_that_are_known(dates, found):
    one = status(deal("g", "M", **dates)).iloc[0]
    days = None if pd.isna(one["days_to_expiry"]) else one["days_to_expiry"]
    assert (one["status"], days) == found


@pytest.mark.parametrize(
    ("member", "found"),
    [
        ({"until": "2022"}, "expired"),
        ({"since": "2027"}, "not yet"),
        ({"since": "2010", "until": "2030"}, "in force"),
    ],
)
def test_an_agreement_is_in_force_between_those_who_are_members(member, found):
    partner = {"institution_id": "M", **member}
    table = status(deal("g", partner, "N", start="2008", end_status="open"))
    assert table.set_index("partner")["status"].to_dict() == {"M": found, "N": "in force"}
    ours = status(deal("g", "N", start="2008", end_status="open", home=member))
    assert ours["status"].tolist() == [found]


def test_a_partner_that_came_back_is_in_force():
    spells = [{"institution_id": "M", "since": "2008", "until": "2012"}]
    spells += [{"institution_id": "M", "since": "2020"}]
    table = status(deal("g", *spells, start="2008", end_status="open"))
    assert table[["partner", "status", "members"]].to_numpy().tolist() == [["M", "in force", 2]]


def test_a_party_without_an_id_keeps_its_row():
    nameless = {"affiliation": "Somewhere College", "country": "FR"}
    table = status(deal("g", nameless, "M", start="2020", end="2030"))
    assert table["name"].tolist() == ["M", "Somewhere College"]
    assert table["members"].tolist() == [3, 3]
    assert table["country"].iloc[1] == "FR"


def test_what_ends_soon_is_marked():
    parts = [deal(f"g{year}", "M", start="2020", end=f"{year}-06-30") for year in range(2025, 2029)]
    assert status(*parts)["ending"].tolist() == [False, True, False, False]
    assert status(*parts, months=18)["ending"].tolist() == [False, True, True, False]


def test_a_renewal_belongs_to_the_chain_of_the_first():
    table = status(
        deal("g3", "M", start="2024", end="2030", follows="g2"),
        deal("g2", "M", start="2018", end="2023", follows="g1"),
        deal("g1", "M", start="2012", end="2017", follows="lost"),
        deal("a", "N", follows="b"),
        deal("b", "N", follows="a"),
    ).set_index("activity_id")
    assert table.loc[["g1", "g2", "g3"], "renewal"].tolist() == [1, 2, 3]
    assert set(table.loc[["g1", "g2", "g3"], "chain"]) == {"lost"}
    assert table.loc[["a", "b"], "renewal"].tolist() == [1, 1]


def test_type_programme_field_and_unit_of_home_are_there():
    fields = pd.DataFrame(
        {"activity_id": ["g", "g"], "scheme": "isced-f", "code": ["0421", "0912"]}
    )
    act = deal(
        "g", {"institution_id": "M", "unit": "theirs"}, home={"unit": "Law"}, type="bilateral"
    )
    table = cn.agreement_status(made(act, fields=fields.assign(share=0.5)), "L", as_of=DAY)
    assert table.loc[0, ["type", "unit", "fields"]].tolist() == ["bilateral", "Law", "0421; 0912"]


def test_rates_that_rest_on_synthetic_works_say_so():
    act, sides = work("w", "L", "M")
    for made_up in (True, False):
        records = made(
            deal("g", "M", start="2020", end="2030"), (act | {"synthetic": made_up}, sides)
        )
        assert cn.agreement_rates(records, "L", as_of=DAY).attrs["note"]["synthetic"] is made_up


def test_without_mobility_nobody_is_called_dormant():
    records = made(deal("g", "M", start="2020", end="2030"), work("w", "L", "M"))
    rates = cn.agreement_rates(records, "L", as_of=DAY).set_index("indicator")
    assert rates["value"].isna().to_dict() == {
        "activity": True,
        "dormancy": True,
        "coverage": False,
        "backing": False,
    }
    table = cn.agreement_status(records, "L", as_of=DAY)
    assert table[["mobility_out", "mobility_in", "reciprocity"]].isna().all(axis=None)


def test_a_partner_nobody_went_to_has_nought_where_mobility_is_known():
    table = status(
        deal("g", "M", "N", start="2020", end="2030"),
        flow("m", "L", "M", 8),
        flow("n", "M", "L", 2),
    ).set_index("partner")
    assert table["mobility_out"].to_dict() == {"M": 8, "N": 0}
    assert table.loc["M", "reciprocity"] == 0.25
    assert pd.isna(table.loc["N", "reciprocity"])


def test_the_day_is_the_end_of_the_years_but_never_in_the_future():
    act = deal("g", "M", start="2020", end="2030")
    note = cn.agreement_status(made(act), "L", years=(2019, 2024)).attrs["note"]
    assert (note["as_of"], note["in force"]) == ("2024-12-31", 1)
    future = cn.agreement_status(made(act), "L", years=(2019, 2199)).attrs["note"]
    assert future["as_of"] == f"{pd.Timestamp.today():%Y-%m-%d}"


def test_no_agreement_is_an_empty_table_with_a_sentence():
    for records in (cn.Records({}), made(work("w", "L", "M"))):
        table = cn.agreement_status(records, "L", as_of=DAY)
        assert (len(table), "status" in table) == (0, True)
        assert table.attrs["note"]["said"] == "No agreement of L is in these records."
        rates = cn.agreement_rates(records, "L", as_of=DAY)
        assert rates["value"].isna().all()


@pytest.mark.parametrize("given", ["soon", "2026-13", "2026-02-30"])
def test_a_day_that_is_none_is_refused(given):
    with pytest.raises(cn.InputError, match="is not a date such as 2026"):
        status(deal("g", "M"), as_of=given)


def test_a_store_says_the_same_as_memory(tmp_path):
    read = cn.read(ROOT / "data")
    cn.write_store(read, tmp_path / "store")
    tables = [cn.agreement_status(one, as_of=DAY) for one in (read, cn.read(tmp_path / "store"))]
    pd.testing.assert_frame_equal(*tables)


def test_the_official_example_of_erasmus_without_paper_is_understood(real):
    records = cn.read(real / "ewp" / "get-response-example.xml")
    home, partner = records.participants["institution_id"].tolist()[:2]
    days = {"2013": "not yet", "2018": "in force", "2023": "expired"}
    for day, found in days.items():
        one = cn.agreement_status(records, home, as_of=day).iloc[0]
        assert (one["partner"], one["status"]) == (partner, found)
