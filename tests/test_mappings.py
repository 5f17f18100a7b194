"""Mappings: what one may say, the invented example, and the one proposed for an unknown list."""

import re
import tomllib

import pytest
from files import put, put_xlsx, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import collabnet as cn
from collabnet import cli
from collabnet.readers.mapping import suggest_mapping
from conftest import ROOT

LISTS = {
    "en": (
        "Agreement No;Agreement type;Institution;Country;Valid from;Valid until;Status;ISCED",
        "A-1;Bilateral;University of Example;Germany;2020-10-01;2026-09-30;active;0314",
        "A-2;Bilateral;Another Example;Morocco;2021-10-01;2027-09-30;active;0421",
    ),
    "fr": (
        "N° convention;Nature;Établissement partenaire;Pays;Date de début;Échéance;Statut;Domaine",
        "A-1;Accord-cadre;Université d'Exemple;Allemagne;01/10/2020;30/09/2026;actif;0314",
        "A-2;Accord-cadre;Un autre exemple;Maroc;01/10/2021;30/09/2027;actif;0421",
    ),
    "de": (
        "Vertrags-Nr.;Vertragsart;Partnerhochschule;Land;Vertragsbeginn;Gültig bis;Status;Fach",
        "A-1;Rahmenvertrag;Universität Beispiel;Deutschland;01.10.2020;30.09.2026;aktiv;0314",
        "A-2;Rahmenvertrag;Noch ein Beispiel;Marokko;01.10.2021;30.09.2027;aktiv;0421",
    ),
    "nl": (
        "Nummer overeenkomst;Soort;Partnerinstelling;Land;Begindatum;Einddatum;Status;Vakgebied",
        "A-1;Overeenkomst;Universiteit Voorbeeld;Duitsland;01-10-2020;30-09-2026;actief;0314",
        "A-2;Overeenkomst;Nog een voorbeeld;Marokko;01-10-2021;30-09-2027;actief;0421",
    ),
}


def proposed(folder, text, name="list.csv"):
    path = put(folder, name, text)
    return path, put(folder, "m.toml", suggest_mapping(path))


@pytest.mark.parametrize("language", LISTS)
def test_the_mapping_proposed_reads_the_list(tmp_path, language):
    path, mapping = proposed(tmp_path, "\n".join(LISTS[language]))
    records = cn.read(path, mapping=mapping)
    columns = ("activity_id", "kind", "start", "end")
    assert rows(records.activities, *columns) == [
        ["list:A-1", "agreement", "2020-10-01", "2026-09-30"],
        ["list:A-2", "agreement", "2021-10-01", "2027-09-30"],
    ]
    partners = records.participants.query("position == 2")
    assert partners["country"].tolist() == ["DE", "MA"]
    assert records.fields["code"].tolist() == ["0314", "0421"]


def test_directions_of_mobility_are_what_the_partner_does(tmp_path):
    lines = ["id;Partner;Country;Category;Direction;Students", "1;X;FR;Mobility;Incoming;3"]
    path, mapping = proposed(tmp_path, "\n".join([*lines, "2;X;FR;Mobility;Outgoing;4"]))
    flows = cn.flows(cn.read(path, mapping=mapping))
    assert flows.fillna("").to_numpy().tolist() == [
        ["00afp2z80", "name:x|FR", 4.0, 1],
        ["name:x|FR", "00afp2z80", 3.0, 1],
    ]


def test_a_column_is_told_by_what_stands_in_it_too(tmp_path):
    header = "number;Hochschule;Ort;Kennung;Von"
    path, mapping = proposed(
        tmp_path, f"{header}\n7;X;Belgien;B  LIEGE01;nie\n8;Y;Frankreich;;nie\n"
    )
    found = tomllib.loads(mapping.read_text(encoding="utf-8"))["columns"]
    assert list(found) == ["agreement_id", "partner", "partner_id", "country"]
    assert list(found.values()) == ["number", "Hochschule", "Kennung", "Ort"]
    assert cn.read(path, mapping=mapping).counts()["agreement"] == 2


def test_what_cannot_be_placed_or_decided_stands_as_a_comment(tmp_path):
    lines = ["Partner;Nature;Start;Wetter", "X;Sonstiges;01/02/2020;nass", "Y;Projet;03/04/2021;"]
    _, mapping = proposed(tmp_path, "\n".join(lines))
    text = mapping.read_text(encoding="utf-8")
    assert '# not placed: "Wetter", such as "nass"' in text
    assert "# agreement_id = which column? It is required." in text
    assert '# "Sonstiges" = one of agreement, project, mobility, commitment?' in text
    assert "# date_format = %d/%m/%Y or %m/%d/%Y?" in text
    assert tomllib.loads(text)["values"] == {"kind": {"Projet": "project"}}


def test_one_wrong_date_leaves_the_form_of_the_others_to_be_seen(tmp_path):
    days = ["31/12/2020", "24/12/2021", "31/02/2022"]
    path, mapping = proposed(
        tmp_path, "\n".join(["Id;Partner;Start", *(f"{d};X {d};{d}" for d in days)])
    )
    assert "# 1 of 3 dates are not" in mapping.read_text(encoding="utf-8")
    assert len(cn.read(path, mapping=mapping).quarantine) == 1


def test_the_command_proposes_a_mapping_and_writes_it(tmp_path, capsys):
    book = put_xlsx(tmp_path, "l.xlsx", ["2026"], *(line.split(";") for line in LISTS["de"]))
    assert cli.main(["mapping", "suggest", str(book)]) == 0
    shown = capsys.readouterr().out
    assert cli.main(["mapping", "suggest", str(book), "--out", str(tmp_path / "m.toml")]) == 0
    assert (tmp_path / "m.toml").read_text(encoding="utf-8") == shown
    assert cn.read(book, mapping=tmp_path / "m.toml").counts()["agreement"] == 2


