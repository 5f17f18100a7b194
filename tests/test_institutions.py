"""Identity: whatever a source calls an institution, it is known by its ROR id, with evidence."""

import pandas as pd
import pytest

import collabnet as cn

LIEGE, MAASTRICHT, LUXEMBOURG = "00afp2z80", "02jz4aj89", "036x5ad56"
LUBUMBASHI, GEMBLOUX, CHU = "01mn7k054", "00bmzhb16", "044s61914"
KAISERSLAUTERN, RPTU, KOBLENZ_LANDAU = "04zrf7b53", "01qrts582", "01j9f6752"


def records_of(*bodies, relations=()):
    """One project of all `bodies`: ids, or dictionaries of facts."""
    facts = [body if isinstance(body, dict) else {"institution_id": body} for body in bodies]
    ids = [body["institution_id"] for body in facts]
    return cn.Records(
        {
            "activities": pd.DataFrame(
                {"activity_id": ["p"], "kind": ["project"], "start": ["2024"]}
            ),
            "participants": pd.DataFrame(
                {"activity_id": "p", "institution_id": ids, "evidence": "source"}
                | {"position": range(1, len(ids) + 1)}
            ),
            "institutions": pd.DataFrame(facts).drop_duplicates("institution_id"),
            "relations": pd.DataFrame(relations, columns=["from", "to", "kind"]),
        }
    )


def named(name, country, number=0):
    identifier = f"name:{number}{name}|{country}"
    return {"institution_id": identifier, "name": name, "country": country}


def found(*bodies, **options):
    """Return the id and the evidence of each."""
    people = cn.resolve(records_of(*bodies), **options).participants
    return people[["institution_id", "evidence"]].to_numpy().tolist()


@pytest.mark.parametrize(
    "code", ["openalex:I157674565", "pic:999976105", "erasmus:B LIEGE01", "hei:uliege.be"]
)
def test_an_institution_is_known_by_each_of_its_codes(code):
    assert found(code) == [[LIEGE, code]]


def test_an_institution_is_known_by_a_code_beside_another_id():
    body = {"institution_id": "name:x|BE", "name": "x", "pic": "111111111|999976105"}
    assert found(body) == [[LIEGE, "pic:999976105"]]


def test_a_ror_id_needs_no_evidence_but_the_source():
    assert found(LIEGE) == [[LIEGE, "source"]]


@pytest.mark.parametrize(
    "name",
    [
        *("University of Liège", "Université de Liège", "Universität Lüttich"),
        *("Universiteit van Luik", "ULiège", "UNIVERSITE DE LIEGE", "The University of Liege"),
    ],
)
def test_an_institution_is_known_by_its_name_in_four_languages_and_its_country(name):
    assert found(named(name, "BE")) == [[LIEGE, "name and country"]]


@pytest.mark.parametrize("country", [None, "FR", "CD"])
def test_a_name_in_another_country_or_in_none_decides_nothing(country):
    body = named("Université de Liège", country)
    assert found(body) == [[body["institution_id"], "source"]]


def test_unilu_is_lubumbashi_only_in_congo():
    congo, luxembourg, unknown = (named("UNILU", code) for code in ("CD", "LU", None))
    assert [identifier for identifier, _ in found(congo, luxembourg, unknown)] == [
        LUBUMBASHI,
        luxembourg["institution_id"],
        unknown["institution_id"],
    ]


def test_a_name_that_fits_two_institutions_decides_nothing():
    body = named("UniLu", "LU")
    twins = [
        {"institution_id": ror, "name": name, "aliases": "UniLu", "country": "LU"}
        for ror, name in ((LUXEMBOURG, "University of Luxembourg"), ("01aaaaa01", "Lunex"))
    ]
    assert found(body, twins[0])[0] == [LUXEMBOURG, "name and country"]
    assert found(body, *twins)[0] == [body["institution_id"], "source"]


@pytest.mark.parametrize("known", ["The X-1 (House); Arts", "x 1 house, arts!", "X 1 Höuse Arts"])
def test_case_accents_punctuation_and_the_article_make_no_other_name(known):
    body = {"institution_id": "01aaaaa01", "name": known, "country": "LU"}
    assert found(named("X 1 house ARTS", "LU"), body)[0] == ["01aaaaa01", "name and country"]


def test_a_code_that_two_institutions_have_decides_nothing():
    twins = [{"institution_id": ror, "pic": "900000001"} for ror in (MAASTRICHT, LUXEMBOURG)]
    assert found("pic:900000001", *twins)[0] == ["pic:900000001", "source"]


def test_a_registry_read_beside_the_sources_is_used_too():
    registry = {"institution_id": "01aaaaa01", "name": "Institut d’Ici", "country": "FR"}
    registry |= {"openalex_id": "I5|I6", "names": '{"de": "Institut von Hier"}'}
    bodies = [named("INSTITUT D'ICI", "FR"), named("Institut von hier", "FR", 2), "openalex:I6"]
    assert {identifier for identifier, _ in found(registry, *bodies)} == {"01aaaaa01"}


def test_what_is_recognised_takes_the_facts_of_the_gazetteer():
    bodies = cn.resolve(records_of("pic:999976105", "pic:999999999")).institutions
    liege = bodies.set_index("institution_id").loc[LIEGE]
    assert liege[["name", "country", "nuts3", "pic"]].tolist() == (
        ["University of Liège", "BE", "BE332", "999976105"]
    )
    assert bodies["name"].tolist() == ["University of Liège", "pic:999999999"]


def test_two_ids_of_one_institution_become_one():
    records = cn.resolve(records_of("pic:999976105", "erasmus:B LIEGE01", MAASTRICHT))
    assert records.institutions["institution_id"].tolist() == [LIEGE, MAASTRICHT]
    assert cn.edges(records, "project")[["source", "target", "weight"]].to_numpy().tolist() == [
        [LIEGE, MAASTRICHT, 1.0]
    ]


