"""The gap matrix: classes, what is unknown, cells and what is behind them, other levels."""

from itertools import product

import pandas as pd
import pytest
from corpora import frames, held
from hypothesis import given, settings
from hypothesis import strategies as st

import collabnet as cn
from collabnet import cli
from collabnet.gap_table import AGREED, LAYERS, _crosswalk, _term, _verdict
from conftest import ROOT

HOME, YEARS = "L", (2019, 2024)
CLASSES = {
    "A": "active",
    "B": "active",
    "C": "dormant",
    "D": "dormant",
    "E": "uncovered",
    "F": "uncovered",
    "G": "expired but alive",
    "H": "new",
    "I": "new",
    "J": "dates unknown",
    "K": "dates unknown",
    "N": "data missing",
}
PLACES = dict(
    zip(
        "ABCDEFGHIJKN",
        ["NL", "NL", "DE", "MA", "MA", "CD", "CD", "DE", "FR", "FR", "LU", "LU"],
        strict=True,
    )
)


def row(number, kind, partner, **facts):
    """Return an activity of home and a partner, and its two parties."""
    act = {"activity_id": number, "kind": kind} | facts
    parties = (
        [HOME, partner] if kind != "mobility" or facts.get("type") != "in" else [partner, HOME]
    )
    roles = ["sending", "receiving"] if kind == "mobility" else [None, None]
    return act, [
        {"activity_id": number, "institution_id": body, "role": role}
        for body, role in zip(parties, roles, strict=True)
    ]


ROWS = {
    "a1": ("agreement", "A", {"start": "2010-09-01", "end": "2030-08-31"}),
    **{f"w{n}": ("work", "A", {"start": f"20{n}"}) for n in (15, 20, 21, 22)},
    "b1": ("agreement", "B", {"start": "2012", "end_status": "open"}),
    "b2": ("mobility", "B", {"start": "2021", "amount": 12, "type": "out"}),
    "b3": ("mobility", "B", {"start": "2022", "amount": 7, "type": "in"}),
    "c1": ("agreement", "C", {"start": "2012", "end": "2027"}),
    "c2": ("work", "C", {"start": "2013"}),
    "d1": ("agreement", "D", {"start": "2010", "end": "2015"}),
    "d2": ("work", "D", {"start": "2012"}),
    "e1": ("work", "E", {"start": "2015"}),
    "e2": ("work", "E", {"start": "2020"}),
    "f1": ("project", "F", {"start": "2018", "end": "2021"}),
    "g1": ("agreement", "G", {"start": "2010", "end": "2020-12"}),
    "g2": ("work", "G", {"start": "2021"}),
    "h1": ("work", "H", {"start": "2023"}),
    "i1": ("agreement", "I", {"start": "2023-10", "end": "2028"}),
    "j1": ("agreement", "J", {}),
    "j2": ("work", "J", {"start": "2020"}),
    "k1": ("agreement", "K", {"start": "2008", "end_status": "unknown"}),
    "n1": ("agreement", "N", {"start": "2010", "end_status": "open"}),
    "n2": ("project", "N", {}),
    "x1": ("work", "X", {"start": "2011"}),
}


def records(rows=None, **tables):
    """Return Records of the twelve partners, and of X, with whom nothing is done any more."""
    made = [
        row(number, kind, partner, **facts)
        for number, (kind, partner, facts) in (rows or ROWS).items()
    ]
    bodies = [
        {"institution_id": b, "name": f"University {b}", "country": c} for b, c in PLACES.items()
    ]
    bodies.append({"institution_id": HOME, "name": "Home", "country": "BE"})
    parts = frames([act for act, _ in made], [one for _, two in made for one in two], bodies)
    return cn.Records(parts | tables)


def without(*kinds):
    return records({n: one for n, one in ROWS.items() if one[0] not in kinds})


def cells(table, *columns):
    return (
        table.set_index(table.columns[0])[list(columns)]
        .astype(object)
        .where(table.set_index(table.columns[0])[list(columns)].notna(), None)
    )


@pytest.fixture(scope="module")
def twelve():
    return cn.gaps(records(), HOME, YEARS)


def test_twelve_partners_have_all_seven_classes(twelve):
    assert twelve.set_index("partner")["class"].to_dict() == CLASSES
    assert len(set(CLASSES.values())) == 7


