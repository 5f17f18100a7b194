"""pyproject.toml, environment.yml and the pins say the same, and it is what is installed."""

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
PIN_LINES = (ROOT / "requirements" / "constraints.txt").read_text(encoding="utf-8").splitlines()
CONDA_NAMES = {"python-duckdb": "duckdb", "python-igraph": "igraph", "python-isal": "isal"}
MISSION = {"geopandas", "jupyterlab", "nbval", "networkx", "pandas", "plotly", "pytest"}


def requirements(*extras):
    """Requirements of the package and of `extras` (all where none is named): name → requirement."""
    optional = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(r for e in extras or optional for r in optional[e])]
    found = map(Requirement, lines)
    return {canonicalize_name(r.name): r for r in found if r.name != "collabnet"}


def pins(**python):
    """Pins that hold for this Python, or for another one on this system: name → version."""
    here = default_environment() | python
    lines = [Requirement(line) for line in PIN_LINES]
    held = [r for r in lines if not r.marker or r.marker.evaluate(here)]
    assert len(held) == len({r.name for r in held}), "a package is pinned twice"
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in held}


def conda():
    """Return the conda packages of environment.yml: name in pyproject.toml → specifier."""
    found = [Requirement(line) for line in CONDA if isinstance(line, str)]
    return {CONDA_NAMES.get(r.name, r.name): r.specifier for r in found}


def test_conda_packages_have_the_specifiers_of_pyproject():
    known = {name: r.specifier for name, r in requirements().items()}
    known |= {"python": Requirement(f"python{PROJECT['requires-python']}").specifier}
    stated = {name: spec for name, spec in conda().items() if name != "pip"}
    assert stated == {name: known.get(name, "not in pyproject.toml") for name in stated}


def test_conda_lists_every_dependency_and_the_tools_of_the_mission():
    needed = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert (needed | MISSION | {"python", "pip"}) - set(conda()) == set()


def test_conda_ends_by_installing_this_project_with_its_test_tools():
    assert CONDA[-1] == {"pip": ["-e .[test]"]}


@pytest.mark.parametrize("file", ["environment.yml", "requirements/constraints.txt"])
def test_no_address_is_recorded(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert [mark for mark in ("://", "--", " @ ") if mark in text] == []


def test_no_requirement_is_an_address():
    assert [str(r) for r in requirements().values() if r.url] == []


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_pins_satisfy_pyproject(python):
    pinned = pins(python_version=python, python_full_version=f"{python}.9")
    wrong = [
        f"{r} is pinned to {pinned.get(name)}"
        for name, r in requirements().items()
        if name not in pinned or not r.specifier.contains(pinned[name])
    ]
    assert wrong == []


@pytest.mark.skipif(Path(sys.prefix, "conda-meta").is_dir(), reason="conda chose the versions")
def test_what_is_installed_is_what_is_pinned():
    needed, wrong = set(requirements("docs", "lab", "export", "test")), []
    for name, pinned in pins().items():
        try:
            if version(name) != pinned:
                wrong.append(f"{name} {version(name)} is installed, {pinned} is pinned")
        except PackageNotFoundError:
            if name in needed:
                wrong.append(f"{name} is not installed")
    assert wrong == [], "run `make .venv`"
