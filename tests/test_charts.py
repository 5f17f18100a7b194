"""Life lines, matrices, networks and trends: what is drawn is what the table says."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from corpora import SIX, agreements, many

import collabnet as cn
from collabnet import words
from collabnet.errors import SchemaError, UnknownNameError
from collabnet.plots import LOOKS
from conftest import ROOT

EVIL = "</script><img src=x onerror=alert(1)><b>R&D $x^2$ " + "long " * 20
LONG = "Rheinland-Pfälzische Technische Universität Kaiserslautern-Landau und angeschlossene Häuser"


def said(fig):
    """All texts of a figure, those of marks too."""
    notes = [note.text for note in fig.layout.annotations]
    marks = [text for trace in fig.data if trace.text is not None for text in trace.text]
    return " ".join(filter(None, [fig.layout.title.text, subtitle(fig), *notes, *marks]))


def subtitle(fig):
    return fig.layout.title.subtitle.text or ""


# --- matrices


def links(*rows, **note):
    table = pd.DataFrame(rows, columns=["source", "target", "weight"])
    table.attrs["note"] = {"kind": "work", "count": "full", "years": (2019, 2024), **note}
    return table


def grid(fig):
    """The numbers of a matrix by its names."""
    heat = fig.data[0]
    names = [
        [name.replace("<br>", " ") for name in fig.layout[a].ticktext] for a in ("yaxis", "xaxis")
    ]
    return pd.DataFrame(heat.customdata, index=names[0], columns=names[1])


def test_a_link_stands_in_both_triangles_and_the_diagonal_is_empty():
    table = links(("maghreb", "eu27", 4.0), ("eu27", "grande-region", 9.0))
    drawn = grid(cn.plot_matrix(table))
    assert (
        drawn.columns.tolist()
        == drawn.index.tolist()
        == ["European Union", "Greater Region", "Maghreb"]
    )
    assert drawn.fillna(-1).to_numpy().tolist() == [[-1, 9, 4], [9, -1, 0], [4, 0, -1]]
    pair = grid(cn.plot_matrix(links(("A", "B", 1.0))))
    assert pair.columns.tolist() == pair.index.tolist()


def test_unknown_is_grey_with_a_question_mark_and_zero_is_zero():
    table = pd.DataFrame({"partner": list("AAB"), "field": list("xyx"), "n": [3, None, 0]})
    fig = cn.plot_matrix(table, rows="partner", columns="field", values="n")
    assert np.asarray(fig.data[1].z)[0, 1] == 1.0
    at = zip(fig.data[2].y, fig.data[2].x, fig.data[2].text, strict=True)
    assert {(row, column): text for row, column, text in at} == {
        (0, 0): "3",
        (0, 1): "?",
        (1, 0): "0",
        (1, 1): "0",
    }
    assert "grey with ?: not known" in subtitle(fig)
    unsaid = cn.plot_matrix(table, rows="partner", columns="field", values="n", missing=None)
    assert [*unsaid.data[2].text].count("?") == 2


def test_a_sum_with_an_unknown_is_unknown():
    table = pd.DataFrame({"partner": list("AAB"), "field": "x", "n": [3, None, 2]})
    drawn = grid(cn.plot_matrix(table, rows="partner", columns="field", values="n"))
    assert drawn["x"].isna().to_dict() == {"A": True, "B": False}


def test_columns_side_by_side_keep_their_order_and_have_names():
    table = pd.DataFrame(
        {"partner": ["A", "B"], "works": [1, 9], "agreements_in_force": [1, pd.NA]}
    )
    fig = cn.plot_matrix(table, rows="partner", columns=["agreements_in_force", "works"], lang="fr")
    drawn = grid(fig)
    assert drawn.columns.tolist() == ["Accords en vigueur", "Copublications"]
    assert drawn.index.tolist() == ["B", "A"]


def test_numbers_of_persons_are_masked():
    table = pd.DataFrame({"partner": ["A", "B"], "mobility_out": pd.array([3, 12], "Int64")})
    fig = cn.plot_matrix(table, rows="partner", columns=["mobility_out"])
    assert grid(fig)["Persons sent"].to_dict() == {
        "B": 10.0,
        "A": pytest.approx(np.nan, nan_ok=True),
    }


def test_order_by_total_or_as_given():
    table = pd.DataFrame({"partner": list("ABC"), "field": "x", "n": [1, 5, 3]})
    options = {"rows": "partner", "columns": "field", "values": "n"}
    assert grid(cn.plot_matrix(table, **options)).index.tolist() == ["B", "C", "A"]
    assert grid(cn.plot_matrix(table, **options, order="given")).index.tolist() == ["A", "B", "C"]
    with pytest.raises(UnknownNameError, match="order 'size'"):
        cn.plot_matrix(table, **options, order="size")


def test_hidden_rows_and_columns_are_counted():
    rows = [(f"P{i}", f"F{j}", i * j + 1) for i in range(40) for j in range(35)]
    table = pd.DataFrame(rows, columns=["partner", "field", "n"])
    fig = cn.plot_matrix(table, rows="partner", columns="field", values="n", top=30)
    assert grid(fig).shape == (30, 30)
    assert "The first 30 of 40 rows, 10 hidden · the first 30 of 35 columns, 5 hidden" in subtitle(
        fig
    )


def test_numbers_are_written_only_where_they_fit():
    rows = [(f"P{i}", f"F{j}", 10.0 ** (j % 8)) for i in range(3) for j in range(30)]
    table = pd.DataFrame(rows, columns=["partner", "field", "n"])
    fig = cn.plot_matrix(table, rows="partner", columns="field", values="n", width=600)
    inner = fig.layout.width - fig.layout.margin.l - fig.layout.margin.r
    written = set(fig.data[2].text) - {""}
    assert "1" in written
    assert all(words.text_width(text, 11) <= inner / 30 - 4 for text in written)


def test_what_no_matrix_shows_is_refused():
    with pytest.raises(SchemaError, match="no column 'field'"):
        cn.plot_matrix(links(), rows="source", columns="field")
    with pytest.raises(SchemaError, match="amounts of 0 or more"):
        cn.plot_matrix(links(("A", "B", -1.0)))


# --- networks


def web(n=40, seed=5):
    rng = np.random.default_rng(seed)
    pairs = [("N00", f"N{i:02}") for i in range(1, n)]
    pairs += [
        (f"N{a:02}", f"N{b:02}") for a, b in combinations(range(1, n), 2) if rng.random() < 0.1
    ]
    return links(*((a, b, float(np.ceil(rng.pareto(1.2) * 5) + 1)) for a, b in pairs))


def marks(fig):
    return [t for t in fig.data if t.mode == "markers" and t.hoverinfo == "text"]


def test_the_same_network_gives_the_same_picture_and_another_seed_another():
    drawn = [cn.plot_network(web(), seed=seed).to_json() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_strongest_links_are_drawn_and_the_hidden_counted():
    fig = cn.plot_network(web(), top=20)
    table = web().sort_values("weight", ascending=False).head(20)
    units = {*table["source"], *table["target"]}
    assert sum(len(t.x) for t in marks(fig)) == len(units)
    lines = [t for t in fig.data if t.mode == "lines" and t.legend is None and len(t.x) > 1]
    ways = sum(np.isnan(np.asarray(t.x, float)).sum() for t in lines if t.opacity == 0.5)
    assert ways == 20
    assert subtitle(fig).startswith(
        f"The strongest 20 of {len(web())} links, {len(web()) - 20} hidden"
    )
    assert f"{len(units)} of 40 units have one" in subtitle(fig)


def test_a_mark_is_as_large_as_all_links_of_the_unit():
    table = links(("A", "B", 100.0), ("A", "C", 44.0), ("B", "C", 0.1))
    (trace,) = marks(cn.plot_network(table))
    sizes = dict(zip([text[3:4] for text in trace.hovertext], trace.marker.size, strict=True))
    assert sizes["A"] == 26
    assert round(sizes["B"], 1) == round(26 * (100.1 / 144) ** 0.5, 1)


def test_groups_have_a_colour_and_a_sign_and_the_home_a_star():
    groups = cn.communities(web())
    fig = cn.plot_network(web(), groups, home="N07")
    looks = {
        (t.marker.color, t.marker.symbol) for t in fig.data if t.showlegend and t.marker.symbol
    }
    n = groups["community"].nunique()
    assert len({c for c, _ in looks}) == len({s for _, s in looks}) == min(n, 7)
    assert [s for t in marks(fig) for s in t.marker.symbol].count("star") == 1
    assert "★ N07" in subtitle(fig)
    counts = {t.name.rpartition("(")[2][:-1] for t in fig.data if t.showlegend and t.marker.symbol}
    assert counts == {str(k) for k in groups["community"].clip(upper=7).value_counts()}


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def boxes(fig):
    """The place of each label in pixels, by the widths that were used to place it."""
    found, high = [], fig.layout.yaxis.range[1]
    for trace in (t for t in fig.data if t.mode == "markers+text"):
        each = zip(trace.x, trace.y, trace.text, trace.textposition, trace.marker.size, strict=True)
        for x, y, text, side, size in each:
            lines = text.split("<br>")
            wide = max(words.text_width(line, 12) for line in lines)
            tall, gap = 12 * (1 + 1.3 * (len(lines) - 1)), size / 2 / 0.8 + 1
            down, right = side.split()
            left = x + {"left": -gap - wide, "center": -wide / 2, "right": gap}[right]
            top = high - y + {"top": -gap - tall, "middle": -tall / 2, "bottom": gap}[down]
            found.append((left, top, left + wide, top + tall))
    return found


@pytest.mark.parametrize("width", [600, 900])
def test_labels_of_a_network_do_not_touch_and_stay_inside(width):
    bodies = pd.DataFrame({"institution_id": [f"N{i:02}" for i in range(40)], "name": LONG[:64]})
    fig = cn.plot_network(web(), cn.communities(web()), institutions=bodies, width=width)
    found = boxes(fig)
    assert len(found) >= 4
    assert not [pair for pair in combinations(found, 2) if overlap(*pair)]
    assert all(a >= 0 and c <= width - 32 and b >= 0 for a, b, c, _ in found)


# --- trends


def by_year(**lines):
    rows = [(p, 2020 + i, v) for p, values in lines.items() for i, v in enumerate(values)]
    table = pd.DataFrame(rows, columns=["partner", "until", "weight"])
    table.attrs["note"] = {"kind": "work", "count": "full", "synthetic": True}
    return table


def test_points_are_the_numbers_of_the_table_and_the_last_is_written():
    fig = cn.plot_trend(by_year(A=[1, 2, 5], B=[9, 8, 7]), complete=2030)
    dots = [t for t in fig.data if t.mode == "markers+text"]
    assert [list(t.y) for t in dots] == [[9, 8, 7], [1, 2, 5]]
    assert [t.text[-1] for t in dots] == ["7", "5"]
    assert [note.text for note in fig.layout.annotations][:2] == ["<b>B</b>", "<b>A</b>"]


def test_a_year_that_is_not_complete_is_hollow_and_dotted():
    fig = cn.plot_trend(by_year(A=[1, 2, 5]), complete=2021)
    dots = next(t for t in fig.data if t.mode == "markers+text")
    assert list(dots.marker.color) == ["#0072B2", "#0072B2", "white"]
    ways = {t.line.dash: np.asarray(t.y, float) for t in fig.data if t.mode == "lines"}
    assert np.isnan(ways["solid"]).tolist() == [False, False, True]
    assert np.isnan(ways["dot"]).tolist() == [True, False, False]
    assert "2022 is not complete" in subtitle(fig)


def test_one_scale_for_all_unless_the_small_would_vanish():
    same = cn.plot_trend(by_year(A=[1, 2, 5], B=[9, 8, 7]), complete=2030)
    assert same.layout.yaxis.range == same.layout.yaxis2.range
    assert "all panels have one scale" in subtitle(same)
    own = cn.plot_trend(by_year(A=[1, 1, 1], B=[90, 80, 70]), complete=2030)
    assert own.layout.yaxis.range[1] > 10 * own.layout.yaxis2.range[1]
    assert "each panel has its own scale" in subtitle(own)


def test_an_interval_is_a_band():
    table = by_year(A=[1, 2, 5]).assign(low=[0, 1, 3], high=[2, 4, 8])
    fig = cn.plot_trend(table, complete=2030)
    low, high = (t for t in fig.data if t.mode == "lines" and t.line.width == 0)
    assert (list(low.y), list(high.y), high.fill) == ([0, 1, 3], [2, 4, 8], "tonexty")
    assert fig.layout.yaxis.range[1] > 8
    assert "band: interval" in subtitle(fig)


def test_an_unknown_year_is_a_gap_and_shares_are_percent():
    table = by_year(A=[0.1, None, 0.05]).rename(columns={"weight": "share"})
    fig = cn.plot_trend(table, values="share", complete=2030)
    dots = next(t for t in fig.data if t.mode == "markers+text")
    assert np.isnan(np.asarray(dots.y, float)).tolist() == [False, True, False]
    assert dots.text[-1] == "5 %"


def test_a_title_says_whose_numbers_they_are():
    table, bodies = by_year(A=[1, 2]), pd.DataFrame({"institution_id": ["L"], "name": ["Liège"]})
    assert cn.plot_trend(table, institutions=bodies).layout.title.text == "Co-publications"
    table.attrs["note"] |= {"home": "L", "years": (2020, 2021)}
    fig = cn.plot_trend(table, institutions=bodies, lang="fr")
    assert fig.layout.title.text == "Liège : copublications 2020–2021"


def test_hidden_panels_are_counted():
    fig = cn.plot_trend(by_year(**{f"P{i:02}": [i, i, i] for i in range(1, 21)}), complete=2030)
    assert len([t for t in fig.data if t.mode == "markers+text"]) == 12
    assert subtitle(fig).startswith("The strongest 12 of 20 partners, 8 hidden")


def test_a_trend_draws_what_trend_like_tables_say_without_partners():
    fig = cn.plot_trend(pd.DataFrame({"year": [2020, 2021], "output": [3, 4]}), values="output")
    assert list(fig.data[-1].y) == [3, 4]
    with pytest.raises(SchemaError, match="no column 'weight'"):
        cn.plot_trend(pd.DataFrame({"year": [2020]}))


# --- all of them


def empty_ones():
    status = cn.agreement_status(agreements(SIX), "L").iloc[:0]
    return {
        "lifelines": lambda **o: cn.plot_lifelines(status, **o),
        "matrix": lambda **o: cn.plot_matrix(links(synthetic=True), **o),
        "network": lambda **o: cn.plot_network(links(synthetic=True), **o),
        "trend": lambda **o: cn.plot_trend(by_year(), **o),
    }


@pytest.mark.parametrize("kind", ["lifelines", "matrix", "network", "trend"])
def test_an_empty_table_gives_a_figure_that_says_so(kind):
    assert "Nothing to show here." in said(empty_ones()[kind]())
    assert "Rien à montrer ici." in said(empty_ones()[kind](lang="fr"))


def figures(name="University", **options):
    """One figure of each kind, of bodies with such a name."""
    bodies = pd.DataFrame({"institution_id": [f"N{i:02}" for i in range(40)], "name": name})
    trends = by_year(N01=[1, 2, 3], N02=[2, 3, 1])
    return {
        "lifelines": cn.plot_lifelines(
            agreements(SIX, name, name[:40]), "L", as_of="2026-01-01", **options
        ),
        "matrix": cn.plot_matrix(web(12), institutions=bodies, **options),
        "network": cn.plot_network(
            web(12), cn.communities(web(12)), institutions=bodies, **options
        ),
        "trend": cn.plot_trend(trends, institutions=bodies, complete=2021, **options),
    }


@pytest.mark.parametrize("kind", ["lifelines", "matrix", "network", "trend"])
def test_names_are_data_never_markup(kind):
    fig = figures(EVIL, title=EVIL)[kind]
    fig.layout.meta = None
    text = json.dumps(json.loads(fig.to_json()), ensure_ascii=False)
    assert "&lt;/script&gt;" in text
    assert not [tag for tag in ("<script", "<img", "</script", "$x") if tag in text]


def test_the_note_goes_with_the_figure_and_synthetic_is_stamped_on_it():
    for fig in (
        cn.plot_matrix(links(("A", "B", 1.0), synthetic=True)),
        cn.plot_trend(by_year(A=[1])),
    ):
        assert fig.layout.meta["notes"][0]["synthetic"] is True
        assert "Synthetic works: made by a program" in said(fig)
    assert "ynthetic" not in said(cn.plot_matrix(links(("A", "B", 1.0))))


def test_looks_are_used():
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "collabnet").glob("*.py"))
    assert [name for name in LOOKS if f'LOOKS["{name}"]' not in sources] == []


MEASURE = """() => [...document.querySelectorAll(
    '.textpoint text, .annotation-text, .gtitle, .gtitle-subtitle, .legendtext, .legendtitletext, '
    + '.xtick text, .ytick text, .xaxislayer-above text, .cbaxis text'
)].map(e => [e.textContent, e.getBoundingClientRect()]).filter(([, r]) => r.width).map(
    ([text, r]) => [text, r.left, r.top, r.right, r.bottom]
)"""


@pytest.fixture(scope="module")
def drawings():
    """Figures of each kind with long and short names, one row and many, narrow and wide."""
    found = {}
    for width in (600, 900):
        for kind, fig in figures(LONG[:64], width=width).items():
            found[f"{kind}-{width}"] = fig
        found[f"many-{width}"] = cn.plot_lifelines(
            agreements(many(200)), "L", as_of="2026-01-01", width=width, lang="fr"
        )
        found[f"one-{width}"] = cn.plot_lifelines(
            agreements(many(1)), "L", as_of="2026-01-01", width=width
        )
        regions = links(("maghreb", "eu27", 4000.0), ("eu27", "grande-region", 9.0))
        found[f"regions-{width}"] = cn.plot_matrix(regions, width=width, lang="fr")
        found[f"web-{width}"] = cn.plot_network(web(), cn.communities(web()), width=width)
        found[f"pair-{width}"] = cn.plot_network(links(("A", "B", 1.0)), width=width)
        one = by_year(A=[1, 2, 5, 4, 7, 8]).assign(low=0, high=9)
        found[f"line-{width}"] = cn.plot_trend(one, complete=2024, width=width)
    return found


KINDS = ("lifelines", "matrix", "network", "trend", "many", "one", "regions", "web", "pair", "line")


@pytest.fixture(scope="module")
def page(browser):
    """A page with plotly and no network."""
    from plotly.offline import get_plotlyjs

    context = browser.new_context(viewport={"width": 1000, "height": 900})
    context.set_offline(True)
    page = context.new_page()
    page.add_script_tag(content=get_plotlyjs())
    yield page
    context.close()


DRAW = """figure => { document.body.innerHTML = '<div id="f"></div>';
    return Plotly.newPlot('f', figure.data, figure.layout) }"""


@pytest.mark.browser
@pytest.mark.parametrize("name", [f"{kind}-{width}" for kind in KINDS for width in (600, 900)])
def test_no_text_touches_another_or_leaves_the_page(page, drawings, name):
    page.evaluate(DRAW, json.loads(drawings[name].to_json()))
    found = {tuple(row) for row in page.evaluate(MEASURE)}
    frame = page.locator(".main-svg").first.bounding_box()
    clash = [(a[0], b[0]) for a, b in combinations(found, 2) if overlap(a[1:], b[1:])]
    assert clash == []
    right, bottom = frame["x"] + frame["width"], frame["y"] + frame["height"]
    out = {row for row in found if min(row[1] - frame["x"], row[2] - frame["y"]) < 0}
    out |= {row for row in found if row[3] > right or row[4] > bottom}
    assert out == set()
    assert len(found) >= 4


def test_a_saved_figure_draws_from_disk_without_network(browser, drawings, tmp_path):
    path = cn.save_figure(drawings["regions-600"], tmp_path / "figure.html")
    context = browser.new_context()
    context.set_offline(True)
    saved, asked = context.new_page(), []
    saved.on("request", lambda r: asked.append(r.url) if r.url != path.as_uri() else None)
    saved.on("console", lambda message: asked.append(message.text))
    saved.goto(path.as_uri())
    saved.wait_for_selector(".heatmaplayer image")
    assert [line for line in asked if not line.startswith(("data:", "blob:"))] == []
    assert saved.locator(".textpoint").count() == 6
    context.close()
