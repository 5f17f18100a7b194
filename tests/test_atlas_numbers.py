"""What is read on the screen, to the digit shown and in both languages, is what Python tells."""

from types import SimpleNamespace

import pandas as pd
import pytest

import collabnet as cn
from collabnet import settings
from collabnet.atlas.evidence import day_of
from collabnet.links import joint
from collabnet.words import WORDS

HOME = settings.HOME
CASES = [(lang, tab) for lang in ("en", "fr") for tab in ("world", "grande-region")]
TILES = """() => [...document.querySelectorAll('.tiles li')].map((one) =>
    [...one.children].map((part) => part.firstChild.textContent.trim()))"""
CLASSES = """() => [...document.querySelectorAll('.classes button')].map((one) =>
    [one.lastChild.textContent, one.querySelector('b').textContent])"""
HEADS = """() => [...document.querySelectorAll('.lines h3')].map((head) =>
    [head.firstChild.textContent.trim(), head.querySelector('.n').textContent])"""
TABLE = """() => [...document.querySelectorAll('#other tbody tr')].map((row) =>
    [row.dataset.id, ...[...row.cells].map((cell) => cell.textContent)])"""
FACTS = """() => { const all = [...document.querySelectorAll('#card dt')];
    const value = (dt) => dt.nextElementSibling.firstChild.textContent.trim();
    return all.map((dt) => [dt.textContent, value(dt)]); }"""


@pytest.fixture(scope="module")
def day(records):
    return day_of(records.provenance, None, None)


@pytest.fixture(scope="module")
def tables(records, day):
    """What Python tells of the partners, their agreements, and whose part joint works are."""
    return SimpleNamespace(
        gaps=cn.gaps(records, HOME, as_of=day),
        lives=cn.agreement_status(records, HOME, as_of=day),
        shares=cn.link_shares(records, HOME).set_index("partner"),
    )


def shown(value, lang, digits=2):
    """Write a number as the page does."""
    text = f"{round(float(value) + 1e-12, digits):,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if digits else text
    return text if lang == "en" else text.translate({44: "\u202f", 46: ","})


def percent(value, lang):
    if pd.isna(value):
        return WORDS[lang]["atlas"]["unknown"]
    return shown(100 * value, lang, 1) + ("\u202f%" if lang == "fr" else "%")


def of(key, lang, n=2, **values):
    """Return a text of the page; French counts 0 and 1 alike, English 1 alone."""
    text = WORDS[lang]["atlas"][key]
    if isinstance(text, dict):
        text = text["one" if n == 1 or (lang == "fr" and n < 2) else "other"]
    return text.format(**{"n": shown(n, lang), **values})


def inside(table, tab, records):
    return table if tab == "world" else cn.within(table, tab, records.institutions)


def spaces(text):
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(("lang", "tab"), CASES)
def test_key_figures_on_the_overview(go, records, lang, tab):
    told = [
        [spaces(part) for part in tile]
        for tile in go(f"view=overview&lang={lang}&tab={tab}").evaluate(TILES)
    ]
    for tile, kind in zip(told, ("agreement", "project", "work"), strict=False):
        here = inside(cn.partners(records, HOME, kind=kind), tab, records)["partner"]
        ties = joint(records, kind, HOME)
        acts = ties.loc[ties["partner"].isin(here), "activity"].unique()
        words = [shown(len(acts), lang), of(kind, lang), of("n_partner", lang, len(here))]
        assert tile == [*map(spaces, words)]
    table = cn.profile(records, HOME).set_index("indicator")
    for tile, key in zip(told[3:], ("pp_int_collab", "lead", "mgcd_collab", "fwci"), strict=True):
        row = table.loc[key]

        def amount(value, unit=row["unit"]):
            value = float(f"{value:.6g}")
            if unit == "share":
                return percent(value, lang)
            return shown(value, lang, 0) + " km" if unit == "km" else shown(value, lang)

        bounds = of("range", lang, low=amount(row["low"]), high=amount(row["high"]))
        words = [amount(row["value"]), of(f"fig_{key}", lang)]
        words.append(f"{bounds}; {of('out_of', lang, row['n'])}")
        assert tile == [*map(spaces, words)], key


@pytest.mark.parametrize(("lang", "tab"), CASES)
def test_classes_and_what_needs_attention_on_the_overview(go, records, tables, lang, tab):
    page, table = go(f"view=overview&lang={lang}&tab={tab}"), inside(tables.gaps, tab, records)
    names, counts = WORDS[lang]["gaps"]["classes"], table["class"].value_counts()
    assert dict(page.evaluate(CLASSES)) == {names[one]: shown(n, lang) for one, n in counts.items()}
    lives = tables.lives[tables.lives["partner"].isin(table["partner"])]
    made_up = table["synthetic"].astype(bool)
    uncovered = table["class"] == "uncovered"
    named = uncovered & (~made_up | (table["projects"].fillna(0) > 0))
    expected = {
        "ending": int(lives["ending"].sum()),
        "undated_agreements": int((table["class"] == "dates unknown").sum()),
        "dormant_ones": int(((table["class"] == "dormant") & ~made_up).sum()),
        "uncovered_ones": int(named.sum()),
    }
    heads = dict(page.evaluate(HEADS))
    for key, n in expected.items():
        assert heads.get(of(key, lang)) == (shown(n, lang) if n else None), key
    unseen = int(uncovered.sum() - named.sum())
    assert unseen == 0 or of("unseen", lang, unseen) in page.inner_text("#other")


