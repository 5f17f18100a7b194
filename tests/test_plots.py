"""Maps: what is drawn, what is said, and that nothing is hidden by anything else."""

import json
import struct
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import collabnet as cn
from collabnet import geo, plots, sheet, words
from collabnet.errors import InputError, UnknownNameError
from conftest import ROOT

HOME = "00afp2z80"
NOTE = {"kind": "work", "count": "full", "years": (2019, 2024), "synthetic": True}
EVIL = '"></title></script><script>document.title="owned"</script>'
HOSTILE = EVIL + "<b>&lt;R&D $x^2$ " + "long " * 40
MAPS = ("world", "europe", "grande-region", "euregio-meuse-rhine", "maghreb", "central-africa")


@pytest.fixture(scope="module")
def bodies():
    """Institutions of the gazetteer, all with a place."""
    return cn.gazetteer()


def links(bodies, partners=60, kind="work", seed=7):
    """Edges between home and `partners` bodies, with made-up weights."""
    rng = np.random.default_rng(seed)
    others = bodies.loc[bodies["institution_id"] != HOME, "institution_id"]
    others = others.sample(min(partners, len(others)), random_state=seed).tolist()
    pairs = [sorted([HOME, other]) for other in others]
    table = pd.DataFrame(pairs, columns=["source", "target"])
    table["weight"] = np.ceil(rng.pareto(1.2, len(pairs)) * 9)
    table["activities"] = table["weight"].astype("Int64")
    table["first"], table["last"] = 2019, pd.array([2024] * len(pairs), dtype="Int64")
    table.attrs["note"] = {**NOTE, "kind": kind}
    return table


def draw(bodies, name, edges, size=(940, 680), **options):
    options |= {"home": HOME, "width": size[0], "height": size[1]}
    if name == "world":
        return plots.plot_map(edges, bodies, **options)
    if name == "europe":
        return plots.plot_map(edges, bodies, region=name, **options)
    return plots.plot_region(edges, bodies, name, **options)


def texts(fig):
    """All that a figure says outside the map."""
    notes = [note.text for note in reversed(fig.layout.annotations)]
    return " ".join([fig.layout.title.text, fig.layout.title.subtitle.text, *notes])


def marks(fig):
    """How many partners are drawn: the marks one can point at, home apart."""
    return sum(len(t.x) for t in fig.data if t.mode == "markers" and t.hoverinfo == "text") - 1


def legend(fig):
    return [t.name for t in fig.data if t.showlegend and t.legend is None]


def overlap(a, b):
    """Do two boxes (left, top, right, bottom) touch?"""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def boxes(fig):
    """The place of each label in pixels, by the widths that were used to place it."""
    (x0, x1), (_, y1) = fig.layout.xaxis.range, fig.layout.yaxis.range
    inner = fig.layout.width - fig.layout.margin.l - fig.layout.margin.r
    scale = (x1 - x0) / inner
    found = []
    for trace in (t for t in fig.data if t.mode == "markers+text"):
        for x, y, text, side, size in zip(
            trace.x, trace.y, trace.text, trace.textposition, trace.marker.size, strict=True
        ):
            lines = text.split("<br>")
            wide = max(words.text_width(line, 12) for line in lines)
            high = 12 * (1 + 1.3 * (len(lines) - 1))
            gap = size / 2 / 0.8 + 1
            down, right = side.split()
            px, py = (x - x0) / scale, (y1 - y) / scale
            left = px + {"left": -gap - wide, "center": -wide / 2, "right": gap}[right]
            top = py + {"top": -gap - high, "middle": -high / 2, "bottom": gap}[down]
            found.append((left, top, left + wide, top + high))
    return found


@pytest.mark.parametrize("size", [(940, 680), (1360, 860)])
@pytest.mark.parametrize("name", MAPS)
def test_no_label_touches_another(bodies, name, size):
    fig = draw(bodies, name, links(bodies, 110), size)
    found = boxes(fig)
    assert len(found) >= 5
    assert not [pair for pair in combinations(found, 2) if overlap(*pair)]


def test_the_hidden_count_is_stated(bodies):
    fig = draw(bodies, "world", links(bodies, 60), top=40)
    assert fig.layout.title.subtitle.text == "The strongest 40 of 60 partners, 20 hidden"
    assert marks(fig) == 40


def test_partners_without_a_place_are_counted(bodies):
    edges = links(bodies, 10)
    lost = cn.around(edges, HOME)["partner"].head(3)
    places = bodies.assign(lat=bodies["lat"].mask(bodies["institution_id"].isin(lost)))
    fig = draw(places, "world", edges)
    assert "3 partners without coordinates are not drawn" in texts(fig)
    assert marks(fig) == 7


