"""The explorer shows what the functions say, whatever is chosen."""

import json
import re
import sys

import pandas as pd
import pytest

import collabnet as cn
from collabnet.explorer import FIGURE
from conftest import ROOT

LIEGE = "00afp2z80"


@pytest.fixture(scope="module")
def records():
    return cn.resolve(cn.read(ROOT / "data"))


@pytest.fixture
def box(records):
    return cn.explore(records, LIEGE)


def drawn(box):
    return box.results["map"].outputs[0]["data"][FIGURE]


def test_it_begins_with_the_world_all_years_and_the_first_layer(box, records):
    assert {n: box.controls[n].value for n in ("region", "years", "kind", "count")} == {
        "region": "world",
        "years": (1987, 2025),
        "kind": "work",
        "count": "full",
    }
    assert len(box.controls["partner"].options) == len(cn.partners(records, LIEGE, kind="work"))


def test_a_region_a_layer_and_years_give_the_partners_of_the_functions(box, records):
    box.controls["kind"].value = "agreement"
    box.controls["region"].value = "maghreb"
    treaties = cn.partners(records, LIEGE, kind="agreement")
    found = cn.within(treaties, "maghreb", records.institutions)
    assert [p for _, p in box.controls["partner"].options] == found["partner"].tolist()
    assert len(found) == 7
    box.controls["years"].value = (2009, 2024)
    assert box.controls["partner"].options == (("–", None),)
    assert box.results["table"].value.startswith("<p>no partner</p>")
    assert "agreements 2009–2024, full counting" in box.results["table"].value


def test_counting_changes_the_weights_and_not_the_partners(box):
    before = box.results["table"].value, box.controls["partner"].options
    box.controls["count"].value = "refined"
    assert box.results["table"].value != before[0]
    assert set(box.controls["partner"].options) == set(before[1])


def test_synthetic_works_are_said_to_be_so_and_facts_are_not(box):
    assert "SYNTHETIC" in box.results["table"].value
    assert "Synthetic works" in json.dumps(drawn(box))
    box.controls["kind"].value = "agreement"
    assert "SYNTHETIC" not in box.results["table"].value


def test_the_card_is_that_of_the_partner_chosen(box, records):
    box.controls["kind"].value = "agreement"
    box.controls["partner"].value = "02jz4aj89"
    card = cn.partner_card(records, LIEGE, "02jz4aj89")
    assert box.results["card"].value == card.html
    box.controls["years"].value = (2019, 2024)
    partner = box.controls["partner"].value
    card = cn.partner_card(records, LIEGE, partner, years=(2019, 2024))
    assert box.results["card"].value == card.html


def test_it_speaks_french(records):
    box = cn.explore(records, LIEGE, lang="fr")
    assert [c.description for c in box.controls.values()][:3] == ["Région", "Années", "Couche"]
    assert "SYNTHÉTIQUE" in box.results["table"].value
    assert drawn(box)["layout"]["meta"]["lang"] == "fr"


def test_a_home_without_works_gets_an_empty_map_and_no_card(records):
    box = cn.explore(records, "name:eraift")
    assert box.results["table"].value.startswith("<p>no partner")
    assert (box.controls["partner"].value, box.results["card"].value) == (None, "")
    box.controls["kind"].value = "agreement"
    assert box.controls["partner"].label == "University of Liège"


def test_without_the_library_it_says_what_to_install(records, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(cn.MissingExtraError, match=r"pip install 'collabnet\[lab\]'"):
        cn.explore(records, LIEGE)


@pytest.fixture
def exchanges():
    """Persons sent to and received from three partners: 12 and 23, 3, 41; and 7 to nobody named."""
    persons = {"a": 12, "b": 23, "c": 3, "d": 41, "e": 7}
    ends = {
        "a": "L>02jz4aj89",
        "b": "02jz4aj89>L",
        "c": "L>04xfq0f34",
        "d": "L>01jdpyv68",
        "e": "L>",
    }
    rows = [
        (key, part.replace("L", LIEGE) or None, role)
        for key, pair in ends.items()
        for part, role in zip(pair.split(">"), ("sending", "receiving"), strict=True)
    ]
    acts = pd.DataFrame({"activity_id": persons.keys(), "amount": persons.values()})
    acts = acts.assign(kind="mobility", start="2021", end="2021")
    took = pd.DataFrame(rows, columns=["activity_id", "institution_id", "role"])
    return cn.resolve(cn.Records({"activities": acts, "participants": took}))


def test_mobility_is_counted_in_persons_masked_and_rounded(exchanges):
    box = cn.explore(exchanges, LIEGE)
    assert box.controls["kind"].label == "Mobility"
    text = box.results["table"].value
    cells = re.findall(r"<td>(.*?)</td>", text)
    assert cells[::6] == ["Saarland University", "Maastricht University", "RWTH Aachen University"]
    assert cells[3::6] == ["40", "35", "–"]
    assert "flows without a partner or a number are left out" in text
    assert "persons to the nearest 5" in text
    assert re.findall(r"\b(?:41|12|23|7)\b", re.sub(r"<style.*?</style>|<t.*?>", "", text)) == []


def test_a_region_holds_for_mobility_too(exchanges):
    box = cn.explore(exchanges, LIEGE)
    box.controls["region"].value = "euregio-meuse-rhine"
    assert [name for name, _ in box.controls["partner"].options] == [
        "Maastricht University",
        "RWTH Aachen University",
    ]


def test_the_years_have_room_beside_their_slider(box):
    assert "collabnet-explorer" in box.box.children[0]._dom_classes
    styles = [one.value for one in box.box.children[0].children if hasattr(one, "value")]
    assert any(".collabnet-explorer .widget-readout" in str(value) for value in styles)