@pytest.mark.parametrize("content", ["<html>", "one column\n1\n", "a,b\n", "{}", b"\x00\x01\x02"])
def test_what_is_no_table_gets_no_mapping(tmp_path, content):
    with pytest.raises(cn.CollabnetError, match=r"l\.csv: no table of a header and rows"):
        suggest_mapping(put(tmp_path, "l.csv", content))


@settings(
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), min_size=2, max_size=4))
def test_any_table_gets_a_mapping_that_is_toml_or_a_sentence(tmp_path, lines):
    text = "\n".join(";".join(line) for line in [["Partner", "Nature", "id"], *lines])
    path = put(tmp_path, "list.csv", text.encode("utf-8", "surrogatepass"))
    try:
        sections = tomllib.loads(suggest_mapping(path))
    except cn.CollabnetError:  # a line of quotes, for one, swallows the table
        sections = {}
    assert set(sections) <= {"columns", "values", "options"}


# What a mapping may say


def test_parties_that_are_all_listed_are_not_joined_by_the_home_institution(tmp_path):
    """A sheet of partners in the style of keep.eu; its columns are invented."""
    lines = [
        ["Project acronym", "Programme", "Partner", "Partner role", "Partner country", "Start"],
        ["EXAMPLE", "Interreg X", "A city", "Lead partner", "Luxembourg", "2023-01-01"],
        ["EXAMPLE", "Interreg X", "A university", "Partner", "Allemagne", "2023-01-01"],
        ["EXAMPLE", "Interreg X", "", "Partner", "FR", "2023-01-01"],
    ]
    mapping = """
    [columns]
    agreement_id = "Project acronym"
    programme = "Programme"
    partner = "Partner"
    role = "Partner role"
    country = "Partner country"
    start = "Start"
    [values.role]
    "Lead partner" = "coordinator"
    "Partner" = "partner"
    [constants]
    kind = "project"
    [options]
    parties = "listed"
    """
    book = put_xlsx(tmp_path, "keep.xlsx", *lines)
    records = cn.read(book, mapping=put(tmp_path, "m.toml", mapping))
    assert rows(records.participants, "affiliation", "role", "country") == [
        ["A city", "coordinator", "LU"],
        ["A university", "partner", "DE"],
        [None, "partner", "FR"],
    ]
    assert records.counts()["project"] == 1


AMOUNTS = """[columns]
agreement_id = "id"
partner = "p"
amount = "a"
[options]
decimal = ","
"""


@pytest.mark.parametrize(
    ("decimal", "written", "amount"),
    [
        (",", "262.800 €", 262_800),
        (",", "1.592.050,00 €", 1_592_050),
        (",", "492087,75", 492_087.75),
        (",", "1 234,5 EUR", 1234.5),
        (".", "1,234.5", 1234.5),
    ],
)
def test_amounts_are_read_as_the_mapping_says(tmp_path, decimal, written, amount):
    mapping = AMOUNTS.replace(",", decimal)
    path = put(tmp_path, "l.csv", f"id;p;a\n1;X;{written}\n2;X;about 5\n")
    records = cn.read(path, mapping=put(tmp_path, "m.toml", mapping))
    assert records.activities["amount"].tolist() == [amount]
    assert records.quarantine["reason"].tolist() == ["amount 'about5' is not a number"]


def test_numbers_of_a_sheet_keep_their_decimal_point(tmp_path):
    book = put_xlsx(tmp_path, "l.xlsx", ["id", "p", "a"], [1, "X", 12.5], [2, "X", "1.000,5"])
    records = cn.read(book, mapping=put(tmp_path, "m.toml", AMOUNTS))
    assert records.activities["amount"].tolist() == [12.5, 1000.5]


@pytest.mark.parametrize("option", ["decimal", "parties"])
def test_an_option_has_its_choices(tmp_path, option):
    mapping = put(tmp_path, "m.toml", f'[options]\n{option} = "x"')
    with pytest.raises(cn.InputError, match=f"m.toml: '{option}' should be one of "):
        cn.read(put(tmp_path, "l.csv", "id;p\n1;X\n"), mapping=mapping)


def test_the_invented_example_mapping_reads_a_sheet_of_its_columns(tmp_path):
    path = ROOT / "docs" / "examples" / "relations-office.toml"
    columns = tomllib.loads(path.read_text(encoding="utf-8"))["columns"]
    said = {
        "agreement_id": "R1",
        "partner": "An example",
        "country": "Italie",
        "start": "01.10.2020",
    }
    agreement = said | {"end": "30.09.2026", "kind": "Relation", "partner_id": "I EXAMPLE01"}
    stay = said | {"agreement_id": "S1", "kind": "Stay", "role": "Outgoing", "amount": "4"}
    lines = [[row.get(c, "") for c in columns] for row in (agreement, stay)]
    records = cn.read(put_xlsx(tmp_path, "r.xlsx", [*columns.values()], *lines), mapping=path)
    assert rows(records.activities, "activity_id", "kind", "amount", "end") == [
        ["r:R1", "agreement", None, "2026-09-30"],
        ["r:S1", "mobility", 4.0, None],
    ]
    assert "INVENTED" in path.read_text(encoding="utf-8").splitlines()[0]


def test_words_of_a_template_column_are_those_of_one_column_only():
    text = (ROOT / "collabnet" / "data" / "mapping_words.toml").read_text(encoding="utf-8")
    words = [word for known in tomllib.loads(text)["columns"].values() for word in known]
    assert [word for word in set(words) if words.count(word) > 1] == []
    assert [word for word in words if not re.fullmatch(r"[a-z0-9 ]+", word)] == []
