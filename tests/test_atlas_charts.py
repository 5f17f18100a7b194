"""Figures of the atlas: each draws as many marks, and the numbers, that Python tells."""

import itertools
from collections import Counter

import pytest
from atlas_pages import MARKS, VIEWS, names_are_legible, watched

import collabnet as cn
from collabnet import geo, settings
from collabnet.atlas import write_atlas
from collabnet.atlas.evidence import day_of
from collabnet.gap_table import subjects

HOME = settings.HOME
FIGURES = ("agreements", "matrix", "time", "network")
LOOKS = {"en-light": ("en", "light"), "fr-dark": ("fr", "dark")}
KEPT = ("type", "mode", "meta", "x", "y", "base", "text", "customdata", "name", "marker")
TRACES = f"""() => document.querySelector('.figure').data.map(trace =>
    Object.fromEntries({[*KEPT]}.map(key => [key, trace[key]])))"""


@pytest.fixture(scope="module")
def day(records):
    return day_of(records.provenance, None, None)


def named(records, ids):
    names = records.institutions.set_index("institution_id")["name"]
    return [names[one] for one in ids]


def test_every_agreement_has_one_mark_for_each_partner(go, records, day):
    table = cn.agreement_status(records, HOME, as_of=day)
    traces = go("view=agreements&tab=world").evaluate(TRACES)
    bars = [t for t in traces if t["type"] == "bar"]
    hollow = [t for t in traces if (t["marker"] or {}).get("symbol") == "circle-open"]
    known = table["start"].notna() & (
        table["days_to_expiry"].notna() | (table["end_status"] == "open")
    )
    drawn = Counter({t["name"]: len(t["x"]) for t in bars})
    lives = table["status"].mask(table["ending"], "ending")
    assert drawn == Counter(lives[known])
    assert sum(len(t["x"]) for t in hollow) == (~known).sum() > 0


def test_agreements_follow_the_region_whatever_the_layer(go, records, day):
    table = cn.agreement_status(records, HOME, as_of=day)
    here = cn.within(table, "maghreb", records.institutions)
    for layer in ("agreement", "work"):
        traces = go(f"view=agreements&tab=maghreb&layer={layer}").evaluate(TRACES)
        ids = [one for t in traces for one in t["customdata"] or []]
        assert sorted(ids) == sorted(here["partner"])


def test_the_longest_agreements_come_first_where_that_is_asked(go):
    page = go("view=agreements&tab=world")
    page.click("[data-choice=sort] button:last-child")
    assert "sort=longest" in page.url
    first = page.evaluate("document.querySelector('.figure').data[0].base[0]")
    least = page.evaluate("Math.min(...document.querySelector('.figure').data[0].base)")
    assert first == least


def test_a_line_opens_the_card_of_its_partner(go):
    page = go("view=agreements&tab=maghreb")
    page.locator(".figure .point").first.click(force=True)
    page.wait_for_selector("#card:not([hidden])")
    assert "partner=" in page.url


def test_the_matrix_counts_what_python_counts(go, records):
    fields = subjects(records, records.activities.query("kind == 'work'"))
    fields = fields.dropna(subset="ford").drop_duplicates(["activity_id", "ford"])
    page = go("view=matrix&tab=world&layer=work")
    (trace,) = page.evaluate(TRACES)
    heads = page.evaluate("document.querySelector('.figure').layout.xaxis.ticktext")
    heads = [head.replace("<br>", " ") for head in heads]
    assert len(trace["x"]) == 30 * len(heads)
    width = len(heads)
    for row in (0, 1, 29):
        body = trace["customdata"][row * width]
        acts = cn.behind(records, (HOME, body), kind="work")["activity_id"]
        counts = Counter(fields.loc[fields["activity_id"].isin(acts), "ford"])
        shown = trace["text"][row * width : (row + 1) * width]
        assert [int(text.replace("·", "0")) for text in shown] == [counts[head] for head in heads]
    assert "The strongest 30 partners are drawn, 122 are hidden." in page.inner_text(".remarks")


