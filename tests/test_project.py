"""A project of one's own: what `init` writes, what `doctor` says, where settings come from."""

import json
import re
import subprocess
import sys
from datetime import date

import openpyxl
import pytest
from atlas_pages import watched

import collabnet as cn
from collabnet import project, settings
from collabnet.atlas import write_atlas
from collabnet.cli import main
from collabnet.errors import InputError

RWTH = "04xfq0f34"
SHOW = "from collabnet import settings; print(settings.HOME, settings.SMALLEST, *settings.REGIONS)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return project.write_project(tmp_path_factory.mktemp("init") / "rwth", RWTH)


@pytest.fixture
def inside(folder, monkeypatch):
    """Work in the project, with its settings."""
    monkeypatch.chdir(folder)
    for name in settings.USUAL:
        monkeypatch.delattr(settings, name, raising=False)
    yield folder
    for name in settings.USUAL:
        vars(settings).pop(name, None)


def told(place, **environment):
    """Return what a fresh Python in a folder takes for its settings."""
    import os

    command = [sys.executable, "-c", SHOW]
    given = {**os.environ, **environment}
    done = subprocess.run(
        command, cwd=place, env=given, capture_output=True, text=True, check=False
    )
    return done.stdout.split() or done.stderr.strip().splitlines()[-1]


def test_a_project_knows_its_home_its_regions_and_its_neighbours(folder):
    assert told(folder)[0] == RWTH
    assert told(folder)[2:] == ["euregio-meuse-rhine", "euron-2017", "home-area", "home-neighbours"]
    own = cn.list_regions(path=folder / "regions.toml").set_index("region")
    assert own.loc["home-neighbours", "label_en"] == "Neighbours of Germany"
    beside = cn.region("home-neighbours", path=folder / "regions.toml")["code"].tolist()
    assert beside == ["AT", "BE", "CH", "CZ", "DK", "FR", "LU", "NL", "PL"]
    assert cn.region("home-area", path=folder / "regions.toml")["code"].tolist() == ["DEA2"]


def test_what_belongs_to_the_home_is_named(tmp_path):
    made = project.write_project(tmp_path / "liege", "00afp2z80")
    assert "Gembloux Agro-Bio Tech" in (made / "README.md").read_text(encoding="utf-8")


def test_works_are_fetched_up_to_this_year(folder):
    make = ["make", "--dry-run", "works"]
    done = subprocess.run(make, cwd=folder, capture_output=True, text=True, check=True)
    span = re.findall(r"--years (\d{4}):(\d{4})", done.stdout)
    assert span == [("2015", str(date.today().year))] * 2


def test_the_sheet_offers_values_and_its_examples_are_synthetic(folder):
    sheet = openpyxl.load_workbook(folder / "agreements.xlsx")["agreements"]
    heads = [cell.value for cell in sheet[1]]
    ranges = " ".join(str(one.sqref) for one in sheet.data_validations.dataValidation)
    letters = [openpyxl.utils.get_column_letter(heads.index(n) + 1) for n in project.CHOICES]
    assert [letter for letter in letters if f"{letter}2:{letter}" not in ranges] == []
    acts = cn.read(folder / "agreements.xlsx").activities
    assert acts["synthetic"].tolist() == [True, True]
    assert acts["start"].tolist() == ["2024-09-01", "2022"]


def test_every_value_the_sheet_offers_is_read(folder, tmp_path):
    for column, values in project.CHOICES.items():
        for value in values:
            book = openpyxl.load_workbook(folder / "agreements.xlsx")
            sheet = book["agreements"]
            heads = [cell.value for cell in sheet[1]]
            sheet.delete_rows(3, 2)
            sheet.cell(2, heads.index("end") + 1).value = None
            sheet.cell(2, heads.index("end_status") + 1).value = None
            sheet.cell(2, heads.index("role") + 1, "sending" if value == "mobility" else None)
            sheet.cell(2, heads.index(column) + 1, value)
            book.save(tmp_path / "one.xlsx")
            if (column, value) == ("end_status", "known"):
                continue  # a known end has a date
            assert cn.read(tmp_path / "one.xlsx").quarantine.empty, (column, value)


def test_notebooks_are_set_to_the_home_and_hold_no_output(folder):
    books = sorted((folder / "notebooks").glob("*.ipynb"))
    assert len(books) == len(project.STORIES)
    for file in books:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        assert "RWTH Aachen University" in cells[1]["source"]
        known = [c for c in cells if "parameters" in c["metadata"].get("tags", ())]
        assert f'HOME = "{RWTH}"' in known[0]["source"]
        assert 'DATA = "../build/store"' in known[0]["source"]
        assert "../data" not in known[0]["source"]
        assert [c for c in cells if c.get("outputs")] == []


