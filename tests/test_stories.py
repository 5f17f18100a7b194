"""A notebook as a page: run for another home, without code, drawn without network."""

import re
import tomllib

import pandas as pd
import pytest

import collabnet as cn
from collabnet import stories
from collabnet.cli import main
from conftest import ROOT

AACHEN = "04xfq0f34"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stories") / "store"
    cn.write_store(cn.resolve(cn.read(ROOT / "data")), folder)
    return folder


@pytest.fixture(scope="module")
def page(store):
    """The story of Europe, run for Aachen on a store."""
    out = store.parent / "report.html"
    asked = ["report", str(store), "--notebook", "02", "--home", AACHEN, "--years", "2018:2022"]
    assert main([*asked, "--out", str(out)]) == 0
    return out


def test_a_number_is_name_enough(tmp_path):
    assert stories.find_notebook("01").name == "01-euregio-and-grande-region.ipynb"
    assert stories.find_notebook("10-projects").name == "10-projects-in-h2020.ipynb"
    (own := tmp_path / "own.ipynb").write_text("{}")
    assert stories.find_notebook(own) == own


@pytest.mark.parametrize("name", ["0", "99", "nothing.ipynb"])
def test_a_name_of_none_or_of_many_is_refused_with_those_there_are(name):
    with pytest.raises(cn.UnknownNameError, match="Unknown notebook"):
        stories.find_notebook(name)


def test_a_notebook_that_reads_no_store_is_refused(store, tmp_path, capsys):
    out = tmp_path / "report.html"
    assert main(["report", str(store), "--notebook", "08", "--out", str(out)]) == 2
    assert "08-bring-your-own-data.ipynb reads no store" in capsys.readouterr().err
    assert not out.exists()


def test_a_store_that_is_not_there_is_said(tmp_path, capsys):
    out = tmp_path / "report.html"
    assert main(["report", str(tmp_path / "no"), "--notebook", "02", "--out", str(out)]) == 2
    assert "does not exist. Make it with: collabnet ingest" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
def test_the_page_holds_prose_and_tables_and_no_code(page):
    text = page.read_text(encoding="utf-8").split("</script>", 1)[1]
    assert "<h2" in text
    assert text.count("<table") > 8
    assert "import pandas" not in text
    assert "cn.partners" not in text
    assert f"02-european-strategy.ipynb · store · {AACHEN} · 2018–2022" in text


@pytest.mark.slow
def test_what_one_university_states_is_not_said_of_another(page):
    text = page.read_text(encoding="utf-8")
    assert "Graduates who stayed abroad" not in text
    assert f"The tables and maps are those of {AACHEN}, in these records and years." in text
    assert "Liège" not in re.sub(
        r"<table.*?</table>|<pre.*?</pre>|<script.*?</script>", "", text, flags=re.S
    )


def run(store, number, home, **more):
    """Write a story on a store, and return its page without the library that draws."""
    out = store.parent / f"{number}.html"
    stories.write_story(store, number, out, home=home, **more)
    return out.read_text(encoding="utf-8").split("</script>", 1)[1]


@pytest.mark.slow
def test_findings_are_said_of_the_data_they_were_found_in(store):
    text = run(store, "03", "00afp2z80")
    assert "Half closed, and that is Averroès again" in text
    assert "change the next cell" not in text
    assert '<p class="other" hidden>' in text


@pytest.mark.slow
def test_a_story_whose_layer_is_absent_goes_on(tmp_path):
    """One flow, no work, no agreement, no project: each table is empty, and says so."""
    acts = pd.DataFrame({"activity_id": ["m"], "kind": "mobility", "amount": [20]})
    ends = pd.DataFrame({"activity_id": "m", "institution_id": ["00afp2z80", AACHEN]})
    ends["role"] = ["sending", "receiving"]
    alone = cn.Records({"activities": acts, "participants": ends})
    cn.write_store(cn.resolve(alone), tmp_path / "store")
    text = run(tmp_path / "store", "06", AACHEN)
    assert "<b>RWTH Aachen University: agreements.</b> No partner.</p>" in text
    assert "plotly-graph-div" not in text
    assert "0 of 0 rows" in text
    assert text.count("<table") > 8


@pytest.mark.slow
def test_around_a_home_without_coordinates_the_story_draws_no_map(tmp_path):
    acts = pd.DataFrame({"activity_id": ["w"], "kind": "work", "start": "2020"})
    took = pd.DataFrame({"activity_id": "w", "institution_id": ["openalex:I1", AACHEN]})
    cn.write_store(
        cn.resolve(cn.Records({"activities": acts, "participants": took})), tmp_path / "s"
    )
    text = run(tmp_path / "s", "03", "openalex:I1", lang="fr")
    assert "plotly-graph-div" not in text
    assert "copublications 2019–2024, comptage entier" in text


@pytest.mark.slow
def test_plotly_is_in_the_page_once(page):
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"plotly\.js v\d", text)) == 1
    assert len(text) < 7_000_000


@pytest.mark.slow
def test_the_page_opens_offline_without_a_request_and_draws_its_maps(page, browser):
    asked, said = [], []
    context = browser.new_context(offline=True)
    tab = context.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(page.as_uri())
    tab.wait_for_selector("#figure-2 .scatterlayer path.point")
    assert tab.locator(".js-plotly-plot .main-svg").first.bounding_box()["width"] > 500
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert said == []
    context.close()


@pytest.mark.slow
def test_a_notebook_that_fails_leaves_the_old_page_and_says_the_cell(store, tmp_path, capsys):
    out = tmp_path / "report.html"
    out.write_text("old")
    asked = ["report", str(store), "--notebook", "02", "--home", "00000nowhere"]
    assert main([*asked, "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert re.search(r"02-european-strategy.ipynb stops at cell \d+: UnknownNameError", said)
    assert out.read_text() == "old"


def test_a_wheel_brings_the_notebooks_and_their_data():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    taken = project["tool"]["setuptools"]["data-files"]
    brought = {
        f"{place}/{file.name}"
        for place, ways in taken.items()
        for w in ways
        for file in ROOT.glob(w)
    }
    books = {f"share/collabnet/notebooks/{p.name}" for p in ROOT.glob("notebooks/*.ipynb")}
    needed = {"partnerships.csv", "works-synthetic.jsonl.gz", "mobility/activities.csv"}
    assert books | {f"share/collabnet/data/{name}" for name in needed} <= brought