def test_regions_are_crossed_as_python_crosses_them(go, records):
    table = cn.edges(records, "work", level="region")
    page = go("view=matrix&tab=world&layer=work&matrix=regions")
    (trace,) = page.evaluate(TRACES)
    shown = Counter(text for text in trace["text"] if text not in "–·")
    assert shown == Counter(f"{n:,.0f}" for n in [*table["weight"], *table["weight"]])


def test_where_no_field_is_known_the_matrix_crosses_regions_and_says_why(go, records):
    table = cn.edges(records, "agreement", level="region")
    page = go("view=matrix&tab=world&layer=agreement")
    (trace,) = page.evaluate(TRACES)
    shown = Counter(text for text in trace["text"] if text not in "–·")
    assert shown == Counter(f"{n:,.0f}" for n in [*table["weight"], *table["weight"]])
    assert page.inner_text(".remarks").startswith("No field is known of what is shown here")
    assert page.locator("#chart .bar button").count() == 0


@pytest.mark.parametrize("kind", ["work", "project"])
def test_years_are_those_of_trend(go, records, kind):
    table = cn.trend(records, HOME, kind=kind)
    active = table[table["weight"] > 0].groupby("until")["partner"].nunique()
    traces = go(f"view=time&tab=world&layer={kind}").evaluate(TRACES)
    _, partners = (t for t in traces if t["type"] == "bar")
    drawn = dict(zip(partners["x"], partners["y"], strict=True))
    assert {at: n for at, n in drawn.items() if n} == active.to_dict()
    panels = [t for t in traces if t["mode"] == "markers"]
    assert len(panels) == min(6, table["partner"].nunique())
    for panel in panels:
        mine = table[table["partner"] == panel["customdata"][0]].set_index("until")["weight"]
        assert panel["y"] == [mine.get(at, 0) for at in panel["x"]]


def test_who_came_and_went_is_that_of_turnover(go, records):
    table = cn.turnover(records, HOME, periods=[(2015, 2019), (2020, 2022), (2023, 2025)])
    status = table.loc[table["until"] == 2025, "status"].value_counts()
    told = go("view=time&tab=world&layer=work").inner_text(".below")
    assert "2023–2025 against 2020–2022" in told
    assert f"{status['lost']} no longer active" in told
    assert f"{status['new']} new partner" in told
    assert f"{status['lasting']} partners in both" in told


def test_a_year_that_is_not_over_is_marked_and_said(records, browser, tmp_path):
    path = write_atlas(records, tmp_path / "early.html", as_of="2025-06-30")
    with watched(browser, path) as page:
        page.evaluate("location.hash = 'view=time&layer=work&tab=world'")
        page.wait_for_selector(".figure .point")
        shapes = page.evaluate("document.querySelector('.figure').data[0].marker.pattern.shape")
        assert shapes[-1] == "/"
        assert not any(shapes[:-1])
        assert "2025 is not over" in page.inner_text(".remarks")


def test_the_network_draws_its_nodes_and_links_and_says_the_cut(go, records):
    whole = cn.edges(records, "work")
    whole = whole[(whole["source"] != HOME) & (whole["target"] != HOME)]
    page = go("view=network&tab=world&layer=work")
    traces, told = page.evaluate(TRACES), page.inner_text(".remarks")
    nodes = sum(len([one for one in t["customdata"] if one]) for t in traces if t["meta"] == "node")
    links = sum(t["x"].count(None) for t in traces if t["meta"] == "edge")
    assert f"{nodes} partners tied among themselves; {links} of " in told
    assert links <= len(whole)
    assert "disparity filter \N{GREEK SMALL LETTER ALPHA} = 0.05" in told


