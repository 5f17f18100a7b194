"""The documentation is true: its blocks run, its links lead somewhere, nothing is missing."""

import argparse
import doctest
import json
import re
import shlex
import zipfile
from contextlib import chdir, redirect_stdout
from io import BytesIO, StringIO
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import oai_server
import openalex_server
import pytest

import collabnet as cn
from collabnet import cli, schema, settings
from collabnet.readers import FORMATS
from conftest import ROOT

ELSEWHERE = {"cluster", "fetch"}  # run by test_spark.py, and against servers below
HOW_TO = [p for p in sorted(ROOT.glob("docs/how-to/*.md")) if p.stem not in ELSEWHERE]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *HOW_TO]
EVERY_PAGE = [*sorted({*PAGES, *ROOT.glob("docs/*/*.md")}), ROOT / "data" / "README.md"]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"# (\S+\.toml)\n")
ALIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A fenced block, and the output printed below it (empty where none is)."""

    language: str
    text: str
    output: str


def blocks(page):
    """Return the blocks of a page that can be run; TOML headed by a file name is a file."""
    found = [*FENCE.findall(page.read_text(encoding="utf-8")), ("", "")]
    return [
        Block(language, text, after[1] if after[0] == "text" else "")
        for (language, text), after in pairwise(found)
        if language == "python"
        or (language == "sh" and list(commands(text)))
        or (language == "toml" and FILE.match(text))
    ]


def commands(text):
    """Yield the arguments of each `collabnet …` line."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["collabnet"]:
            yield words[1:]


def subcommands():
    """Return the parser of each command."""
    for action in cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    raise AssertionError


def is_named(name, text):
    """Is a name written as code?"""
    return re.search(rf"`[^`\n]*(?<![\w-]){re.escape(name)}(?![\w-])[^`\n]*`", text)


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    """A folder with the shipped data and a store made of it, as after `make atlas`."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "data").symlink_to(ROOT / "data")
    cn.ingest([folder / "data"], folder / "build" / "store")
    return folder


RUNNABLE = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda p: p.stem)
def test_blocks_run_and_print_what_is_shown(page, workplace, tmp_path):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    for name in ("data", "build/store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(workplace / name)
    names = {"__name__": page.stem}
    with chdir(tmp_path):
        for block in blocks(page):
            said = StringIO()
            with redirect_stdout(said):
                if block.language == "toml":
                    Path(FILE.match(block.text)[1]).write_text(block.text, encoding="utf-8")
                if block.language == "python":
                    exec(compile(block.text, page.name, "exec"), names)  # noqa: S102
                for arguments in commands(block.text) if block.language == "sh" else ():
                    assert cli.main(arguments) == 0, arguments
            same = doctest.OutputChecker().check_output(block.output, said.getvalue(), ALIKE)
            assert same or not block.output, f"{block.text}\nprints\n{said.getvalue()}"


def zipped(name, text):
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, text)
    return memory.getvalue()


def test_the_commands_of_the_guide_to_fetching_run(tmp_path, monkeypatch, capsys):
    ror = {"id": "https://ror.org/00afp2z80", "names": [{"value": "Liège", "types": ["label"]}]}
    parties = "projectID;organisationID;role;country\n1;999976105;coordinator;BE\n"
    files = {
        "v2.9-ror-data.zip": zipped("v2.9-ror-data.json", json.dumps([ror])),
        "cordis-HORIZONprojects-csv.zip": zipped("organization.csv", parties),
    }
    works, records = map(openalex_server.work, range(30)), map(oai_server.record, range(7))
    guide = ROOT / "docs" / "how-to" / "fetch.md"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENALEX_API_KEY", openalex_server.KEY)
    with openalex_server.serving(works, files=files) as server, oai_server.serving(records) as oai:
        for name in ("OPENALEX", "ROR", "CORDIS", "ORBI"):
            base = oai.base if name == "ORBI" else server.base
            monkeypatch.setenv(f"COLLABNET_{name}_URL", base)
        for arguments in (a for block in blocks(guide) for a in commands(block.text)):
            assert cli.main(arguments) == 0, (arguments, capsys.readouterr())
    assert cn.read("build/store").counts()["work"] == 37


def test_every_public_name_is_documented():
    assert [name for name in cn.__all__ if not is_named(name, TEXT)] == []


def test_every_command_is_documented_with_each_of_its_options():
    sections = dict(re.findall(r"^### `collabnet (\w+).*?`\n(.*?)(?=^##)", REFERENCE, re.M | re.S))
    heads = re.findall(r"^### `(collabnet .*)`$", REFERENCE, re.M)
    assert list(sections) == list(subcommands())
    for name, parser in subcommands().items():
        said = sections[name] + next(head for head in heads if head.startswith(f"collabnet {name}"))
        options = {o for a in parser._actions for o in a.option_strings if o.startswith("--")}
        assert {o for o in options if o not in said} == {"--help"}, name
        assert set(re.findall(r"--[a-z][a-z-]*", said)) <= options, name


def test_help_of_every_command_holds_an_example():
    for name, parser in subcommands().items():
        assert f"example: \n  collabnet {name} " in parser.format_help().replace("\n", " \n")


def test_every_format_region_and_setting_is_documented():
    assert [name for name in FORMATS if not is_named(name, REFERENCE)] == []
    assert [name for name in settings.__annotations__ if not is_named(name, REFERENCE)] == []
    listed = [line.split()[0] for line in REFERENCE.split("## Regions")[1].splitlines() if line]
    assert [name for name in cn.list_regions()["region"] if name not in listed] == []


@pytest.mark.parametrize("table", schema.TABLES)
def test_every_column_is_documented_with_its_type(table):
    model = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
    section = model.split(f"## `{table}`\n")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \| \S", section, re.M)
    assert documented == [(name, kind) for name, (kind, _) in schema.TABLES[table].items()]


def slug(heading):
    """Return the anchor a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if re.match(r"https?:|mailto:", link):
            continue
        headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M) if anchor else []
        if not target.exists() or (anchor and anchor not in map(slug, headings)):
            dead.append(link)
    assert dead == []