def test_a_partner_beyond_the_edge_is_counted(bodies):
    far = pd.DataFrame(
        {
            "institution_id": ["R"],
            "name": ["La Réunion"],
            "country": ["FR"],
            "lat": [-21.1],
            "lon": [55.5],
        }
    )
    edges = pd.DataFrame({"source": [HOME], "target": ["R"], "weight": [1.0]})
    fig = plots.plot_region(edges, pd.concat([bodies, far]), "eu27", home=HOME)
    assert "1 partner lies beyond the edge of the map" in texts(fig)


def test_no_link_gives_a_base_map_and_a_sentence(bodies):
    fig = draw(bodies, "maghreb", links(bodies, 5).iloc[:0])
    assert "No partner to show here." in texts(fig)
    assert marks(fig) == 0
    assert len(fig.data[0].x) > 1000


@pytest.mark.parametrize("name", MAPS)
def test_every_map_names_its_sources(bodies, name):
    said = texts(draw(bodies, name, links(bodies, 20)))
    assert "Natural Earth" in said
    assert "no opinion on the status of any territory" in said
    assert ("© EuroGeographics" in said) == (name in {"grande-region", "euregio-meuse-rhine"})


def test_a_map_says_how_it_was_counted_and_that_works_are_synthetic(bodies):
    said = texts(draw(bodies, "world", links(bodies, 20)))
    assert "Co-publications 2019–2024, full counting" in said
    assert "Synthetic works" in said
    assert "region lists: euregio-meuse-rhine, grande-region, maghreb, central-africa" in said
    real = links(bodies, 20)
    real.attrs["note"] = {**NOTE, "kind": "project", "synthetic": False}
    assert "ynthetic" not in texts(draw(bodies, "world", real))


def test_a_map_speaks_french(bodies):
    fig = draw(bodies, "grande-region", links(bodies, 60), lang="fr")
    assert fig.layout.title.text == "Université de Liège : copublications 2019–2024, Grande Région"
    assert "© EuroGeographics pour les limites administratives." in texts(fig)
    assert fig.layout.meta["lang"] == "fr"


def test_an_unknown_language_is_named(bodies):
    with pytest.raises(UnknownNameError, match="Unknown language 'de'"):
        draw(bodies, "world", links(bodies, 5), lang="de")


def test_a_partner_has_the_colour_of_the_first_region_it_lies_in(bodies):
    chu, lorraine, rabat, mit = "044s61914", "04vfs2w97", "00r8w8f84", "042nb2s44"
    edges = pd.DataFrame({"source": HOME, "target": [chu, lorraine, rabat, mit], "weight": 1.0})
    fig = plots.plot_map(edges, bodies, home=HOME)
    assert legend(fig) == [
        "Euregio Meuse-Rhine (1)",
        "Greater Region (1)",
        "Maghreb (1)",
        "Elsewhere (1)",
    ]
    turned = plots.plot_map(edges, bodies, home=HOME, regions=["grande-region"])
    assert legend(turned) == ["Greater Region (2)", "Elsewhere (2)"]
    signs = {
        (t.marker.color, t.marker.symbol) for t in fig.data if t.showlegend and t.marker.symbol
    }
    assert len({c for c, _ in signs}) == len({s for _, s in signs}) == 4


def test_a_stronger_link_is_wider_and_its_mark_larger(bodies):
    edges = links(bodies, 3)
    edges["weight"] = [1.0, 50.0, 400.0]
    fig = plots.plot_map(edges, bodies, home=HOME, regions=[])
    sizes = next(t.marker.size for t in fig.data if t.hoverinfo == "text" and len(t.x) == 3)
    assert sizes.round(1).tolist() == [18.0, 6.4, 6.0]
    widths = [t.line.width for t in fig.data if t.mode == "lines" and t.legend == "legend2"]
    assert widths == sorted(widths)
    assert len(set(widths)) == 4


def test_a_region_map_shows_its_partners_only_and_says_how_many_are_left(bodies):
    edges = links(bodies, 110)
    fig = draw(bodies, "maghreb", edges)
    lies = cn.memberships(bodies, ["maghreb"])["institution_id"]
    inside = int(cn.around(edges, HOME)["partner"].isin(lies).sum())
    assert marks(fig) == inside
    assert f"{len(edges) - inside} more outside this region" in fig.layout.title.subtitle.text


def test_home_outside_the_map_is_pointed_to(bodies):
    fig = draw(bodies, "central-africa", links(bodies, 60))
    assert ["★ University of Liège ↑"] in [list(t.text) for t in fig.data if t.mode == "text"]