@pytest.mark.parametrize(("lang", "tab"), CASES)
def test_what_changed_on_the_overview(go, records, lang, tab):
    told = spaces(go(f"view=overview&lang={lang}&tab={tab}").inner_text("#other"))
    periods = [(2015, 2019), (2020, 2022), (2023, 2025)]
    table = inside(cn.turnover(records, HOME, periods=periods, kind="work"), tab, records)
    status = table.loc[table["until"] == 2025, "status"].value_counts()
    rates = inside(cn.growth(records, HOME, years=(2020, 2025)).dropna(subset="low"), tab, records)
    sure = ((rates["low"] > 0) | (rates["high"] < 0)) & rates["high"].lt(float("inf"))
    kind = of("work", lang)
    counts = {"fresh": status.get("new", 0), "returning": status.get("returning", 0)}
    counts |= {"lost": status.get("lost", 0), "growing": sure.sum()}
    pair = WORDS[lang]["atlas"]["pair"]
    heads = {of(key, lang, kind=kind): shown(n, lang) for key, n in counts.items()}
    said = [pair.format(key=key, value=value) for key, value in heads.items()]
    assert spaces("; ".join(said)) in told
    early, late = "2020–2022", "2023–2025"
    assert spaces(of("compared", lang, kind=kind, early=early, late=late)) in told


@pytest.mark.parametrize(("lang", "tab"), CASES)
def test_cells_of_the_table_of_partners(go, records, tables, lang, tab):
    rows = go(f"view=partners&lang={lang}&tab={tab}").evaluate(TABLE)
    table = inside(tables.gaps, tab, records)
    links = {
        kind: cn.partners(records, HOME, kind=kind).set_index("partner")["weight"]
        for kind in ("agreement", "project", "work")
    }
    names = WORDS[lang]["gaps"]["classes"]
    expected = {}
    for row in table.to_dict("records"):
        body = row["partner"]
        cells = [shown(links[kind].get(body, 0), lang) for kind in links]
        bounds = (row["works_low"], row["works_high"], row["agreements_in_force"])
        cells += ["–" if pd.isna(n) else shown(n, lang) for n in bounds]
        last = row["last_activity"]
        cells += [names[row["class"]], "–" if pd.isna(last) else str(last)]
        expected[body] = cells
    assert {row[0]: row[3:11] for row in rows} == expected
    assert len(rows) == len(table) > 10


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_lines_of_the_card(go, records, tables, lang):
    words, atlas = WORDS[lang]["card"], WORDS[lang]["atlas"]
    rows = tables.gaps.set_index("partner")
    for body in ("02jz4aj89", "036x5ad56", "03yb2hp88"):
        page = go(f"view=map&tab=world&layer=work&lang={lang}&partner={body}")
        if page.is_hidden("#card"):
            page = go(f"view=partners&tab=world&lang={lang}&partner={body}")
        told = {spaces(k).strip("\u2068\u2069"): spaces(v) for k, v in page.evaluate(FACTS)}
        row = rows.loc[body]
        low, high = (shown(row[f"works_{end}"], lang) for end in ("low", "high"))
        works = shown(row["works"], lang)
        assert told[atlas["work"]] == (f"{works} [{low}–{high}]")
        assert told[atlas["project"]] == shown(row["projects"], lang)
        mine = tables.lives[tables.lives["partner"] == body]
        counts = mine.groupby("status", sort=False)["activity_id"].nunique()
        agreed = ", ".join(f"{n} {words['status'][one]}" for one, n in counts.items())
        assert told[atlas["agreement"]] == (agreed or "0")
        assert words_of_class(lang, row["class"]) == page.inner_text("#card .why .chip")
        if body not in tables.shares.index:
            continue
        share = tables.shares.loc[body]
        alone = share["output_partner"] <= share["joint"]
        values = list(told.values())
        at = values.index(spaces(percent(share["of_home"], lang)))
        theirs = atlas["unknown"] if alone else percent(share["of_partner"], lang)
        assert values[at + 1] == spaces(theirs)
        lead = {k: percent(share[f"lead_{k}"], lang) for k in ("home", "partner")}
        assert values[at + 2] == spaces(atlas["lead_text"].format(**lead))
        if body != "02jz4aj89":
            continue
        card = cn.partner_card(records, HOME, body).table.set_index("line")["value"]
        persons = [shown(card[f"persons_{k}"], lang) for k in ("home", "partner")]
        assert values[at + 3 : at + 5] == [*map(spaces, persons)]


def words_of_class(lang, key):
    return WORDS[lang]["gaps"]["classes"][key]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_counts_in_the_notes_and_the_legend_of_the_map(go, records, tables, lang):
    page = go(f"view=map&tab=world&layer=gaps&lang={lang}")
    legend = page.inner_text("#legend")
    for one, n in tables.gaps["class"].value_counts().items():
        assert f"{words_of_class(lang, one)} ({shown(n, lang)})" in legend
    page = go(f"view=map&tab=world&layer=agreement&from=2019&to=2024&lang={lang}")
    lost = cn.partners(records, HOME, kind="agreement", years=(2019, 2024)).attrs["note"]
    assert of("undated", lang, lost["population"]["without_dates"]) in page.inner_text("#notes")
