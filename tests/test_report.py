"""The brief of a region: one A4 page whose numbers are those of the tables."""

import re

import pandas as pd
import pytest

import collabnet as cn
from collabnet import settings
from collabnet.cli import main
from collabnet.report import NAMED, ROWS, write_report
from collabnet.words import words_of
from conftest import ROOT

YEARS, DAY = (2019, 2024), "2024-12-31"
SHIPPED = [*settings.REGIONS, "world", "erasmus-programme", "strategic-partners"]
BOXES = """() => [...document.querySelectorAll('svg text')].map(text => {
    const box = text.getBBox(); return [box.x, box.y, box.x + box.width, box.y + box.height]; })"""
WIDE = """() => [...document.querySelectorAll('main, section, figure, header')].filter(part => {
    const room = document.body.getBoundingClientRect(), box = part.getBoundingClientRect();
    return part.scrollWidth > part.clientWidth + 1 || box.right > room.right + 1; }).length"""


@pytest.fixture(scope="module")
def records():
    return cn.resolve(cn.read(ROOT / "data"))


@pytest.fixture(scope="module")
def html(records, tmp_path_factory):
    """The brief of the Grande Région, in French."""
    path = tmp_path_factory.mktemp("report") / "brief.html"
    write_report(records, path, region="grande-region", lang="fr", years=YEARS, as_of=DAY)
    return path.read_text("utf-8")


def inside(records, region):
    """Return the rows of the gap matrix in a region."""
    table = cn.gaps(records, years=YEARS, as_of=DAY, lang="fr")
    lies = cn.memberships(records.institutions, [region])["institution_id"]
    return table[table["partner"].isin(lies)]


def cells(html, table):
    """Return the cells of a table of the page, tags left out."""
    body = re.search(rf'<table class="{table}">.*?<tbody>(.*?)</tbody>', html, re.DOTALL)[1]
    rows = re.findall("<tr>(.*?)</tr>", body)
    return [[re.sub("<[^>]+>", "", cell) for cell in re.split("</t[hd]>", r)[:-1]] for r in rows]


@pytest.mark.parametrize(
    ("region", "lang"), [*((name, "fr") for name in SHIPPED), ("erasmus-programme", "en")]
)
def test_it_prints_on_one_a4_page_and_nothing_is_wider(records, browser, tmp_path, region, lang):
    path = tmp_path / "brief.html"
    write_report(records, path, region=region, lang=lang, years=YEARS, as_of=DAY)
    page = browser.new_page(viewport={"width": 860, "height": 1150})
    page.goto(path.as_uri())
    assert page.evaluate(WIDE) == 0
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
    assert re.search(rb"/MediaBox\s*\[0 0 59[45][.\d]* 84[12]", printed)
    boxes = page.evaluate(BOXES)
    page.close()
    for n, (left, top, right, bottom) in enumerate(boxes):
        others = boxes[n + 1 :]
        touching = [
            b for b in others if left < b[2] and b[0] < right and top < b[3] and b[1] < bottom
        ]
        assert touching == []


def test_no_script_can_run_in_it(html):
    assert "default-src 'none'; style-src 'unsafe-inline'" in html
    assert "<script" not in html
    assert "http:" not in html


def test_the_partners_are_those_of_gaps_by_class_and_the_rest_is_counted(html, records):
    table, rows = inside(records, "grande-region"), cells(html, "partners")
    classes = words_of("fr", "gaps")["classes"]
    order = table["class"].map({name: n for n, name in enumerate(classes)})
    table = table.assign(order=order).sort_values("order", kind="stable")
    assert len(table) == 18 > ROWS == len(rows) - 1
    for row, told in zip(table.head(ROWS).to_dict("records"), rows[:-1], strict=True):
        works = f"{row['works']} ({row['works_low']}–{row['works_high']})" if row["works"] else "0"
        agreed = [row[c] for c in ("projects", "agreements_in_force", "last_activity")]
        assert told[3:] == [works, *map(str, agreed)]
        assert told[0] == f"{classes[row['class']].capitalize()} (synth.)"
    assert rows[-1][0].startswith("6 de plus : ")