def test_bodies_at_one_point_are_fanned_out(bodies):
    three = bodies[bodies["institution_id"].isin(["01r9htc13", "006e5kg04", HOME])]
    assert three["lat"].nunique() == 2
    edges = pd.DataFrame({"source": HOME, "target": ["01r9htc13", "006e5kg04"], "weight": 5.0})
    fig = plots.plot_map(edges, three, home=HOME)
    trace = next(t for t in fig.data if t.hoverinfo == "text" and len(t.x) == 2)
    scale = (fig.layout.xaxis.range[1] - fig.layout.xaxis.range[0]) / (940 - 32)
    gap = np.hypot(*np.diff([trace.x, trace.y], axis=1).ravel()) / scale
    assert 15 < gap < 80


def test_compare_tells_papers_without_agreement_apart(bodies):
    papers, treaties = links(bodies, 40), links(bodies, 30, "agreement", seed=5)
    compared = cn.compare_edges(papers, treaties)
    fig = plots.plot_compare(compared, bodies, home=HOME)
    both, left, right = (int((compared["found"] == f).sum()) for f in ("both", "left", "right"))
    assert legend(fig) == [
        f"Both ({both})",
        f"Co-publications only ({left})",
        f"Agreements only ({right})",
    ]
    assert fig.layout.title.text == (
        "University of Liège: co-publications 2019–2024 against agreements 2019–2024"
    )
    assert "Synthetic works" in texts(fig)


def test_compare_names_partners_of_each_kind(bodies):
    compared = cn.compare_edges(links(bodies, 40), links(bodies, 30, "agreement", seed=5))
    fig = plots.plot_compare(compared, bodies, home=HOME)
    assert {t.legendgroup for t in fig.data if t.mode == "markers+text"} >= {
        "both",
        "left",
        "right",
    }


def test_a_map_takes_a_table_of_around_too(bodies):
    edges = links(bodies, 30)
    mine = cn.around(edges, HOME)
    assert draw(bodies, "world", edges).to_json() == draw(bodies, "world", mine).to_json()


def test_drawing_changes_nothing_it_was_given(bodies):
    given = (links(bodies, 30), cn.around(links(bodies, 30), HOME), bodies)
    before = [table.copy() for table in given]
    draw(bodies, "grande-region", given[0])
    draw(bodies, "grande-region", given[1])
    for table, was in zip(given, before, strict=True):
        pd.testing.assert_frame_equal(table, was)


def test_an_unknown_home_is_named(bodies):
    with pytest.raises(UnknownNameError, match="Unknown institution '00afp2z8O'"):
        plots.plot_map(links(bodies, 5), bodies, home="00afp2z8O")


def test_a_home_without_a_place_says_what_to_do(bodies):
    blind = bodies.assign(lat=bodies["lat"].mask(bodies["institution_id"] == HOME))
    with pytest.raises(InputError, match=r"University of Liège \(00afp2z80\) has no coordinates"):
        plots.plot_map(links(bodies, 5), blind, home=HOME)


def test_an_unknown_region_is_named(bodies):
    with pytest.raises(UnknownNameError, match=r"'magreb'.*'maghreb'"):
        plots.plot_region(links(bodies, 5), bodies, "magreb", home=HOME)


def test_another_picture_format_is_refused(bodies, tmp_path):
    fig = draw(bodies, "world", links(bodies, 5))
    with pytest.raises(UnknownNameError, match=r"'\.bmp'"):
        plots.save_figure(fig, tmp_path / "map.bmp")


def test_a_page_may_ask_for_nothing(bodies, tmp_path):
    page = plots.save_figure(draw(bodies, "world", links(bodies, 5)), tmp_path / "map.html")
    assert "content=\"default-src 'none'; script-src 'unsafe-inline';" in page.read_text("utf-8")


def test_names_are_data_never_markup(bodies):
    fig = plots.plot_map(*hostile(bodies), home=HOME, title=HOSTILE)
    fig.layout.meta = None  # not drawn; escaped where a page is written
    said = json.dumps(fig.to_dict(), default=lambda array: np.asarray(array).tolist())
    assert "&lt;/script&gt;" in said
    assert "<script" not in said
    assert "$x" not in said


def hostile(bodies):
    """One strong link to a partner with an evil name."""
    edges = links(bodies, 20)
    edges.loc[0, "weight"] = 999.0
    partner = cn.around(edges.head(1), HOME)["partner"].iloc[0]
    names = bodies["name"].mask(bodies["institution_id"] == partner, HOSTILE)
    return edges, bodies.assign(name=names, names=pd.NA)