def test_names_in_the_network_do_not_overlap(go):
    texts = go("view=network&tab=world&layer=work").evaluate(
        """() => [...document.querySelectorAll('.figure .textpoint text')].map(text => {
            const box = text.getBoundingClientRect();
            return [text.textContent, box.left, box.top, box.right, box.bottom]; })"""
    )
    assert len(texts) > 10
    for a, b in itertools.combinations(texts, 2):
        assert a[3] <= b[1] or b[3] <= a[1] or a[4] <= b[2] or b[4] <= a[2], (a[0], b[0])


def test_what_is_filtered_out_is_pale_in_the_network(go, records):
    traces = go("view=network&tab=maghreb&layer=work").evaluate(TRACES)
    strong = [
        one
        for t in traces
        if t["meta"] == "node"
        for one, shade in zip(t["customdata"], t["marker"]["opacity"], strict=True)
        if one and shade > 0.5
    ]
    here = cn.within(cn.partners(records, kind="work"), "maghreb", records.institutions)
    assert set(strong) <= set(here["partner"])
    assert strong


def test_colours_of_the_map_tell_the_classes_of_gaps(go, records, day):
    table = cn.gaps(records, HOME, as_of=day).set_index("partner")["class"]
    page = go("view=map&tab=world&layer=agreement&colour=class")
    ids = [one for one, _, _ in page.evaluate(MARKS)]
    counts = Counter(table[one] for one in ids)
    legend = page.inner_text("#legend")
    for name, n in counts.items():
        assert f"{name} ({n})" in legend
    assert page.locator(".synthetic:visible").count() == 2, "classes rest on synthetic works"


def test_distances_on_the_map_of_rings_are_true(go, records):
    marks = go("view=map&tab=central-africa&map=rings").evaluate(MARKS)
    places = records.institutions.set_index("institution_id")
    home = places.loc[HOME, ["lat", "lon"]].astype(float)
    assert marks
    for body, x, y in marks:
        there = places.loc[body, ["lat", "lon"]].astype(float)
        km = float(geo.distance_km(*home, *there))
        assert (x**2 + y**2) ** 0.5 == pytest.approx(km, rel=0.02), body


@pytest.mark.parametrize("name", VIEWS)
def test_names_among_rings_are_legible(go, name):
    assert names_are_legible(go(f"view=map&tab={name}&map=rings&layer=work")) > 1


@pytest.mark.parametrize("width", [390, 1360, 1920])
@pytest.mark.parametrize("look", LOOKS)
def test_figures_are_svg_say_what_they_show_and_fit(browser, atlas_file, look, width):
    lang, theme = LOOKS[look]
    with watched(browser, atlas_file, (width, 900)) as page:
        for view in FIGURES:
            page.evaluate(
                "a => { location.hash = a }", f"view={view}&layer=work&lang={lang}&theme={theme}"
            )
            page.wait_for_function(
                f"() => document.querySelector('#panel').dataset.view === '{view}'"
            )
            page.wait_for_selector(".figure .point")
            assert page.get_attribute(".figure", "role") == "img"
            said = page.get_attribute(".figure", "aria-label")
            assert ("partenaires" if lang == "fr" else "partners") in said
            assert ("synthétique" in said or "Synthetic" in said) == (view != "agreements")
            assert page.locator("#chart canvas").count() == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            figure = page.locator(".figure .main-svg").first.bounding_box()
            assert figure["width"] <= page.locator("#chart").bounding_box()["width"]


def test_every_figure_opens_on_the_partners_of_h2020(browser, h2020_file):
    with watched(browser, h2020_file) as page:
        for view in FIGURES:
            page.evaluate("a => { location.hash = a }", f"view={view}&tab=world")
            page.wait_for_function(
                f"() => document.querySelector('#panel').dataset.view === '{view}'"
            )
            assert len(page.inner_text(".remarks")) > 20
        for name in VIEWS:
            page.evaluate("a => { location.hash = a }", f"view=map&map=rings&tab={name}")
            page.wait_for_function(
                f"() => document.querySelector('#tab-{name}').ariaSelected === 'true'"
            )
            names_are_legible(page)
