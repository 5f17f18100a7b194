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
from collabnet.exports import replacing
from collabnet.parties import Years
from collabnet.records import Records
from collabnet.words import WORDS, words_of

GEOMETRY = ("countries-110m", "countries-50m", f"nuts3-{geo.NUTS_VERSION}")
# One module, in this order.
SCRIPTS = ("core.js", "map.js", "names.js", "card.js", "views.js", "charts.js", "lives.js")
SCRIPTS += ("save.js", "atlas.js")
SAID = ("activities", "formulas", "units")  # what records and Python say in English
FIRST, LAST = ("world", "europe"), ("strategic-partners",)  # views around those of the settings
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
    years: Years | None = None,
    as_of: str | None = None,
) -> Path:
    """Write the atlas of an institution: one HTML file that needs nothing else.

    It has a view of the world, of Europe, of each of `settings.REGIONS`, of the strategic partners
    and of the `regions` named. It opens on agreements where there are some, in the language asked
    for. `home` is of the records, or of the gazetteer. Classes, figures and changes are of `years`
    (all by default), and of the day `as_of`: by default that on which the newest source was read,
    or the end of `years` if that is earlier. So the same store gives the same bytes; records whose
    sources bear no date are looked at today.
    """
    path = Path(path)
    words = words_of(lang, "atlas")
    views = [*FIRST, *settings.REGIONS, *LAST, *regions]
    views = list(dict.fromkeys(views))
    data = gather(records, home or settings.HOME, views, years=years, as_of=as_of)
    named = title or words["title"].format(home=data["home"].get(lang) or data["home"]["name"])
    page = _page(data | {"lang": lang, "title": title}, named)
    with replacing(path) as fresh:
        # Halves of characters, which no file can hold, become question marks.
        fresh.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return path


def _file(name: str) -> str:
    return (resources.files("collabnet.atlas") / name).read_text(encoding="utf-8")


def _page(data: dict[str, Any], title: str) -> str:
    """Put the page together: every script is named by its hash, all else is refused."""
    from plotly.offline import get_plotlyjs

    files = {name.removesuffix(f"-{geo.NUTS_VERSION}"): name for name in GEOMETRY}
    scripts = {"plotly": get_plotlyjs(), "script": "\n".join(map(_file, SCRIPTS))}
    digests = [hashlib.sha256(text.encode()).digest() for text in scripts.values()]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    parts = {
        **scripts,
        "policy": POLICY.format(hashes=hashes),
        "lang": data["lang"],
        "title": html.escape(title),
        "style": _file("atlas.css"),
        "data": _escaped(data),
        "labels": _escaped(
            {
                lang: words["atlas"]
                | {"classes": words["gaps"]["classes"], "told": words["card"]}
                | {"said": {key: words.get(key, {}) for key in SAID}}
                for lang, words in WORDS.items()
            }
        ),
        "geometry": _escaped(
            {key: geo.read_json(f"{name}.topojson") for key, name in files.items()}
        ),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("atlas.html"))


def _escaped(value: Any) -> str:
    """Write a value as JSON that may stand in a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
