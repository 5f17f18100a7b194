"""The atlas: one page that opens anywhere, without network, with a map and a table per region.

Python gathers what was done together, by whom and where, as plain numbers and texts; the scripts
count, draw and say it in the page, so that a filter needs no second run. Names and titles are
data: they reach the page as escaped JSON and are written there as text only.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from collabnet import geo, settings
from collabnet.atlas.content import gather
from collabnet.errors import UnknownNameError
from collabnet.exports import replacing
from collabnet.records import Records

GEOMETRY = {
    "countries-110m": "countries-110m",
    "countries-50m": "countries-50m",
    "nuts3": f"nuts3-{geo.NUTS_VERSION}",
}
"""What the scripts call a geometry file, and its name."""

SCRIPTS = ("core.js", "map.js", "names.js", "atlas.js")
"""One module, in this order."""

FIRST, LAST = ("world", "europe"), ("strategic-partners",)
"""Views before and after those of `settings.REGIONS`."""

POLICY = (
    "default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
    "connect-src 'none'; base-uri 'none'; form-action 'none'"
)


def write_atlas(
    records: Records,
    path: str | Path,
    *,
    home: str | None = None,
    lang: str = "en",
    title: str | None = None,
    regions: Sequence[str] = (),
) -> Path:
    """Write the atlas of an institution: one HTML file that needs nothing else.

    It has a view of the world, of Europe, of each of `settings.REGIONS` and of the strategic
    partners, each with a map, a table and the activities behind every line. It opens on agreements
    where there are some. The same records give the same bytes.

    Parameters
    ----------
    records
        What was done together.
    path
        The file; what stands there is replaced at once, and only by a whole page.
    home
        The institution in the middle: of the records, or of the gazetteer; by default
        `settings.HOME`.
    lang
        {"en", "fr"}: the language it opens in; the reader may change it.
    title
        By default, whose collaborations these are, in the language of the page.
    regions
        Names of further regions that get a view.

    Returns
    -------
    The path written.

    Raises
    ------
    UnknownNameError
        The institution, a region or the language is not known.
    InputError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> page = write_atlas(Records({}), Path(tempfile.mkdtemp()) / "atlas.html")
    >>> "Content-Security-Policy" in page.read_text(encoding="utf-8")
    True
    """
    path = Path(path)
    labels = json.loads(_file("labels.json"))
    if lang not in labels:
        raise UnknownNameError("language", lang, labels)
    views = [*FIRST, *settings.REGIONS, *LAST, *regions]
    data = gather(records, home or settings.HOME, list(dict.fromkeys(views)))
    data |= {"lang": lang, "title": title}
    page = _page(data, labels)
    with replacing(path) as fresh:
        # Halves of characters, which no file can hold, become question marks.
        fresh.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return path


def _file(name: str) -> str:
    return (resources.files("collabnet.atlas") / name).read_text(encoding="utf-8")


def _page(data: dict[str, Any], labels: dict[str, Any]) -> str:
    """Put the page together: every script is named by its hash, all else is refused."""
    from plotly.offline import get_plotlyjs

    words = labels[data["lang"]]
    home = data["home"]
    title = data["title"] or words["title"].format(home=home.get(data["lang"]) or home["name"])
    geometry = resources.files("collabnet") / "data" / "geo"
    shapes = {
        key: json.loads((geometry / f"{name}.topojson").read_text(encoding="utf-8"))
        for key, name in GEOMETRY.items()
    }
    scripts = {"plotly": get_plotlyjs(), "script": "\n".join(map(_file, SCRIPTS))}
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for text in scripts.values()
    ]
    parts = {
        **scripts,
        "policy": POLICY.format(hashes=" ".join(hashes)),
        "lang": data["lang"],
        "title": html.escape(title),
        "style": _file("atlas.css"),
        "data": _escaped(data),
        "labels": _escaped(labels),
        "geometry": _escaped(shapes),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("atlas.html"))


def _escaped(value: Any) -> str:
    r"""Write a value as JSON that may stand in a script element.

    Examples
    --------
    >>> _escaped("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
