"""The atlas: one offline page whose maps, tables and words are those of the records."""

import csv
import fnmatch
import io
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from atlas_pages import LAYERS, MARKS, ROWS, VIEWS, names_are_legible, watched

import collabnet as cn
from collabnet import geo, settings, sheet
from collabnet.atlas import SCRIPTS, _escaped, write_atlas
from collabnet.atlas.content import _acronym
from collabnet.plots import COLOURS
from collabnet.words import words_of

ROOT = Path(__file__).resolve().parent.parent
FILES = ROOT / "collabnet" / "atlas"


def of_view(records, name, kind="agreement", years=None):
    """Return what Python says are the partners of a view."""
    table = cn.partners(records, kind=kind, years=years)
    return cn.within(table, name, records.institutions)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_draws_its_partners_where_they_are(go, records, name):
    page, expected = go(f"tab={name}"), of_view(records, name)
    marks = page.evaluate(MARKS)
    assert len(expected) > 0
    assert sorted(body for body, _, _ in marks) == sorted(expected["partner"])
    assert page.locator("#map .point").count() == len(marks) + 1, "each mark, and home"
    view = geo.VIEWS.get(name, geo.VIEWS["world"])
    whole = geo.frame(view, 900, 500)
    places = records.institutions.set_index("institution_id")
    for body, x, y in marks:
        here = geo.project(view, *places.loc[body, ["lon", "lat"]])
        # Bodies that share a city are fanned out: by some pixels, not by more.
        assert np.hypot(x - here[0], y - here[1]) < (whole[2] - whole[0]) / 30, body


def test_there_is_a_tab_for_every_view_and_the_page_opens_on_agreements(go):
    page = go()
    assert page.locator("#tabs [role=tab]").count() == len(VIEWS)
    pressed = page.locator("#layers [aria-pressed=true]").all_inner_texts()
    assert pressed == ["Agreements"]


def test_the_policy_names_the_scripts_by_hash_and_allows_nothing_else(atlas_file):
    policy = re.search(r'Security-Policy" content="([^"]+)"', atlas_file.read_text("utf-8"))[1]
    scripts = re.search("script-src ([^;]+)", policy)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in scripts
    assert scripts.count("'sha256-") == 2
    assert "connect-src 'none'" in policy


@pytest.mark.parametrize("years", [None, (2008, 2008), (2019, 2024)], ids=str)
@pytest.mark.parametrize("kind", LAYERS)
def test_the_table_is_that_of_partners(go, records, kind, years):
    span = f"&from={years[0]}&to={years[1]}" if years else ""
    for name in ("world", "grande-region"):
        shown = go(f"tab={name}&layer={kind}{span}").evaluate(ROWS)
        table = of_view(records, name, kind, years)
        expected = [[p, int(w)] for p, w in zip(table["partner"], table["weight"], strict=True)]
        assert sorted(shown) == sorted(expected)
        assert [weight for _, weight in shown] == [weight for _, weight in expected]


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("name", VIEWS)
def test_names_on_the_map_are_legible(go, name, kind, lang):
    written = names_are_legible(go(f"tab={name}&layer={kind}&lang={lang}"))
    assert kind != "agreement" or written > 1, "somebody is named"