def test_the_atlas_of_a_project_opens_around_its_home_and_says_it_is_invented(
    inside, browser, tmp_path
):
    records = cn.ingest([inside / "agreements.xlsx"], tmp_path / "store")
    path = write_atlas(records, tmp_path / "atlas.html")
    with watched(browser, path) as page:
        assert "RWTH Aachen" in page.title()
        assert page.is_visible("#view > .synthetic")
        assert page.locator("#tab-home-neighbours").count() == 1


def test_the_brief_of_a_project_says_that_its_examples_are_invented_and_not_that_works_are(
    inside, tmp_path
):
    from collabnet.report import write_report

    records = cn.ingest([inside / "agreements.xlsx"], tmp_path / "store")
    path = write_report(records, tmp_path / "brief.html", region="europe", lang="en")
    text = path.read_text(encoding="utf-8")
    assert '<p class="stamp">Invented examples: not observed.' in text
    assert " (invented)</th>" in text
    assert "ynthetic" not in text


def test_a_story_of_a_project_runs_in_its_folder(inside, tmp_path):
    from collabnet.stories import write_story

    cn.ingest([inside / "agreements.xlsx"], tmp_path / "store")
    story = inside / "notebooks" / "05-strategic-partners.ipynb"
    page = write_story(tmp_path / "store", story, tmp_path / "s.html", home=RWTH)
    assert "<h1" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--home", "05zzzzz99"], "collabnet fetch ror"),
        ([], "Give --home"),
    ],
)
def test_a_home_that_is_not_known_is_one_sentence_and_writes_nothing(
    arguments, said, tmp_path, capsys
):
    assert main(["init", str(tmp_path / "new"), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="something already"):
        project.write_project(tmp_path, RWTH)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_institution_of_a_registry_can_have_a_project(real, tmp_path):
    dump = real / "ror" / "ror-subset_schema_v2.zip"
    bodies = cn.read(dump).institutions
    far = bodies[bodies["country"].eq("JP") & bodies["status"].eq("active")].iloc[0]
    made = project.write_project(tmp_path / "jp", far["institution_id"], registry=dump)
    assert far["name"] in (made / "README.md").read_text(encoding="utf-8")
    assert "NUTS region is not known" in (made / "README.md").read_text(encoding="utf-8")
    assert told(made)[2:] == ["europe"]


def test_the_environment_wins_over_the_file_and_the_file_over_what_is_usual(folder, tmp_path):
    assert told(tmp_path)[:2] == ["00afp2z80", "5"]
    assert told(folder / "exports")[:2] == [RWTH, "5"]
    given = {"COLLABNET_HOME": "https://ror.org/05kb8h459", "COLLABNET_SMALLEST": "10"}
    assert told(folder, **given, COLLABNET_REGIONS="maghreb, europe") == [
        *("05kb8h459", "10", "maghreb", "europe")
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('hom = "x"', "Unknown setting 'hom'. Did you mean 'home'?"),
        ("home = 5", "home is 5, but a text was expected."),
        ('smallest = "5"', "a whole number was expected"),
        ("regions = [1]", "a list of names was expected"),
        ("home = ", "cannot be read as settings in TOML"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_the_file(text, said, tmp_path):
    (tmp_path / "collabnet.toml").write_text(text)
    answer = told(tmp_path)
    assert said in answer
    assert str(tmp_path / "collabnet.toml") in answer


@pytest.mark.usefixtures("inside")
def test_what_a_program_sets_stays():
    settings.HOME = "05kb8h459"
    assert settings.SMALLEST == 5
    assert settings.HOME == "05kb8h459"


@pytest.mark.usefixtures("inside")
def test_a_region_of_ones_own_takes_the_place_of_a_shipped_one():
    assert cn.region("strategic-partners").empty
    assert cn.region("home-area")["code"].tolist() == ["DEA2"]
    assert cn.region("maghreb")["code"].tolist() == ["DZ", "MA", "TN"]


def test_the_doctor_says_what_is_missing_and_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(project.shutil, "which", lambda _: None)
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "--  Java, for Spark: not found; on Debian: apt install default-jre-headless" in lines
    assert any(line.startswith("ok  libraries: all ") for line in lines)
