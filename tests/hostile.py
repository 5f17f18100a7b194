"""Sixty texts that a source may hold, and records in which every column holds them.

Whoever writes a name, a title or a field chooses it freely; a page, a figure, a report or a table
must show it as what it is: text.
"""

import pandas as pd

import collabnet as cn
from collabnet import settings

PWN = "window.__pwn=1"
TEXTS = [
    # Markup, and what ends the place it stands in.
    f"</script><script>{PWN}</script>",
    f"<!--<script>{PWN}//-->",
    f"<img src=x onerror={PWN}>",
    f"<IMG/SRC=x\nOnErRoR='{PWN}'>",
    f"<svg onload={PWN}><script>{PWN}</script></svg>",
    f"<math><mtext><style><img src=x onerror={PWN}></style></mtext></math>",
    f"</title></textarea></style><style>*{{display:none!important}}</style><b onclick={PWN}>",
    "<a href='javascript:window.__pwn=1'>here</a><br><i>x</i><sub>2</sub>",
    "<iframe srcdoc='<script>parent.__pwn=1</script>'></iframe>",
    "<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<details open ontoggle=window.__pwn=1><summary>x",
    f'"><input autofocus onfocus={PWN}>',
    f"' onmouseover='{PWN}' x='",
    f"` onfocus={PWN} autofocus `",
    "]]><x/><![CDATA[",
    "&lt;b&gt;&amp;&#60;i&#62;&quot;",
    "%3Cscript%3Ewindow.__pwn=1%3C/script%3E",
    # Style.
    "</style><style>body{background:url(//evil.example/x)}</style>",
    "color:red;background:url(javascript:window.__pwn=1);x:expression(window.__pwn=1)",
    # Addresses; several of them stand where a DOI is expected.
    "javascript:window.__pwn=1",
    "data:text/html,<script>window.__pwn=1</script>",
    f'10.1000/"><img src=x onerror={PWN}>',
    "https://doi.org/javascript:window.__pwn=1",
    "https://doi.org/10.1000/x#<svg/onload=window.__pwn=1>",
    "//evil.example/x",
    # Templates and formulas of other languages.
    "{{policy}} {{data}} {{script}} {{x}}",
    "${window.__pwn=1} `${1}`",
    "%{customdata} %{x} %{hovertext}<extra></extra>",
    "{n} {0} {name} {home} {} {{}}",
    "$\\alpha$ $$\\href{javascript:window.__pwn=1}{x}$$",
    "$& $1 $` $' \\1 \\g<0>",
    # Names that every object of JavaScript has.
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "valueOf",
    # Directions, signs without width, signs on signs, other alphabets.
    "\u202eesrever\u202c \u2066isolate \u2067x",
    "\u200f\u061crtl marks\u200e",
    "zero\u200bwidth\u200c\u200d\u2060\ufeff joined",
    "Z" + "\u0301\u0322\u0489" * 60 + "algo",
    "🏴‍☠️👨‍👩‍👧‍👦🏳️‍🌈 é \U0001d54f 🇧🇪",
    "جامعة محمد الأول، وجدة",
    "אוניברסיטת תל אביב (1956)",
    "W" * 10_000,
    "two\u2028lines\u2029here\x85\x0b\x0c",
    "nul\x00 \x07\x1b[31m\x7f",
    "half \ud83d of a pair \udc00",
    # What a spreadsheet takes for a formula.
    '=HYPERLINK("http://evil.example";"x")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-1+1+cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n@x",
    "\uff1d1+1",
    # Quotes, names alike after folding, nothing at all.
    "\"'`\u00b4\u2018\u2019\u201c\u201d\u00ab\u00bb\u2039\u203a\u201e\u201a\\",
    "Université",
    "UNIVERSITE",
    "   ",
]
KINDS = ("agreement", "project", "work", "mobility")
HOME_NAME = "<i>home</i> {{data}} $x$ {n} \u202e" + TEXTS[2]
LANDS = ("MA", "DE", "LU", "FR", "NL", None)
PLACES = {"MA": (34.0, -6.8), "DE": (49.2, 7.0), "LU": (49.6, 6.1), "FR": (48.7, 6.2)}
REGIONS = {
    name: {
        "labels": {"en": text, "fr": text},
        "source": text,
        "status": "recalled",
        "note": text,
        "notes": {"fr": text},
        "nuts_versions": [],
        "nuts": [],
        "countries": [{"code": code} for code in ("DE", "LU", "FR")],
        "institutions": [{"code": text}],
    }
    for name, text in (
        ("x\"'><b> y", TEXTS[2]),
        ("constructor", TEXTS[45]),
        ("__proto__", TEXTS[0]),
    )
}


