"""The rules of the house: imports go down, the door is complete, files stay short."""

import ast
import inspect
import io
import json
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import collabnet as cn

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "collabnet"
FLOORS = (
    {"errors"},
    {"settings"},
    {"schema", "identifiers", "geo", "words", "counting", "privacy", "folders", "pool"},
    {"countries", "engine", "works"},
    {"records", "matching", "parts"},
    {"readers", "institutions", "regions", "fetch"},
    {"parties", "merging", "snapshot", "harvest"},
    {"stores", "quality"},
    {"links"},
    {"partnerships"},
    {"exports"},
    {"lab"},
    {"vosviewer"},
    {"pajek"},
    {"graphs"},
    {"indicators", "uncertainty", "agreements", "network", "comparison", "whatif"},
    {"pairs", "spread", "components", "gap_table", "events", "trends", "expectation"},
    {"standard"},
    {"sheet"},
    {"plots"},
    {"charts"},
    {"lifelines", "card"},
    {"atlas", "explorer", "report", "stories"},
    {"project"},
    {"commands"},
    {"cli"},
    {"__init__", "__main__"},
)
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
LAYOUT |= {tokenize.ENDMARKER}
HEAVY = ("duckdb", "geopandas", "igraph", "jupyter", "plotly", "pyspark")
SOURCES = sorted(HOUSE.rglob("*.py"))
CODE = [
    *(p for folder in ("collabnet", "tests", "scripts") for p in (ROOT / folder).rglob("*.py")),
    *(p for kind in ("css", "html", "js") for p in (HOUSE / "atlas").glob(f"*.{kind}")),
]


def imports(node):
    """Yield the import statements below `node`, but for those made for types only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from imports(child)


def rooms_imported(path):
    """Return what a file imports of the house; what has no floor is a name taken from the door."""
    found = set()
    for node in imports(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name} has a relative import"
            names = [f"{node.module}.{name}" for name in names]
        house = [name.split(".") for name in names if name.startswith("collabnet")]
        found |= {parts[1] if len(parts) > 1 else "collabnet" for parts in house}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(HOUSE).as_posix())
def test_imports_go_down(path):
    here = path.relative_to(HOUSE).with_suffix("").parts[0]
    assert here in FLOOR, f"give {here!r} its floor in tests/test_house.py"
    up = {name for name in rooms_imported(path) if FLOOR.get(name, 99) >= FLOOR[here]}
    assert up - {here} == set(), f"{here!r} is on floor {FLOOR[here]}"


def test_import_loads_no_heavy_library():
    show = f"import sys, collabnet; print(*set({HEAVY}) & {{m.split('_')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_door_loads_nothing_until_a_name_is_used():
    show = "import sys, collabnet; print(*{'pandas', 'numpy', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_door_is_sorted_and_complete_and_what_editors_read_says_the_same():
    stub = ast.parse((HOUSE / "__init__.pyi").read_text(encoding="utf-8"))
    found = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    names = sorted(alias.name for node in found for alias in node.names)
    stated = next(ast.literal_eval(n.value) for n in stub.body if isinstance(n, ast.Assign))
    assert list(cn.__all__) == names == stated
    assert [name for name in names if getattr(cn, name).__module__[:10] != "collabnet."] == []


def test_public_functions_have_an_example_and_no_name_of_a_module():
    members = {name: getattr(cn, name) for name in cn.__all__}
    ours = {n: v for n, v in members.items() if inspect.isroutine(v) or n == "Records"}
    assert [n for n, v in ours.items() if "Examples" not in (v.__doc__ or "")] == []
    assert set(ours) & set(FLOOR) == set()


def code_lines(path):
    """Count the lines of a file that hold code: no docstring, no comment, not blank."""
    text = path.read_text(encoding="utf-8")
    tree, used = ast.parse(text), set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            used |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            used -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(used)


def test_files_are_short():
    lines = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in CODE}
    assert {p.name: n for p, n in lines.items() if n > 600} == {}


def test_the_package_is_no_larger_than_was_decided():
    assert sum(map(code_lines, SOURCES)) < 13870  # docs/decisions/0007


def test_notebooks_leave_the_import_path_alone():
    for path in ROOT.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any("sys.path" in "".join(cell["source"]) for cell in cells), path.name
