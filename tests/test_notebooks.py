"""The notebooks hold what they show, keep to the style of the house, and draw maps offline."""

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from contextlib import chdir
from functools import cache

import nbformat
import pandas as pd
import pytest

from conftest import ROOT

FOLDER = ROOT / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
DRAWS = ("plot_compare", "plot_map", "plot_region")
COUNT_WORKS = {  # by default, without being asked for the kind
    *("agreement_rates", "behind_gap", "bus_factor", "compare_stores", "event_study", "gaps"),
    *("field_profile", "growth", "link_shares", "partner_intervals", "partners"),
    *("share_intervals", "trend"),
}
each = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem[:2])


def code(path):
    """Return the code cells of a notebook."""
    book = nbformat.read(path, as_version=4)
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def is_map(cell):
    return "map" in cell["metadata"].get("tags", [])


def shows(cell):
    """Does the cell end in an expression, or print?"""
    lines = ast.parse(cell["source"]).body
    return isinstance(lines[-1], ast.Expr) or "print(" in cell["source"]


def shown(cell):
    """Return what a cell has stored, as text."""
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell["outputs"]]
    return "\n".join(texts)


def names_in(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def counts_works(node):
    """Does this part of a line ask for works, by name or by default?"""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        kinds = [k for k in node.keywords if k.arg in {"kind", None}]  # **options may hold it
        return node.func.attr in COUNT_WORKS and not kinds
    return isinstance(node, ast.Constant) and node.value == "work"


def synthetic_cells(path):
    """Yield the cells that show something made from works, which are all synthetic here."""
    made_up = set()
    for cell in code(path):
        for line in ast.parse(cell["source"]).body:
            if not isinstance(line, ast.Assign | ast.AugAssign | ast.Expr):
                continue
            asks = any(map(counts_works, ast.walk(line)))
            is_made_up = asks or made_up & names_in(line.value)
            if isinstance(line, ast.Expr):
                if is_made_up:
                    yield cell
            elif is_made_up:
                made_up |= names_in(getattr(line, "target", None) or line.targets[0])
            elif isinstance(line, ast.Assign):
                made_up -= {t.id for t in line.targets if isinstance(t, ast.Name)}


def script():
    """Return `scripts/store_notebooks.py` as a module."""
    path = ROOT / "scripts" / "store_notebooks.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_notebooks_to_test():
    assert [p.stem[:2] for p in PATHS] == [f"{i:02}" for i in range(len(PATHS))]
    assert len(PATHS) >= 3


@each
def test_checked_cells_hold_output(path):
    """A cell stripped of its output would make nbval compare nothing."""
    checked = [cell for cell in code(path) if not is_map(cell) and shows(cell)]
    assert [c["source"] for c in checked if not (shown(c) and c["execution_count"])] == []
    assert all("nbval-ignore-output" not in c["metadata"].get("tags", []) for c in checked)
    assert len(checked) > 10


@each
def test_map_cells_hold_no_output_and_all_others_are_compared(path):
    maps = [cell for cell in code(path) if any(f"{name}(" in cell["source"] for name in DRAWS)]
    assert maps == [cell for cell in code(path) if is_map(cell)]
    for cell in maps:
        assert cell["metadata"]["tags"] == ["map", "nbval-ignore-output"]
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert len(maps) >= 2


@each
def test_a_table_stands_before_each_map(path):
    cells = code(path)
    before = [cells[i - 1] for i, cell in enumerate(cells) if is_map(cell)]
    tables = [re.search(r"(\n\s*(0|\w.*)  .*)|^Empty DataFrame", shown(c)) for c in before]
    assert [c["source"] for c, table in zip(before, tables, strict=True) if not table] == []


@each
def test_tables_are_stored_as_plain_text_alone(path):
    kinds = [set(o.get("data", ())) for cell in code(path) for o in cell["outputs"]]
    assert {kind for each in kinds for kind in each} == {"text/plain"}


@each
def test_cells_are_short_and_free_of_plumbing(path):
    sources = [cell["source"] for cell in code(path)]
    assert [s for s in sources if len(s.splitlines()) > 8] == []
    assert [s for s in sources if "sys.path" in s or re.search(r"^\s*(def|class) ", s, re.M)] == []
    imported = re.findall(r"^(?:import|from) (\w+)", "\n".join(sources), re.M)
    assert set(imported) <= {"collabnet", "networkx", "pandas", "pathlib"}


@each
def test_what_rests_on_synthetic_works_says_so(path):
    tables = [c for c in synthetic_cells(path) if not (is_map(c) or "export_" in c["source"])]
    assert [c["source"] for c in tables if "SYNTHETIC" not in shown(c)] == []
    cells = nbformat.read(path, as_version=4)["cells"]
    first = next(i for i, cell in enumerate(cells) if cell["cell_type"] == "code")
    assert any("SYNTHETIC" in cell["source"] for cell in cells[:first]) is bool(tables)


@each
def test_files_are_small_and_in_the_form_the_script_stores(path):
    text = path.read_text(encoding="utf-8")
    assert script().stored(nbformat.reads(text, as_version=4)) == text
    assert len(text.encode()) < 300_000


@each
def test_stored_output_is_the_same_on_every_machine(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"0x[0-9a-f]{6,}|/(?:tmp|home|root)/|\d\d:\d\d:\d\d", text) == []
    assert [s for s in map(shown, code(path)) if "Error" in s or "Warning" in s] == []


@pytest.mark.slow
def test_a_drifted_number_fails_at_its_cell_and_nothing_else_does(tmp_path):
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "conftest.py", tmp_path)
    true, drifted = (tmp_path / "notebooks" / name for name in ("true.ipynb", "drifted.ipynb"))
    book = json.loads(PATHS[0].read_text(encoding="utf-8"))
    at = next(i for i, c in enumerate(book["cells"]) if "groupby" in "".join(c["source"]))
    book["cells"] = book["cells"][: at + 3]  # the rest is slow, and compared by nbval itself
    true.write_text(json.dumps(book), encoding="utf-8")
    plain = book["cells"][at]["outputs"][0]["data"]["text/plain"]
    row, old = next((i, re.search(r"\d", line)) for i, line in enumerate(plain) if "work" in line)
    plain[row] = f"{plain[row][: old.start()]}{int(old[0]) ^ 1}{plain[row][old.end() :]}"
    drifted.write_text(json.dumps(book), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-rf"]
    command += ["-p", "no:cacheprovider", "--rootdir", tmp_path, "-c", "/dev/null", true, drifted]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    number = sum(cell["cell_type"] == "code" for cell in book["cells"][:at])
    failed = re.findall(r"^FAILED (\S+)::Cell (\d+)", done.stdout, re.M)
    assert failed == [("notebooks/drifted.ipynb", str(number))], done.stdout[-2000:]
    passed = sum(cell["cell_type"] == "code" for cell in book["cells"]) * 2 - 1
    assert f"1 failed, {passed} passed" in done.stdout


@cache
def figures(path):
    """Run a notebook in this process and return the figures of its map cells."""
    made, names = [], {}
    last = max(i for i, cell in enumerate(code(path)) if is_map(cell))
    with chdir(path.parent):
        for cell in code(path)[: last + 1]:
            tree = ast.parse(cell["source"])
            tail = ast.Expression(tree.body.pop().value) if is_map(cell) else None
            exec(compile(tree, path.name, "exec"), names)  # noqa: S102
            if tail:
                made.append(eval(compile(tail, path.name, "eval"), names))  # noqa: S307
    return made


@each
def test_maps_draw_offline_in_a_browser(path, browser, tmp_path):
    drawn = []
    for number, figure in enumerate(figures(path)):
        page_file = tmp_path / f"map-{number}.html"
        figure.write_html(page_file, include_plotlyjs=True)
        asked, said = [], []
        context = browser.new_context(offline=True)
        page = context.new_page()
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.goto(page_file.as_uri())
        page.wait_for_selector(".scatterlayer path.point")
        shapes = page.locator(".scatterlayer path.js-line, .scatterlayer path.js-fill").count()
        drawn.append((page.locator(".scatterlayer path.point").count() > 1, shapes > 10))
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        assert said == []
        context.close()
    assert drawn == [(True, True)] * sum(map(is_map, code(path)))


@each
def test_maps_of_synthetic_works_say_so_and_no_other_does(path):
    marked = ["synthetic" in figure.to_json().lower() for figure in figures(path)]
    sources = [cell["source"] for cell in synthetic_cells(path)]
    assert marked == [cell["source"] in sources for cell in code(path) if is_map(cell)]


def parameters(path):
    """Return the cells a run may replace."""
    return [c for c in code(path) if "parameters" in c["metadata"].get("tags", [])]


@each
def test_the_first_cell_holds_the_files_the_home_and_the_period(path):
    assert [cell["id"] for cell in parameters(path)] == [code(path)[0]["id"]]
    given = {}
    exec(parameters(path)[0]["source"], given)  # noqa: S102
    assert {"HOME", "SINCE", "UNTIL"} < {name for name in given if name.isupper()}
    rest = "\n".join(cell["source"] for cell in code(path)[1:])
    fixed = [str(given[name]) for name in ("HOME", "SINCE", "UNTIL")]
    assert [value for value in fixed if value in rest] == []


@each
def test_what_is_said_of_the_university_shipped_is_tagged_as_such(path):
    """A report for another home leaves out the cells tagged `finding`."""
    cells = nbformat.read(path, as_version=4)["cells"]
    texts = [c for c in cells if c["cell_type"] == "markdown"]
    free = [c["source"] for c in texts if not c["metadata"].get("tags")]
    told = [line for text in free for line in text.splitlines() if "Liège" in line]
    about = r"province of Liège|Liège is in both" if path.stem[:2] != "08" else ""  # no store
    assert [line for line in told if not re.search(about, line)] == []
    tags = {tag for c in texts for tag in c["metadata"].get("tags", [])}
    assert tags <= {"finding", "notebook"}


@each
def test_links_lead_to_files(path):
    book = nbformat.read(path, as_version=4)
    text = "\n".join(c["source"] for c in book["cells"] if c["cell_type"] == "markdown")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []
    assert links


@each
def test_a_story_ends_with_a_table_to_take_away_and_three_questions(path):
    *_, last = nbformat.read(path, as_version=4)["cells"]
    assert "export_table(" in code(path)[-1]["source"]
    assert re.findall(r"^(\d)\. \*\*", last["source"], re.M) == ["1", "2", "3"]
    assert last["source"].startswith("## Three questions")


def homes_of(values):
    """Return the home institutions that the notes of these tables, or lists of tables, name."""
    flat = [one for each in values for one in (each if isinstance(each, list) else [each])]
    notes = [one.attrs.get("note", {}) for one in flat if isinstance(one, pd.DataFrame)]
    return {note["home"] for note in notes if note.get("home")}


def steps(path, given, folder):
    """Run a story with these parameters, in a folder beside the data; yield its names each cell."""
    names = {}
    for name in ("data", "docs"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "notebooks").mkdir()
    with chdir(folder / "notebooks"):
        for cell in code(path):
            exec(compile(cell["source"], path.name, "exec"), names)  # noqa: S102
            if "parameters" in cell["metadata"].get("tags", []):
                names |= given
            yield names


@pytest.mark.slow
@each
@pytest.mark.parametrize(
    ("home", "since", "until"),
    [("04xfq0f34", 2018, 2022), ("name:eraift", 2016, 2017)],
    ids=["another-home", "a-home-without-works"],
)
def test_a_story_runs_for_another_home_and_period(path, home, since, until, tmp_path):
    """RWTH Aachen has other works and one agreement without dates; ERAIFT has no works at all."""
    given = {"HOME": home, "SINCE": since, "UNTIL": until}
    homes = set()
    for names in steps(path, given, tmp_path):
        homes |= homes_of(names.values())
    assert homes == {home}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("home", "facts"),
    [
        ("00afp2z80", {"projects": 106, "coordinated": 31, "partners": 956, "countries": 77}),
        ("04xfq0f34", {"projects": 236, "coordinated": 35, "partners": 1919, "countries": 58}),
    ],
    ids=["liege", "aachen"],
)
def test_the_story_of_projects_runs_on_horizon_2020_by_parameter(real, home, facts, tmp_path):
    given = {"DATA": str(real / "cordis" / "h2020.csv.gz"), "HOME": home, "SINCE": 2014}
    *_, names = steps(FOLDER / "10-projects-in-h2020.ipynb", given | {"UNTIL": 2026}, tmp_path)
    assert names["facts"] == facts


@pytest.mark.slow
def test_the_story_of_scale_counts_on_spark_or_says_why_not(tmp_path, capsys):
    *_, names = steps(FOLDER / "09-at-scale.ipynb", {"SPARK": True, "COPIES": 2}, tmp_path)
    told = capsys.readouterr().out
    if names["session"]:
        names["session"].stop()
        assert "2 of 2 engines counted; all say the same: True" in told
    else:
        assert "Spark is not here, the story goes on without it." in told
        assert "1 of 2 engines counted; all say the same: True" in told
