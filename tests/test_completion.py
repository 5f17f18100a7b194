"""What Tab proposes between quotes in a shell of IPython, as JupyterLab asks for it."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT

pytest.importorskip("IPython", reason="needs the extra lab")

ASK = """
import json, sys, warnings
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.completer import provisionalcompleter
shell = InteractiveShell.instance()
shell.run_cell("import pandas as pd, collabnet as cn")
shell.run_cell("def profile(region): pass")
shell.run_cell("table = pd.DataFrame({'source': ['a'], 'target': ['b'], 'salton': [0.5]})")
found = []
with provisionalcompleter():
    for code in json.loads(sys.argv[1]):
        found.append([one.text for one in shell.Completer.completions(code, len(code))])
print(json.dumps(found))
"""
ASKED = {
    "region": "cn.plot_map(table, region='magh",
    "in a list": "cn.plot_map(table, regions=['maghreb', 'grande",
    "by place": 'cn.region("euregio',
    "capitals": "cn.profile(records, region='MAGH",
    "level": "cn.edges(records, level='",
    "kind": "cn.partners(\n    records,\n    kind='ag",
    "own columns": "cn.plot_matrix(table, values='",
    "language": "cn.plot_trend(table, lang='",
    "public names": "cn.plot_ma",
    "of others": "print('maghr",
    "behind a quote": "cn.profile(records, region='maghreb'",
    "behind another": "cn.edges(records, level='country'",
    "of her own": "profile(region='magh",
    "a file": "cn.read('pypro",
    "no choices": "cn.save_figure('",
}


@pytest.fixture(scope="module")
def proposed():
    """What is proposed at the end of each text asked; in a process of its own, as a kernel is."""
    command = [sys.executable, "-c", ASK, json.dumps(list(ASKED.values()))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == ""
    return dict(zip(ASKED, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_regions_are_proposed_wherever_one_is_named(proposed):
    assert proposed["region"] == ["maghreb", "maghreb-uma"]
    assert proposed["in a list"] == ["grande-region"]
    assert proposed["by place"][0] == "euregio-meuse-rhine"
    assert proposed["capitals"] == ["maghreb", "maghreb-uma"]


def test_what_an_argument_may_be_is_proposed(proposed):
    assert proposed["level"] == ["country", "institution", "person", "region"]
    assert proposed["kind"] == ["agreement"]
    assert proposed["language"] == ["en", "fr"]


def test_the_indicators_of_a_table_are_proposed_where_one_is_to_be_drawn(proposed):
    assert proposed["own columns"] == ["salton", "source", "target"]


def test_public_names_are_proposed_before_they_are_loaded(proposed):
    assert {name.rpartition(".")[2] for name in proposed["public names"]} >= {
        "plot_map",
        "plot_matrix",
    }


def test_functions_of_others_get_nothing_of_ours(proposed):
    assert proposed["of others"] == proposed["of her own"] == []


def test_behind_a_closing_quote_nothing_is_proposed(proposed):
    assert not {"averroes", "maghreb", "world"} & {*proposed["behind a quote"]}
    assert not {"country", "institution"} & {*proposed["behind another"]}


def test_where_we_have_nothing_to_propose_files_are(proposed):
    assert proposed["a file"] == ["pyproject.toml"]
    assert "pyproject.toml" in proposed["no choices"]
