"""A project of one's own: a folder with settings, regions, a list to fill in and notebooks."""

from __future__ import annotations

import csv
import json
import platform
import re
import shutil
import tempfile
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from collabnet import geo, schema, settings
from collabnet.errors import InputError
from collabnet.expectation import neighbours_of
from collabnet.institutions import gazetteer, shipped
from collabnet.readers import read
from collabnet.regions import list_regions, memberships
from collabnet.stories import find_notebook

DATA = files("collabnet") / "data"
STORIES = ("00", "01", "02", "03", "04", "05", "06", "07")
PASSED_OVER = {
    *("world", "europe", "eu27", "ehea", "erasmus-programme", "neighbours", "strategic-partners"),
    *("euregio-meuse-rhine-strict", "euron-2003", "maghreb-uma", "central-africa-m49"),
}
"""Regions that say little of who lies in them, and second readings of others."""

OTHER_HOME = (
    "The tables and maps are those of {}. What was written of another university is left out."
)

CHOICES = {
    "kind": schema.KINDS[1:],
    "status": ("signed", "in negotiation", "ended", "cancelled"),
    "end_status": ("known", "open", "unknown"),
    "role": ("signatory", "coordinator", "partner", "sending", "receiving"),
}
LAST_ROW = 2000
"""Rows of the sheet that offer values."""

AS_TEXT = {"start", "end", "since", "until", "field"}
"""Columns in which 2024-09 and 0421 stay as they are written."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONAL = (
    ("JupyterLab, for the notebooks", "jupyterlab", "lab"),
    ("kaleido, for PNG and SVG", "kaleido", "export"),
    ("PySpark, for clusters", "pyspark", "spark"),
)
NAME = re.compile(r"[\w.-]+")


def write_project(
    folder: str | Path, home: str, *, registry: str | Path | None = None, lang: str = "en"
) -> Path:
    """Write a project around a home institution into a new folder; return the folder.

    The institution is one of the gazetteer, or of a `registry` (a dump of ROR).
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{folder}: there is something already. Name a folder that is new or empty."
        )
    body, parts = _found(home, registry)
    shown, regions = _regions(body)
    facts = {"home": home, "name": body["name"], "facts": _told(body, parts), "region": shown[0]}
    facts |= {"lang": lang, "regions": json.dumps(shown)}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".collabnet-") as place:
        fresh = Path(place, "project")
        (fresh / "notebooks").mkdir(parents=True)
        (fresh / "exports").mkdir()
        for name in ("Makefile", "README.md", settings.FILE):
            text = (DATA / "project" / name).read_text(encoding="utf-8")
            (fresh / name).write_text(_filled(text, facts), encoding="utf-8")
        (fresh / "regions.toml").write_text(regions, encoding="utf-8")
        _write_sheet(fresh / "agreements.xlsx")
        for name in STORIES:
            _set_notebook(find_notebook(name), fresh / "notebooks", home, body["name"])
        shutil.copytree(fresh, folder, dirs_exist_ok=True)
    return folder


def _found(home: str, registry: str | Path | None) -> tuple[dict[str, Any], list[str]]:
    """Return what is known of an institution, and the names of what belongs to it."""
    bodies, ties = gazetteer(), shipped("relations")
    if registry is not None:
        records = read(registry)
        bodies = pd.concat([bodies, records.institutions]).drop_duplicates("institution_id")
        ties = pd.concat([ties, records.relations])
    mine = bodies[bodies["institution_id"] == home]
    if mine.empty:
        where = "the registry" if registry is not None else "the institutions collabnet ships"
        raise InputError(
            f"{home!r} is not in {where}. Find the ROR id at ror.org; for one that is not shipped: "
            "collabnet fetch ror --out raw, then --registry with the file that it wrote."
        )
    below = ties[ties["kind"].isin(["component", "associated", "child"]) & (ties["to"] == home)]
    names = bodies.loc[bodies["institution_id"].isin(below["from"]), "name"]
    row = mine.iloc[[0]].assign(nuts3=geo.place_nuts3(mine.iloc[[0]]))
    return row.astype(object).where(row.notna(), None).to_dict("records")[0], sorted(names)


def _regions(body: dict[str, Any]) -> tuple[list[str], str]:
    """Return the regions shown, and the file of those made for this institution."""
    shipped = [name for name in list_regions()["region"] if name not in PASSED_OVER]
    shown = memberships(pd.DataFrame([body]), shipped)["region"].tolist()[:4]
    lands = geo.countries("50m").set_index("iso2")[["name", "name_fr"]]
    blocks = (DATA / "project" / "regions.toml").read_text(encoding="utf-8").split("\n\n")
    area, beside = str(body["nuts3"] or "")[:4], neighbours_of(body["country"])
    values = {"area": area, "city": body["city"] or area, "beside": json.dumps(beside)}
    if beside and body["country"] in lands.index:
        values |= {
            "en": lands.loc[body["country"], "name"],
            "fr": lands.loc[body["country"], "name_fr"],
        }
    made = {"home-area": bool(area), "home-neighbours": "en" in values}
    lost = [f"[{name}]" for name, known in made.items() if not known]
    kept = "\n\n".join(block for block in blocks if block.split("\n")[0] not in lost)
    return shown + [n for n, known in made.items() if known] or ["europe"], _filled(kept, values)


