"""The card of a partner: its numbers are those of the tables, and a name is never markup."""

import re
from functools import cache
from html.parser import HTMLParser

import pandas as pd
import pytest

import collabnet as cn
from collabnet.errors import UnknownNameError

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(2)>{0}{name} \u202egnp"


def records(
    name="Maastricht University", doi="10.1000/a.b-1", title="A work", home="University of Liège"
):
    """Home L, partner M, and a third; works, a project, mobility and agreements."""
    acts = [
        ("w1", "work", "2020", None, None, 9, doi),
        ("w2", "work", "2022", None, None, 30, None),
        ("w3", "work", "2022", None, None, 0, None),
        ("w4", "work", "2022", None, None, 5, None),
        ("p1", "project", "2021", "2023", "known", None, None),
        ("m1", "mobility", "2021", "2021", "known", None, None),
        ("m2", "mobility", "2021", "2021", "known", None, None),
        ("g1", "agreement", "2019", "2021", "known", None, None),
        ("g2", "agreement", "2022", "2025-03", "known", None, None),
    ]
    names = ("activity_id", "kind", "start", "end", "end_status", "cited_by", "doi")
    acts = pd.DataFrame(acts, columns=names).assign(title=title)
    acts["amount"] = acts["activity_id"].map({"m1": 12.0, "m2": 3.0})
    sides = [(act, body) for act in ("w1", "w2", "w3", "p1", "g1", "g2") for body in "LM"]
    people = pd.DataFrame([*sides, ("w4", "L")], columns=["activity_id", "institution_id"])
    people["person_id"] = [f"{b}{a}" if a[0] == "w" else None for a, b in people.to_numpy()]
    moved = {"activity_id": ["m1", "m1", "m2", "m2"], "institution_id": list("LMML")}
    moved["role"] = ["sending", "receiving"] * 2
    bodies = {"institution_id": ["L", "M", "N"], "name": [home, name, "None"]}
    bodies |= {"country": ["BE", "NL", "FR"], "city": ["Liège", "Maastricht", None]}
    bodies |= {"lat": [50.63, 50.85, None], "lon": [5.57, 5.69, None]}
    tables = {"activities": acts, "institutions": pd.DataFrame(bodies)}
    tables["participants"] = pd.concat([people, pd.DataFrame(moved)], ignore_index=True)
    return cn.Records(tables)


@cache
def card(data=None, partner="M", lang="en"):
    """The card in 2019 to 2024; each is made once."""
    options = {"years": (2019, 2024), "as_of": "2024-12-31", "lang": lang}
    return cn.partner_card(records() if data is None else data, "L", partner, **options)


def lines(made):
    return made.table.set_index("line")["value"]


def test_every_number_is_that_of_the_gap_matrix():
    row = cn.gaps(records(), "L", (2019, 2024), as_of="2024-12-31").set_index("partner").loc["M"]
    found, table = lines(card()), card().table.set_index("line")
    layers = ["works", "projects", "agreements_in_force", "agreements_expired"]
    assert found[layers].tolist() == row[layers].tolist() == [3, 1, 1, 1]
    assert table.loc["works", ["low", "high"]].tolist() == row[["works_low", "works_high"]].tolist()


def test_years_shares_and_authors():
    table = card().table.set_index("line")
    assert table.loc["works", ["first", "last"]].tolist() == [2020, 2022]
    assert table.loc["projects", ["first", "last"]].tolist() == [2021, 2023]
    assert table["value"]["share_home"] == 0.75
    assert table["value"][["persons_home", "persons_partner"]].tolist() == [3, 3]


def test_a_share_that_cannot_be_told_is_not_one():
    assert pd.isna(lines(card())["share_partner"])
    assert "these records hold no works of the partner without University of Liège" in repr(card())
    alone = pd.DataFrame({"activity_id": ["w5"], "kind": "work", "start": "2022"})
    side = pd.DataFrame({"activity_id": ["w5"], "institution_id": ["M"]})
    more = records() + cn.Records({"activities": alone, "participants": side})
    assert lines(card(more))["share_partner"] == 0.75


def test_small_numbers_of_persons_are_masked_and_others_rounded_down():
    found = lines(card())
    assert found["mobility_out"] == 10
    assert pd.isna(found["mobility_in"])
    assert "Persons sent: at least 10" in repr(card())
    assert "Persons received: fewer than 5" in repr(card())
    assert "12" not in re.sub(r"\d{4}", "", repr(card()).split("Joint works by year")[0])


def test_what_is_behind_a_line_is_what_to_type():
    data = records()
    calls = card(data).table.set_index("line")["behind"]
    found = eval(calls["works"], {"cn": cn, "records": data})  # noqa: S307
    assert found["activity_id"].tolist() == ["w1", "w2", "w3"]
    assert "cn.behind_gap(records, 'M', 'works', home='L'" in card(data)._repr_html_()