def test_each_number_is_that_of_its_layer(twelve):
    numbers = cells(twelve, *LAYERS)
    assert numbers.loc["A"].tolist() == [3, 0, 0, 0, 1, 0, 0, 0]
    assert numbers.loc["B"].tolist() == [0, 0, 12, 7, 1, 0, 0, 0]
    assert numbers.loc["F"].tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    assert numbers.loc["G"].tolist() == [1, 0, 0, 0, 0, 1, 0, 0]
    assert numbers.loc["K"].tolist() == [0, 0, 0, 0, 0, 0, 1, 0]


def test_numbers_add_up_to_the_tables_of_each_layer(twelve):
    made = records()
    by_partner = twelve.set_index("partner")
    for layer, kind in (("works", "work"), ("projects", "project")):
        own = cn.partners(made, HOME, kind=kind, years=YEARS).set_index("partner")["activities"]
        assert by_partner.loc[by_partner[layer] > 0, layer].to_dict() == own.to_dict()
    flows = cn.flows(made, years=YEARS)
    assert (
        twelve["mobility_out"].sum() == flows.loc[flows["sending"] == HOME, "persons"].sum() == 12
    )
    assert (
        twelve["mobility_in"].sum() == flows.loc[flows["receiving"] == HOME, "persons"].sum() == 7
    )
    status = cn.agreement_status(made, HOME, years=YEARS)["status"].value_counts()
    assert twelve["agreements_in_force"].sum() == status["in force"] == 5
    assert twelve["agreements_expired"].sum() == status["expired"] == 2
    assert twelve["agreements_unknown"].sum() == status["dates unknown"] == 2


@pytest.mark.parametrize("by", ["partner", "field"])
def test_behind_each_cell_stand_as_many_activities_as_it_says(by):
    made = records(
        fields=pd.DataFrame(
            {"activity_id": ["w20", "w21", "b2"], "scheme": ["openalex", "openalex", "isced-f"]}
            | {"code": ["27", "17", "0912"], "share": 1.0}
        )
    )
    table = cn.gaps(made, HOME, YEARS, by=by)
    seen = 0
    for one in table.astype(object).where(table.notna(), None).to_dict("records"):
        for layer in LAYERS:
            if not one[layer]:
                continue
            found = cn.behind_gap(made, one[by], layer, home=HOME, years=YEARS, by=by)
            size = found["amount"].sum() if layer.startswith("mobility") else len(found)
            assert size == one[layer], (one[by], layer)
            seen += len(found)
    assert seen >= 17
    assert cn.behind_gap(made, "nobody", "works", home=HOME, years=YEARS, by=by).empty


def test_another_end_moves_one_agreement_from_one_cell_to_another(twelve):
    later = {**ROWS, "g1": ("agreement", "G", {"start": "2010", "end": "2026"})}
    after = cn.gaps(records(later), HOME, YEARS)
    before, now = (cells(t, *LAYERS).sort_index() for t in (twelve, after))
    changed = before.compare(now)
    assert changed.index.tolist() == ["G"]
    assert sorted({c for c, _ in changed.columns}) == ["agreements_expired", "agreements_in_force"]
    assert after.set_index("partner").loc["G", "class"] == "active"
    status = [
        cn.agreement_status(made, HOME, years=YEARS).set_index("activity_id")["status"]
        for made in (records(), records(later))
    ]
    assert status[0].compare(status[1]).to_numpy().tolist() == [["expired", "in force"]]


def test_a_layer_without_data_is_empty_and_decides_nothing():
    table = cn.gaps(without("work"), HOME, YEARS).set_index("partner")
    assert table["works"].isna().all()
    assert table["works_low"].isna().all()
    assert table.loc[["C", "D"], "class"].tolist() == ["data missing"] * 2
    assert table.loc["A", "why"].endswith("no data on works, no joint project, no mobility.")
    assert table.loc["B", "class"] == "active"


def test_without_agreements_nobody_is_called_uncovered():
    table = cn.gaps(without("agreement"), HOME, YEARS)
    assert set(table["class"]) == {"data missing"}
    assert table[[*AGREED]].isna().all(axis=None)
    assert table["why"].str.contains("no data on agreements").all()


def test_works_of_home_alone_are_known_to_have_no_partner():
    made = records({n: ROWS[n] for n in ("c1", "d1")} | {"s": ("work", HOME, {"start": "2020"})})
    table = cn.gaps(made, HOME, YEARS)
    assert table["works"].tolist() == [0, 0]
    assert table["class"].tolist() == ["dormant", "dormant"]


def test_outgoing_flows_alone_do_not_say_that_nobody_came():
    rows = {n: one for n, one in ROWS.items() if n != "b3"}
    table = cn.gaps(records(rows), HOME, YEARS).set_index("partner")
    assert table["mobility_in"].isna().all()
    assert table["mobility_out"].drop("B").eq(0).all()