def test_resolving_twice_changes_nothing_more():
    once = cn.resolve(records_of("pic:999976105", named("UNILU", "LU")), roll_up=("component",))
    twice = cn.resolve(once, roll_up=("component",))
    for table in ("participants", "institutions", "relations"):
        pd.testing.assert_frame_equal(getattr(once, table), getattr(twice, table))


def test_what_was_passed_in_is_not_changed():
    records = records_of("pic:999976105", GEMBLOUX)
    cn.resolve(records, roll_up=("component",))
    assert records.participants["institution_id"].tolist() == ["pic:999976105", GEMBLOUX]
    assert records.provenance == {"sources": [], "merged": 0}


# Roll-up and succession


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), [GEMBLOUX, CHU]),
        (("component",), [LIEGE, CHU]),
        (("associated",), [GEMBLOUX, LIEGE]),
        (("component", "associated"), [LIEGE, LIEGE]),
    ],
)
def test_faculty_and_hospital_are_rolled_up_only_when_asked(kinds, expected):
    rolled = found(GEMBLOUX, CHU, **({"roll_up": kinds} if kinds else {}))
    assert [identifier for identifier, _ in rolled] == expected


def test_roll_up_and_succession_are_told_in_the_evidence():
    options = {"roll_up": ("component", "associated"), "succession": True}
    assert found(GEMBLOUX, CHU, KAISERSLAUTERN, LIEGE, **options) == [
        [LIEGE, "roll-up: component"],
        [LIEGE, "roll-up: associated"],
        [RPTU, "succession"],
        [LIEGE, "source"],
    ]


def test_a_name_may_lead_to_a_part_that_is_then_rolled_up():
    gembloux = named("Gembloux Agro-Bio Tech", "BE")
    assert found(gembloux)[0][0] == GEMBLOUX
    assert found(gembloux, roll_up=("component",)) == [[LIEGE, "roll-up: component"]]


def test_a_part_of_a_predecessor_moves_twice():
    faculty = {"from": "01aaaaa01", "to": KAISERSLAUTERN, "kind": "component"}
    records = records_of("01aaaaa01", relations=[faculty])
    out = cn.resolve(records, roll_up=("component",), succession=True)
    assert out.participants["institution_id"].tolist() == [RPTU]


def test_a_circle_of_successors_comes_to_an_end():
    ring = [("01aaaaa01", "01bbbbb01"), ("01bbbbb01", "01aaaaa01")]
    relations = [{"from": a, "to": b, "kind": "successor"} for a, b in ring]
    records = records_of("01aaaaa01", "01bbbbb01", relations=relations)
    assert len(cn.resolve(records, succession=True).participants) == 2


@pytest.mark.parametrize(("asked", "expected"), [(False, KAISERSLAUTERN), (True, RPTU)])
def test_kaiserslautern_is_rptu_only_when_succession_is_asked_for(asked, expected):
    body = named("Technische Universität Kaiserslautern", "DE")
    assert found(body, succession=asked)[0][0] == expected


def test_an_institution_with_two_heirs_stays():
    assert found(KOBLENZ_LANDAU, succession=True) == [[KOBLENZ_LANDAU, "source"]]


def test_rolled_up_parts_of_one_author_are_one_affiliation():
    people = pd.DataFrame(
        {"activity_id": "w", "person_id": "a", "position": 1, "role": "author"}
        | {"institution_id": [LIEGE, GEMBLOUX], "country": "BE"}
    )
    records = cn.Records(
        {
            "activities": pd.DataFrame({"activity_id": ["w"], "kind": ["work"]}),
            "participants": people,
        }
    )
    assert len(cn.resolve(records).participants) == 2
    assert len(cn.resolve(records, roll_up=("component",)).participants) == 1


def test_an_unknown_kind_of_roll_up_is_told():
    with pytest.raises(cn.UnknownNameError, match=r"'associate'.*'associated'"):
        cn.resolve(records_of(LIEGE), roll_up=("associate",))


# What is left


def test_what_is_not_resolved_is_listed_with_its_count():
    bodies = [named("Institut", "FR"), named("École", "FR"), LIEGE, "pic:900000001"]
    records = cn.resolve(records_of(*bodies, bodies[1], bodies[1], "pic:900000001"))
    rest = cn.unresolved(records)
    assert rest.astype(object).where(rest.notna(), None).to_numpy().tolist() == [
        ["name:0École|FR", "École", "FR", 3],
        ["pic:900000001", "pic:900000001", None, 2],
        ["name:0Institut|FR", "Institut", "FR", 1],
    ]


def test_nothing_is_listed_where_all_is_resolved():
    assert cn.unresolved(cn.resolve(records_of(LIEGE))).empty


def test_the_resolution_is_counted_in_the_provenance():
    records = records_of(LIEGE, "pic:900000001", named("UNILU", "CD"))
    people = pd.concat([records.participants, pd.DataFrame({"activity_id": ["p"]})])
    tables = {"activities": records.activities, "institutions": records.institutions}
    out = cn.resolve(cn.Records(tables | {"participants": people}))
    assert out.provenance["resolution"] == {
        "institutions": 3,
        "with_ror": 2,
        "unresolved": 1,
        "participations_without_institution": 1,
        "by_affiliation": 0,
        "overridden": 0,
        "country_policy": {},
    }


def test_nothing_is_resolved_from_nothing():
    assert repr(cn.resolve(cn.Records({}))) == "<Records: empty>"


def test_the_gazetteer_is_a_copy_each_time():
    table = cn.gazetteer()
    table["name"] = "changed"
    assert "changed" not in set(cn.gazetteer()["name"])