def test_class_agreements_and_top_works_are_told():
    text = repr(card())
    assert "Active: 1 agreement in force" in text
    assert "A work: 2022 – 2025-03, in force, ends within 12 months" in text
    assert "A work: 2019 – 2021, expired" in text
    top = text.split("Most cited joint works\n")[1].splitlines()[:3]
    assert [line.strip() for line in top] == [
        "A work, 2022, cited 30 times",
        "A work, 2020, cited 9 times https://doi.org/10.1000/a.b-1",
        "A work, 2022, not cited",
    ]
    assert "2020: 1, 2021: 0, 2022: 2" in text


def test_place_and_regions_are_named():
    assert "Maastricht, Netherlands, 26 km from University of Liège" in repr(card())
    assert "Maastricht, Pays-Bas" in repr(card(lang="fr"))


class Reader(HTMLParser):
    """Collects tags, attributes and text, and sees that tags close."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.handlers, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_doi_is_a_link_and_nothing_else_is():
    read = Reader(card()._repr_html_())
    assert read.open == []
    assert read.links == ["https://doi.org/10.1000/a.b-1"]
    odd = Reader(card(records(doi='10.1000/x"onmouseover="alert(1)'))._repr_html_())
    assert (
        odd.links == ["https://doi.org/10.1000/x%22onmouseover%3D%22alert%281%29"] or not odd.links
    )
    none = card(records(doi="javascript:alert(1)"))
    assert Reader(none._repr_html_()).links == []
    assert "doi.org" not in repr(none)


@pytest.mark.parametrize("where", ["name", "title", "home"])
def test_hostile_text_is_shown_and_never_markup(where):
    made = card(records(**{where: HOSTILE}))
    read = Reader(made._repr_html_())
    assert not {"script", "img"} & set(read.tags)
    assert read.handlers == []
    assert "&lt;script&gt;alert(1)" in made._repr_html_()
    assert "\u202e" not in made._repr_html_()
    assert "{0}{name}" in made._repr_html_()


def test_a_partner_with_nothing_joint_has_a_card_that_says_so():
    made = card(partner="N")
    assert "Nothing joint and no agreement is in these records." in repr(made)
    assert lines(made)[["works", "agreements_in_force", "persons_home"]].tolist() == [0, 0, 0]
    assert "<svg" not in made._repr_html_()


def test_no_data_is_not_none():
    data = records()
    works = data.activities[data.activities["kind"] == "work"]
    only = cn.Records({"activities": works, "participants": data.participants.iloc[:7]})
    found = lines(cn.partner_card(only, "L", "M", as_of="2024-12-31"))
    assert found[["projects", "mobility_out", "agreements_in_force"]].isna().all()
    assert "Joint projects: not known" in repr(cn.partner_card(only, "L", "M"))
    more = pd.DataFrame({"institution_id": ["N"], "name": ["None"]})
    bodies = pd.concat([only.institutions, more], ignore_index=True)
    tables = {"activities": works, "participants": only.participants, "institutions": bodies}
    found = lines(cn.partner_card(cn.Records(tables), "L", "N", as_of="2024-12-31"))
    assert found["works"] == 0
    assert found[["projects", "agreements_in_force"]].isna().all()


def test_synthetic_works_are_stamped():
    data = records()
    made_up = data.activities.assign(synthetic=data.activities["kind"] == "work")
    tables = {"participants": data.participants, "institutions": data.institutions}
    made = card(cn.Records({"activities": made_up, **tables}))
    assert '<p class="stamp">Synthetic works: made by a program' in made._repr_html_()
    assert made.table.attrs["note"]["synthetic"] is True
    assert '<p class="stamp"></p>' in card()._repr_html_()


def test_an_unknown_partner_or_language_is_named():
    with pytest.raises(UnknownNameError, match="Unknown institution 'X'"):
        card(partner="X")
    with pytest.raises(UnknownNameError, match="Unknown language 'de'"):
        card(lang="de")


def test_a_long_title_leaves_room_for_its_doi():
    assert Reader(card(records(title="w" * 900))._repr_html_()).links[0].endswith("10.1000/a.b-1")


def test_a_store_gives_the_same_card(tmp_path):
    store = cn.read(cn.write_store(records(), tmp_path / "store"))
    pd.testing.assert_frame_equal(card(store).table, card().table)


@pytest.mark.parametrize("width", [420, 900])
def test_a_card_stays_in_its_frame_in_light_and_dark(browser, width):
    made = card(records(name="Rheinland-Pfälzische Technische Universität " * 3, title="w" * 300))
    for theme in ("light", "dark"):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)
        page.set_content(
            f"<!doctype html><body style='color-scheme: light dark'>{made._repr_html_()}"
        )
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        colours = page.evaluate(
            "() => new Set([...document.querySelectorAll('article *')].map("
            "e => getComputedStyle(e).color)).size"
        )
        assert wide <= width
        assert colours == 1
        page.close()