@pytest.mark.parametrize("size", [(1360, 860), (768, 1024), (390, 844)], ids=str)
def test_nothing_is_cut_on_a_laptop_a_tablet_and_a_telephone(browser, atlas_file, size):
    with watched(browser, atlas_file, size) as page:
        for name in VIEWS:
            page.click(f"#tab-{name}")
            names_are_legible(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
            if size == (1360, 860):
                assert page.evaluate("document.documentElement.scrollHeight") <= size[1]


def test_the_page_changes_its_language(go):
    page = go("tab=grande-region")
    assert page.inner_text("#summary").startswith("Greater Region: 6 partners, 1 agreement")
    page.click("#language")
    assert page.get_attribute("html", "lang") == "fr"
    assert page.inner_text("#tab-world") == "Monde"
    assert page.inner_text("#summary").startswith("Grande Région\xa0: 6 partenaires, 1 accord")
    assert "Allemagne" in page.inner_text("tbody")
    assert page.title() == "Collaborations internationales\xa0: Université de Liège"


def test_the_address_holds_the_view_and_restores_it(go):
    page = go()
    page.click("#tab-maghreb")
    page.click("#theme")
    page.fill("#search", "bejaia")
    page.click("tbody tr button")
    address = page.url.partition("#")[2]
    assert go().get_attribute("html", "data-theme") == "light"
    go(address)
    assert page.get_attribute("#tab-maghreb", "aria-selected") == "true"
    assert page.get_attribute("html", "data-theme") == "dark"
    assert [row[0] for row in page.evaluate(ROWS)] == ["03yb2hp88"]
    assert page.is_visible("#card")


def test_tabs_and_rows_work_from_the_keyboard(go):
    page = go()
    page.focus("#tab-world")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-europe"
    page.keyboard.press("End")
    assert page.get_attribute("#tab-strategic-partners", "aria-selected") == "true"
    page.keyboard.press("Home")
    page.focus("tbody tr button")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.get_attribute("tbody tr:nth-child(2)", "aria-current") == "true"
    assert page.is_visible("#card")
    page.keyboard.press("Escape")
    assert page.is_hidden("#card")
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 2


def test_the_card_tells_what_stands_behind_a_line(go, records):
    edge = (settings.HOME, "02jz4aj89")
    titles = cn.behind(records, edge, kind="agreement")["title"].tolist()
    page = go("partner=02jz4aj89")
    told = page.locator("#card [data-kind=agreement] li b").all_inner_texts()
    assert sorted(told) == sorted(titles)
    told = page.inner_text("#card").replace("\u2068", "")
    assert "dates unknown" in told
    assert "from 1995, end unknown" in told
    assert "Source: University of Liège" in told


def test_a_mark_selects_its_row(go):
    page = go("tab=central-africa")
    page.locator("#map .point").first.click(force=True)
    assert page.get_attribute("tbody tr", "aria-current") == "true"


def test_synthetic_works_are_named_so_on_map_table_and_file_and_nobody_leads(go, records):
    assert go().locator(".synthetic:visible").count() == 0
    page = go("layer=work")
    warning = "Synthetic sample: no conclusion about any named university may be drawn."
    assert page.locator(".synthetic:visible").all_inner_texts() == [warning, warning]
    assert "First" not in page.inner_text("#summary")
    with page.expect_download() as download:
        page.click("#csv")
    assert "synthetic" in download.value.suggested_filename
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    table, _, note = text.partition("\n\n")
    assert f"# {warning}" in note
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == len(cn.partners(records, kind="work"))
    assert {row["note"] for row in rows} == {warning}


def test_the_map_is_saved_as_a_picture(go):
    page = go("tab=maghreb")
    with page.expect_download() as download:
        page.click("#png")
    assert download.value.suggested_filename == "atlas-maghreb-agreement.png"
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_commitments_and_figures_stand_under_the_world(go, records):
    page = go()
    page.click("#own summary")
    told = page.inner_text("#own")
    for title in records.activities.query("kind == 'commitment'")["title"]:
        assert title in told
    assert "800 persons (sent), Approximate" in told
    page.click("#tab-europe")
    assert page.is_hidden("#own")


def test_a_view_without_partners_shows_its_map_and_a_sentence(go):
    page = go("tab=maghreb&layer=project")
    assert page.inner_text("#summary").startswith("Maghreb: no partner among the joint proj")
    assert page.locator("#map .js-fill").count() > 0


def test_years_leave_out_what_has_no_dates_and_say_so(go, records):
    page = go("from=2019&to=2024")
    note = cn.partners(records, kind="agreement", years=(2019, 2024)).attrs["note"]
    assert note["population"]["without_dates"] == 10
    assert "10 links without dates are left out of these years." in page.inner_text("#notes")


def test_the_list_behind_a_region_is_named(go):
    told = go("tab=central-africa").inner_text("#notes")
    assert "Central Africa (ULiège list)" in told
    assert "Rwanda" in told
    assert "PACODEL" in told


def test_what_is_easily_mistaken_of_a_region_is_told_in_the_language_of_the_page(go):
    told = go("tab=grande-region&lang=fr").inner_text("#notes")
    assert "Bruxelles est en dehors" in told
    assert "Brussels is outside" not in told


def test_the_same_records_give_the_same_bytes_and_not_too_many(records, atlas_file, tmp_path):
    again = write_atlas(records, tmp_path / "again.html")
    assert again.read_bytes() == atlas_file.read_bytes()
    assert atlas_file.stat().st_size < 6_500_000


def test_an_atlas_of_nothing_opens_and_says_so(browser, tmp_path):
    path = write_atlas(cn.Records({}), tmp_path / "empty.html", lang="fr")
    with watched(browser, path) as page:
        told = "Monde\xa0: aucun partenaire pour cette couche (accords)."
        assert page.inner_text("#summary") == told
        assert page.locator("#map .point").count() == 1
        assert page.evaluate(ROWS) == []
        page.click("#view-method")
        assert "ne nomme aucun fichier" in page.inner_text("#method")


def test_mobility_counts_persons_and_an_unknown_number_is_not_nought(browser, tmp_path):
    ends = [("out", "L", "sending"), ("out", "M", "receiving"), ("in", "M", "sending")]
    ends += [("in", "L", "receiving"), ("more", "L", "sending"), ("more", "R", "receiving")]
    moves = {"activity_id": ["out", "in", "more"], "amount": [12, 30, None], "start": "2022"}
    bodies = {"institution_id": list("LMR"), "name": ["Home", "Maastricht", "Rabat"]}
    records = cn.Records(
        {
            "activities": pd.DataFrame(moves).assign(kind="mobility", end="2022"),
            "participants": pd.DataFrame(ends, columns=["activity_id", "institution_id", "role"]),
            "institutions": pd.DataFrame(bodies).assign(country=["BE", "NL", "MA"]),
        }
    )
    with watched(browser, write_atlas(records, tmp_path / "moves.html", home="L")) as page:
        cells = page.locator("tbody td:nth-child(3)").all_inner_texts()
        assert cells == ["40", "–"], "12 and 30 persons, to the nearest 5"
        assert "Home has no coordinates here" in page.inner_text("#notes")


@pytest.mark.parametrize("wrong", [{"home": "nobody"}, {"lang": "xx"}, {"regions": ["atlantis"]}])
def test_what_is_not_known_is_an_error_and_writes_nothing(tmp_path, wrong):
    with pytest.raises(cn.UnknownNameError, match="Unknown"):
        write_atlas(cn.Records({}), tmp_path / "no.html", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_further_region_gets_a_view(records, browser, tmp_path):
    path = write_atlas(records, tmp_path / "more.html", regions=["cemac", "unigr"])
    with watched(browser, path) as page:
        assert page.locator("#tabs [role=tab]").count() == len(VIEWS) + 2
        page.click("#tab-unigr")
        assert sorted(page.evaluate(ROWS)) == sorted(
            [body, 1] for body in of_view(records, "unigr")["partner"]
        )


def test_partners_known_by_country_alone_are_drawn_as_rings_and_counted(browser, real, tmp_path):
    records = cn.resolve(cn.read(real / "cordis" / "h2020.csv.gz"))
    path = write_atlas(records, tmp_path / "h2020.html")
    with watched(browser, path) as page:
        assert page.inner_text("#summary").startswith("World: 956 partners, 87 joint projects.")
        assert len(page.evaluate(ROWS)) == 956
        told = page.inner_text("#notes").split("map.")[0]
        places = records.institutions.set_index("institution_id")["lat"]
        placed = cn.partners(records, kind="project")["partner"].map(places).notna().sum()
        assert sum(int(n) for n in re.findall(r"(\d+) partner", told)) + placed == 956
        assert len(page.evaluate(MARKS)) > 70
        for name in VIEWS:
            page.click(f"#tab-{name}")
            names_are_legible(page)


def test_what_is_written_into_a_script_cannot_end_it():
    assert _escaped("</script>&\u2028") == '"\\u003c/script\\u003e\\u0026\\u2028"'


def test_an_institution_with_a_long_name_is_called_by_its_acronym():
    name = "Centre Hospitalier Universitaire de Liège"
    assert _acronym([name], "Hôpital|CHU de Liège") == "CHU de Liège"
    assert _acronym(["Université de Liège"], "ULiège") == ""


def test_colours_are_those_of_the_figures_and_every_word_asked_for_is_there():
    read = {
        path.name: path.read_text(encoding="utf-8") for path in FILES.iterdir() if path.is_file()
    }
    for i, colour in enumerate(COLOURS):
        assert f"--g{i}: {colour};" in read["atlas.css"]
    for name in ("sea", "land", "shade", "border", "frontier"):
        assert f"--{name}: {getattr(sheet, name.upper())};" in read["atlas.css"]
    labels = words_of("en", "atlas")
    asked = set(re.findall(r'say\("(\w+)"', "".join(map(read.get, SCRIPTS))))
    asked |= set(re.findall(r'data-(?:text|label)="(\w+)"', read["atlas.html"]))
    assert asked - labels.keys() == set()


def test_the_wheel_holds_every_file_of_the_atlas():
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = packed["tool"]["setuptools"]["package-data"]["collabnet"]
    files = {f"atlas/{path.name}" for path in FILES.iterdir() if path.is_file()}
    held = {file for file in files for pattern in patterns if fnmatch.fnmatch(file, pattern)}
    assert {file for file in files - held if not file.endswith(".py")} == set()