# No table holds half of a character; names of files, titles and addresses may.
HELD = [text.encode("utf-8", "replace").decode() for text in TEXTS]


def bodies():
    """Return home and a partner a text: its id, where it can be one, its country now and then."""
    rows = [{"institution_id": settings.HOME, "name": HOME_NAME, "country": "BE"}]
    rows[0] |= {"city": TEXTS[0], "type": TEXTS[3], "lat": 50.6, "lon": 5.6, "nuts3": "BE332"}
    for n, text in enumerate(HELD):
        land = text if n % 4 == 3 or text.isidentifier() else LANDS[n % len(LANDS)]
        lat, lon = PLACES.get(land, (None, None)) if n % 3 else (None, None)
        rows.append(
            {
                "institution_id": (text.strip() and n % 2 and text) or f"name:{n}",
                "name": text if text.strip() else None,
                "names": None,
                "aliases": f"{HELD[(n + 1) % 60]}|{text}",
                "country": land,
                "city": text,
                "type": text,
                "lat": lat and lat + n / 40,
                "lon": lon,
            }
        )
    return pd.DataFrame(rows)


def records():
    """Return activities of all kinds in which everything that is text is one of the sixty."""
    table = bodies()
    acts, sides, fields = [], [], []
    for n, (text, body) in enumerate(zip(HELD, table["institution_id"][1:], strict=True)):
        for kind in KINDS:
            # A third of the ids are hostile too.
            key = f"{kind}:{text}" if n % 3 == 0 else f"{kind}:{n}"
            told = dict.fromkeys(("title", "type", "note", "reference", "programme", "doi"), text)
            told |= dict.fromkeys(("unit", "status", "source", "record"), text)
            first = 2015 + n % 10
            acts.append(
                {"activity_id": key, "kind": kind, "start": str(first), "end": str(first + n % 3)}
                | {"cited_by": n, "amount": 10.0 + n, **told}
            )
            roles = ("sending", "receiving") if kind == "mobility" else (text, text)
            others = [(settings.HOME, roles[0]), (body, roles[1])]
            if kind != "mobility" and n:
                others.append((table["institution_id"][n], text))  # tied among themselves
            sides += [(key, one, role, f"{text} {n}") for one, role in others]
            fields.append((key, "own", text if text.strip() else "x"))
    # What home does alone, and with a partner that is only written.
    for n, text in enumerate(HELD):
        acts.append({"activity_id": f"own:{n}", "kind": "commitment", "title": text, "type": text})
        sides.append((f"own:{n}", settings.HOME, text, text))
    acts.append({"activity_id": "lost", "kind": "agreement", "title": TEXTS[2], "start": "2019"})
    sides += [("lost", settings.HOME, "signatory", None), ("lost", None, "signatory", TEXTS[0])]
    columns = ["activity_id", "institution_id", "role", "affiliation"]
    return cn.Records(
        {
            "activities": pd.DataFrame(acts),
            "participants": pd.DataFrame(sides, columns=columns),
            "institutions": table,
            "fields": pd.DataFrame(fields, columns=["activity_id", "scheme", "code"]),
        },
        provenance={"sources": [{"file": text, "sha256": text} for text in TEXTS]},
    )