def test_a_flow_of_an_unknown_number_of_persons_is_one_all_the_same():
    rows = {**ROWS, "c3": ("mobility", "C", {"start": "2020", "type": "out"})}
    one = cn.gaps(records(rows), HOME, YEARS).set_index("partner").loc["C"]
    assert (pd.isna(one["mobility_out"]), one["mobility_in"], one["class"]) == (True, 0, "active")
    assert one["why"] == "Active: 1 agreement in force; no joint work, no joint project, mobility."


def test_the_thresholds_are_arguments_and_stated():
    table = cn.gaps(records(), HOME, YEARS, least_works=4, least_persons=20)
    one = table.set_index("partner")
    assert one.loc[["A", "B", "G"], "class"].tolist() == ["dormant"] * 3
    assert "too little to count as alive" in one.loc["A", "why"]
    assert table.attrs["note"]["alive_from"] == {"works": 4, "projects": 1, "persons": 20}
    older = cn.gaps(records(), HOME, YEARS, new=1).set_index("partner")
    assert older.loc[["H", "I"], "class"].tolist() == ["uncovered", "dormant"]


def test_nobody_is_new_where_the_records_do_not_reach_back():
    rows = {"h1": ROWS["h1"], "a1": ("agreement", "A", {"start": "2022", "end": "2030"})}
    table = cn.gaps(records(rows), HOME, YEARS).set_index("partner")
    assert table.loc["H", "class"] == "uncovered"


def test_an_agreement_to_come_makes_a_partner_new_and_covers_nothing_yet():
    rows = {**ROWS, "m1": ("agreement", "M", {"start": "2026", "end": "2030"})}
    rows["m2"] = ("agreement", "E", {"start": "2026", "end": "2030"})
    table = cn.gaps(records(rows), HOME, YEARS).set_index("partner")
    assert table.loc[["M", "E"], "class"].tolist() == ["new", "uncovered"]
    assert table.loc["E", "why"].startswith("Uncovered: 1 agreement to come; 1 joint work")


def test_the_sentence_is_there_in_french_too():
    table = cn.gaps(records(), HOME, YEARS, lang="fr").set_index("partner")
    said = (
        "Échu mais vivant : 1 accord échu; 1 copublication, aucun projet commun, aucune mobilité."
    )
    assert table.loc["G", "why"].replace(" :", ":") == said.replace(" :", ":")
    assert table.loc["G", "class"] == "expired but alive"


def test_what_rests_on_synthetic_works_says_so():
    rows = {
        n: (k, p, f | ({"synthetic": True} if k == "work" else {})) for n, (k, p, f) in ROWS.items()
    }
    table = cn.gaps(records(rows), HOME, YEARS).set_index("partner")
    assert (
        table.loc[["A", "C", "E"], "synthetic"].tolist() == [True] * 3
    )  # C: silence of made-up works
    assert table.loc[["B", "F"], "synthetic"].tolist() == [False] * 2
    assert table.loc[table["synthetic"], "why"].str.contains("synthetic").all()
    assert table.attrs["note"]["synthetic"]


def test_the_interval_is_that_of_a_loop_over_bootstrap_samples(twelve):
    import numpy as np

    made = records(
        {
            **ROWS,
            **{f"z{n}": ("work", "A" if n < 30 else "E", {"start": "2020"}) for n in range(90)},
        }
    )
    one = cn.gaps(made, HOME, YEARS).set_index("partner").loc["A"]
    works = np.r_[np.ones(33), np.zeros(64)]
    chance = np.random.default_rng(7)
    draws = np.sort([chance.choice(works, len(works)).sum() for _ in range(4000)])
    assert abs(one["works_low"] - draws[100]) <= 2
    assert abs(one["works_high"] - draws[3900]) <= 2
    assert twelve[["works_low", "works_high"]].equals(
        cn.gaps(records(), HOME, YEARS)[["works_low", "works_high"]]
    )


def test_countries_and_regions_count_an_activity_once():
    rows = {**ROWS}
    made = records(rows)
    both = made.participants
    more = pd.DataFrame({"activity_id": ["w20"], "institution_id": ["B"]})
    made = cn.Records(
        {
            "activities": made.activities,
            "participants": pd.concat([both, more]),
            "institutions": made.institutions,
        }
    )
    table = cn.gaps(made, HOME, YEARS, by="country").set_index("country")
    assert table.loc["NL", ["partners", "works", "agreements_in_force"]].tolist() == [2, 3, 2]
    assert table.loc["NL", "mobility_out"] == 12
    region = cn.gaps(made, HOME, YEARS, by="region").set_index("region")
    assert region.loc["maghreb", ["partners", "works", "agreements_expired"]].tolist() == [2, 1, 1]
    assert region.loc["central-africa", ["works", "projects"]].tolist() == [1, 1]