def test_a_mark_beside_the_home_institution_has_its_label_on_the_other_side():
    paper = sheet.Sheet(geo.VIEWS["world"], 1000, 500)
    assert round(float(paper.pixels(0, 0)[0])) == 500
    marks = np.array([[504.0, 250.0, 5.0], [500.0, 250.0, 5.0]])
    wanted = [(500, 250, 5, ["Liège"])]
    ((spot, _),) = sheet.place(paper, wanted, marks, lines=np.empty((2, 0)))
    assert spot.position == "middle left"
    under_all = np.vstack([marks, [500.0, 250.0, 120.0]])
    assert sheet.place(paper, wanted, under_all, lines=np.empty((2, 0))) == [None]
    everywhere = [(0, 0, 1000, 500)]
    assert sheet.place(paper, wanted, marks, lines=np.empty((2, 0)), taken=everywhere) == [None]


def test_the_first_mark_of_a_point_stays_and_gives_way_to_home_only():
    both = np.zeros(2), np.zeros(2), np.full(2, 5.0)
    x, y = sheet.fan(*both, np.array([99, 99]))
    assert (x[0], y[0], round(x[1] ** 2 + y[1] ** 2)) == (0, 0, 100)
    x, y = sheet.fan(*both, np.zeros(2))
    assert (x**2 + y**2).round().tolist() == [100, 200]


MEASURE = """() => [...document.querySelectorAll(
    '.textpoint text, .annotation-text, .gtitle, .gtitle-subtitle, .legendtext'
)].map(e => [e.textContent, e.getBoundingClientRect()]).filter(([, r]) => r.width).map(
    ([text, r]) => [text, r.left, r.top, r.right, r.bottom]
)"""


def opened(browser, fig, path):
    """Open a saved figure from disk with the network cut; return the page and what it asked."""
    plots.save_figure(fig, path)
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_offline(True)
    page = context.new_page()
    asked = []
    page.on("request", lambda r: asked.append(r.url) if r.url != path.as_uri() else None)
    page.on("console", lambda message: asked.append(message.text))
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector(".scatterlayer .point")
    return page, [line for line in asked if not line.startswith(("data:", "blob:"))]


@pytest.mark.parametrize("name", MAPS)
def test_a_saved_map_draws_from_disk_without_network(browser, bodies, tmp_path, name):
    fig = draw(bodies, name, links(bodies, 110))
    page, asked = opened(browser, fig, tmp_path / "map.html")
    assert asked == []
    drawn = page.locator(".scatterlayer .trace .point").evaluate_all(
        "points => points.filter(p => getComputedStyle(p).opacity > 0).length"
    )
    assert drawn == marks(fig) + 1
    found = page.evaluate(MEASURE)
    clash = [(a[0], b[0]) for a, b in combinations(found, 2) if overlap(a[1:], b[1:])]
    assert clash == []
    assert all(a[1] >= 0 and a[2] >= 0 and a[3] <= 1116 and a[4] <= 696 for a in found)
    page.context.close()


def test_a_hostile_name_is_shown_and_not_run(browser, bodies, tmp_path):
    fig = plots.plot_map(*hostile(bodies), home=HOME, title=HOSTILE)
    page, asked = opened(browser, fig, tmp_path / "map.html")
    assert asked == []
    assert page.title().startswith(EVIL)
    assert EVIL in page.locator(".gtitle").first.text_content()
    assert page.locator(".textpoint b, .textpoint script").count() == 0
    page.context.close()


def test_labels_are_as_wide_as_the_browser_sets_them_or_wider(browser, bodies):
    page = browser.new_page()
    names = bodies["name"].tolist()
    measure = """names => { const c = document.createElement('canvas').getContext('2d');
        c.font = '12px ' + FONT; return names.map(n => c.measureText(n).width) }"""
    real = page.evaluate(measure.replace("FONT", json.dumps(sheet.FONT)), names)
    assert all(words.text_width(n, 12) >= width for n, width in zip(names, real, strict=True))
    page.close()


@pytest.mark.browser
@pytest.mark.slow
def test_a_picture_is_drawn_at_twice_the_size(bodies, tmp_path):
    pytest.importorskip("kaleido")
    png = plots.save_figure(draw(bodies, "world", links(bodies, 20)), tmp_path / "map.png")
    assert struct.unpack(">II", png.read_bytes()[16:24]) == (1880, 1360)


def test_docs_say_why_maps_are_drawn_so():
    text = (ROOT / "docs" / "decisions" / "0003-maps-on-plain-axes.md").read_text("utf-8")
    assert all(word in text for word in ("Equal Earth", "Lambert", "scatter"))
    assert set(geo.VIEWS) >= set(MAPS)


def test_no_two_widths_of_line_are_told_by_the_same_number():
    for least, most in ((0.0192, 0.3), (0.0012, 0.008), (3, 200)):
        steps = sheet.steps_of(np.array([least, most]))
        assert len({words.number(step, words.words_of("en")) for step in steps}) == len(steps) > 2
        assert steps[0] <= least