def _filled(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"{{{{{key}}}}}", value)
    return text


def _told(body: dict[str, Any], parts: list[str]) -> str:
    """Say what was found of the institution."""
    where = ", ".join(filter(None, [body["city"], body["country"], body["nuts3"]]))
    said = [f"{body['name']}: {where}; ROR {body['institution_id']}."]
    if parts:
        said.append(
            f"To it belong {', '.join(parts)}: `collabnet ingest --roll-up` counts them under it."
        )
    if not body["nuts3"]:
        said.append(
            "Its NUTS region is not known here: add a region of its area to `regions.toml`."
        )
    return " ".join(said)


def _write_sheet(path: Path) -> None:
    """Write the template of agreements as a workbook whose columns offer their values."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    with (DATA / "agreement_template.csv").open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    codes = sorted(code for code in geo.countries("50m")["iso2"].dropna() if code)
    book = Workbook()
    sheet, lists = book.worksheets[0], book.create_sheet("values")
    sheet.title, sheet.freeze_panes = "agreements", "C2"
    for row in (head, *rows):
        sheet.append([cell or None for cell in row])
    for letter, name in ((get_column_letter(i), name) for i, name in enumerate(head, 1)):
        sheet[f"{letter}1"].font = Font(bold=True)
        sheet.column_dimensions[letter].width = max(12, len(name) + 3)
        for line in range(2, LAST_ROW + 1) if name in AS_TEXT else ():
            sheet[f"{letter}{line}"].number_format = "@"
        for n in range(2, len(rows) + 2):
            sheet[f"{letter}{n}"].font = Font(italic=True, color="666666")
    for i, (name, values) in enumerate((CHOICES | {"country": codes}).items(), 1):
        column, letter = get_column_letter(i), get_column_letter(head.index(name) + 1)
        for n, value in enumerate([name, *values], 1):
            lists.cell(n, i, value)
        span = f"values!${column}$2:${column}${len(values) + 1}"
        offer = DataValidation(type="list", formula1=span, allow_blank=True)
        offer.error = f"One of the sheet “values”, column {name}."
        sheet.add_data_validation(offer)
        offer.add(f"{letter}2:{letter}{LAST_ROW}")
    book.save(path)


def _set_notebook(file: Path, folder: Path, home: str, name: str) -> None:
    """Copy a notebook for another home: its parameters changed, its outputs left out."""
    text = file.read_text(encoding="utf-8")
    book, given = json.loads(text), {"DATA": '"../build/store"  # make atlas writes it'}
    if home not in text:
        given |= {"HOME": f'"{home}"  # {name}', "FIGURES": '""'}
        notice = {"cell_type": "markdown", "id": "another-home", "metadata": {}}
        book["cells"].insert(1, notice | {"source": f"*{OTHER_HOME.format(name)}*"})
    found = [c for c in book["cells"] if "finding" not in c["metadata"].get("tags", ())]
    book["cells"] = found  # without what was found in the records shipped
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
        if "parameters" in cell["metadata"].get("tags", ()):
            lines = [line.split(" = ", 1) for line in "".join(cell["source"]).splitlines()]
            lines = [[one[0], given.get(one[0], one[1])] if one[1:] else one for one in lines]
            cell["source"] = "\n".join(map(" = ".join, lines))
    text = json.dumps(book, ensure_ascii=False, indent=1) + "\n"
    (folder / file.name).write_text(text, encoding="utf-8")


def examine() -> pd.DataFrame:
    """Return what this installation has and lacks: `what, found, fine, advice`."""
    asked = [name.split(";") for name in metadata.requires("collabnet") or ()]
    names = [NAME.findall(one[0])[0] for one in asked if "extra" not in "".join(one[1:])]
    lost = [name for name in names if not _version(name)]
    rows = [("Python", platform.python_version(), True, "")]
    said = f"{', '.join(lost)} missing" if lost else f"all {len(names)} there"
    rows.append(("libraries", said, not lost, "pip install collabnet"))
    for what, name, extra in OPTIONAL:
        rows.append(
            (what, _version(name), bool(_version(name)), f"pip install 'collabnet[{extra}]'")
        )
    chromium = next(filter(None, map(shutil.which, BROWSERS)), "")
    rows.append(
        ("Chromium, for PNG and SVG", chromium, bool(chromium), "on Debian: apt install chromium")
    )
    java = shutil.which("java") or ""
    rows.append(
        ("Java, for Spark", java, bool(java), "on Debian: apt install default-jre-headless")
    )
    for what, place in (
        ("here", Path.cwd()),
        ("to spill", settings.SPILL or tempfile.gettempdir()),
    ):
        free = shutil.disk_usage(place).free / 1e9
        rows.append(
            (f"disk {what}", f"{free:.0f} GB free", free > 5, "large stores want 5 GB or more")
        )
    file = settings.found()
    rows.append(("settings", str(file or "none: the usual ones hold"), True, ""))
    return pd.DataFrame(rows, columns=["what", "found", "fine", "advice"])


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