def test_fields_of_three_schemes_meet_in_the_ford():
    subjects = pd.DataFrame(
        {"activity_id": ["w20", "w21", "b2", "f1", "a1", "e2"]}
        | {"scheme": ["openalex", "ford", "isced-f", "euroscivoc", "isced-f", "as written"]}
        | {
            "code": [
                "27",
                "3.2",
                "0912",
                "medical and health sciences/surgery",
                "0421",
                "exoplanets",
            ],
            "share": 1.0,
        }
    )
    table = cn.gaps(records(fields=subjects), HOME, YEARS, by="field").set_index("field")
    health = table.loc["Medical and health sciences"]
    assert health[["works", "projects", "mobility_out"]].tolist() == [2, 1, 12]
    assert (health["fields_works"], health["fields_mobility"]) == (
        "Medical and health sciences; Medicine",
        "Health",
    )
    assert table.loc["Social sciences", "agreements_in_force"] == 1
    assert table.loc[[pd.NA], "fields_works"].tolist() == ["exoplanets"]


def test_a_layer_of_which_no_field_is_known_covers_no_field():
    subjects = pd.DataFrame(
        {"activity_id": ["w20"], "scheme": "openalex", "code": ["27"], "share": 1.0}
    )
    table = cn.gaps(records(fields=subjects), HOME, YEARS, by="field").set_index("field")
    assert table.loc["Medical and health sciences", "class"] == "data missing"
    assert table.loc[[pd.NA], "agreements_in_force"].tolist() == [5]


def test_units_are_those_of_home():
    made = records()
    people = made.participants
    people.loc[
        (people["institution_id"] == HOME) & people["activity_id"].isin(["w20", "a1"]), "unit"
    ] = "Law"
    made = cn.Records(
        {"activities": made.activities, "participants": people, "institutions": made.institutions}
    )
    table = cn.gaps(made, HOME, YEARS, by="unit").set_index("unit")
    assert table.loc["Law", ["works", "agreements_in_force", "class"]].tolist() == [1, 1, "active"]
    assert table.loc[[pd.NA], "works"].tolist() == [6]


def test_the_crosswalk_leads_every_field_to_one_of_six():
    assert len({ford for _, ford in _crosswalk().values()}) == 6
    assert sum(scheme == "openalex" for scheme, _ in _crosswalk()) == 26
    assert [_term("isced-f", code)[1] for code in ("0923", "0912", "0731")] == [
        "Social sciences",
        "Medical and health sciences",
        "Engineering and technology",
    ]
    assert pd.isna(_term("isced-f", "1041")[1])


FACTS = ("alive", "young", "undated", "unsaid")
NUMBERS = st.one_of(st.none(), st.integers(0, 3))


def expected(facts, needs):
    """Return the classes whose condition in the documentation holds."""
    held, over, unknown, to_come = (bool(facts[a]) for a in AGREED)
    live = facts["alive"]
    unsure = unknown and not held
    dark = all(facts[a] is None for a in AGREED) or (
        not live and (facts["undated"] or any(facts[layer] is None for layer in needs))
    )
    fresh = facts["young"] or (to_come and not live and not held and not over)
    rest = not unsure and not dark and not fresh
    return {
        "dates unknown": unsure,
        "data missing": dark and not unsure,
        "new": fresh and not unsure and not dark,
        "active": rest and held and live,
        "dormant": rest and (held or over) and not live,
        "expired but alive": rest and live and over and not held,
        "uncovered": rest and not held and not (over and not live) and not (live and over),
    }


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    st.fixed_dictionaries(dict.fromkeys(FACTS, st.booleans()) | dict.fromkeys(LAYERS, NUMBERS)),
    st.sampled_from([("works",), (), ("works", "projects")]),
)
def test_classes_are_exclusive_and_exhaustive(facts, needs):
    assert [name for name, holds in expected(facts, needs).items() if holds] == [
        _verdict(facts, needs)
    ]


def test_every_combination_of_agreements_has_a_class():
    for numbers in product([0, 1], repeat=4):
        for live, young in product([True, False], repeat=2):
            facts = dict.fromkeys(LAYERS, 0) | dict(zip(AGREED, numbers, strict=True))
            facts |= {"alive": live, "young": young, "undated": False, "unsaid": False}
            assert _verdict(facts, ["works"]) in set(CLASSES.values())