def test_the_key_figures_are_those_of_the_tables(html, records):
    told = {row[0]: row[1:] for row in cells(html, "figures")}
    table, words = inside(records, "grande-region"), words_of("fr", "report")["lines"]
    assert told[words["partners"]] == ["18", "sur 154"]
    met = cn.profile(records, years=YEARS, region="grande-region").set_index("indicator")
    share = met.loc["region_share"]
    percent = [f"{round(100 * share[c], 1):g}".replace(".", ",") for c in ("value", "low", "high")]
    assert told[words["share"]] == [f"{percent[0]} %", f"95 % : {percent[1]} à {percent[2]}"]
    joint = round(share["value"] * share["n"])
    assert told[words["works"]] == [str(joint), f"sur 1\u202f{int(share['n']) - 1000}"]
    assert told[words["agreed"]][0] == str((table["agreements_in_force"] > 0).sum())
    assert told[words["mobility_out"]] == ["aucune donnée"], "unknown is not nought"


def test_agreements_that_need_attention_are_listed_with_the_reason(html, records):
    listed = re.findall("<li>(.*?)</li>", html)
    table = inside(records, "grande-region")
    assert "expired but alive" in set(table["class"])
    assert any("Échu, le travail continue" in line and "UniGR" in line for line in listed)


def test_synthetic_works_are_said_on_the_page(html):
    assert '<p class="stamp">Publications synthétiques' in html


def test_names_are_data(browser, tmp_path):
    hostile = [
        "<script>window.x=1</script>",
        "<img src=x onerror=window.x=1>",
        "{home} $a$ \u202e&lt;",
    ]
    bodies = pd.DataFrame({"institution_id": list("LMNR"), "name": ["</title><b>", *hostile]})
    bodies = bodies.assign(country=["BE", "LU", "FR", "DE"], lat=[50.6, 49.6, 48.7, 49.2])
    bodies = bodies.assign(lon=[5.6, 6.1, 6.2, 7.0], nuts3=["BE332", "LU000", "FRF31", "DEC01"])
    acts = pd.DataFrame({"activity_id": list("abc"), "kind": "agreement", "title": hostile})
    sides = pd.DataFrame({"activity_id": list("aabbcc"), "institution_id": list("LMLNLR")})
    tables = {"activities": acts, "participants": sides, "institutions": bodies}
    path = tmp_path / "brief.html"
    write_report(cn.Records(tables), path, region="grande-region", home="L", as_of=DAY)
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.evaluate("() => window.x") is None
    assert page.locator("script, img, h1 b").count() == 0
    assert page.locator("tbody tr").filter(has_text="onerror").count() == 1
    assert "\u202e" not in page.content()
    page.close()


def test_a_region_without_partners_says_so(tmp_path):
    path = write_report(cn.Records({}), tmp_path / "no.html", region="maghreb", home="00afp2z80")
    assert "No partner here in these records and years." in path.read_text("utf-8")


def test_the_command_writes_it_and_says_what_is_missing(records, tmp_path, capsys):
    cn.write_store(records, tmp_path / "store")
    out = tmp_path / "brief.html"
    asked = ["report", str(tmp_path / "store"), "--out", str(out), "--as-of", DAY]
    with pytest.raises(SystemExit):
        main(asked)
    assert "one of the arguments --region --notebook is required" in capsys.readouterr().err
    assert main([*asked, "--region", "atlantis"]) == 2
    assert not out.exists()
    assert main([*asked, "--region", "maghreb", "--years", "2019:2024", "--lang", "fr"]) == 0
    assert "Maghreb" in out.read_text("utf-8")
    assert NAMED >= out.read_text("utf-8").count('<text class="name">') > 0