@pytest.mark.parametrize("by", ["partner", "region"])
@pytest.mark.parametrize(
    "rows",
    [{}, {"w": ("work", "A", {"start": "2020"})}, {"d1": ROWS["d1"]}, {"j1": ROWS["j1"]}],
    ids=["nothing", "one work", "all expired", "no dates"],
)
def test_little_data_gives_the_right_columns(rows, by, twelve):
    made = records(rows) if rows else cn.Records({})
    table = cn.gaps(made, HOME, YEARS, by=by)
    assert list(table)[-17:] == list(twelve)[-17:]
    assert len(table) == bool(rows)
    assert ("said" in table.attrs["note"]) != bool(rows)


def test_a_wrong_name_is_said():
    for wrong in ({"by": "city"}, {"needs": ["money"]}, {"lang": "xx"}):
        with pytest.raises(cn.UnknownNameError, match="Known: "):
            cn.gaps(records(), HOME, YEARS, **wrong)
    with pytest.raises(cn.UnknownNameError, match="institution 'Z'"):
        cn.gaps(records(), "Z", YEARS)
    with pytest.raises(cn.InputError, match="is not a date"):
        cn.gaps(records(), HOME, YEARS, as_of="soon")


# The shipped data


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return cn.ingest([ROOT / "data"], tmp_path_factory.mktemp("gaps") / "store")


def test_the_layers_of_the_shipped_data_reconcile(store):
    table = cn.gaps(store, years=YEARS).set_index("partner")
    works = cn.partners(store, kind="work", years=YEARS).set_index("partner")["activities"]
    assert table["works"].sum() == works.sum() == table.loc[works.index, "works"].sum()
    status = cn.agreement_status(store, years=YEARS)
    held = status[status["status"] == "in force"]["partner"].value_counts()
    assert (
        table.loc[table["agreements_in_force"] > 0, "agreements_in_force"].to_dict()
        == held.to_dict()
    )
    assert table.attrs["note"]["store"] == store.provenance["store"]
    in_memory = cn.Records({name: getattr(store, name) for name in cn.schema.TABLES})
    pd.testing.assert_frame_equal(cn.gaps(in_memory, years=YEARS).set_index("partner"), table)


def test_on_the_shipped_data_synthetic_is_said_and_no_date_is_no_agreement_in_force(store):
    table = cn.gaps(store, years=YEARS)
    assert table.loc[table["synthetic"], "why"].str.contains("synthetic").all()
    assert table.loc[table["class"].isin(["active", "dormant"]), "synthetic"].all()
    status = cn.agreement_status(store, years=YEARS)
    dateless = status[status["start"].isna()]
    assert set(dateless["status"]) == {"dates unknown"}
    alone = table.set_index("partner").loc[dateless["partner"]]
    assert (alone.loc[alone["agreements_in_force"] == 0, "class"] == "dates unknown").all()
    assert table[["mobility_out", "mobility_in"]].isna().all(axis=None)
    assert table.attrs["note"]["population"]["mobility"]["without_dates"] == 2


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
@pytest.mark.parametrize("engine", ["store", pytest.param("sqlframe", marks=pytest.mark.slow)])
def test_every_engine_gives_the_same_table(engine, tmp_path):
    made = records()
    tables = {name: getattr(made, name) for name in ("activities", "participants", "institutions")}
    one = held(tables, engine, tmp_path)
    alike = [cn.gaps(them, HOME, YEARS, by="unit") for them in (made, one)]
    for table in alike:
        table.attrs = {}
    pd.testing.assert_frame_equal(*alike)
    assert len(cn.behind_gap(one, "A", "works", home=HOME, years=YEARS)) == 3


def test_the_command_writes_the_matrix_and_prints_why(store, tmp_path, capsys):
    folder = cn.write_store(store, tmp_path / "store")
    out = tmp_path / "gaps.xlsx"
    asked = ["gaps", str(folder), "--years", "2019:2024", "--as-of", "2020-06"]
    assert cli.main([*asked, "--by", "country", "--out", str(out)]) == 0
    table = pd.read_excel(out, keep_default_na=False)
    assert table.loc[table["country"] == "DE", "agreements_in_force"].tolist() == [1]
    note = pd.read_excel(out, sheet_name="note", header=None)[0]
    assert "as of: 2020-06-30" in set(note)
    assert cli.main(asked) == 0
    assert "the works are synthetic" in capsys.readouterr().out
    assert cli.main([*asked, "--by", "city"]) == 2
