"""Indicators of real works equal a recount in plain Python, cell by cell."""

import random
import zipfile

import numpy as np
import pandas as pd
import pytest
import recount

import collabnet as cn

CELLS = 200


def drawn(cells):
    """Return 200 cells, or all where there are fewer, the same every time."""
    cells = sorted(cells)
    return random.Random(1).sample(cells, min(CELLS, len(cells)))


@pytest.fixture(scope="module")
def raw(real):
    """Return the works of the API pages as their JSON says, the newest version of each."""
    files = sorted((real / "openalex_works").iterdir())
    return recount.openalex_works(files)


@pytest.fixture(scope="module")
def authors(raw):
    """Return the authors of each work."""
    return recount.openalex_authors(raw)


@pytest.fixture(scope="module")
def spots(authors):
    """Return a place for nine in ten institutions; none of it is real."""
    draw = random.Random(7)
    bodies = sorted({body for team in authors.values() for known, *_ in team for body in known})
    places = {body: (draw.uniform(-60, 70), draw.choice([4, 5, 60, 140])) for body in bodies}
    return {body: place for body, place in places.items() if draw.random() < 0.9}


@pytest.fixture(scope="module")
def records(real, spots):
    """Return the works as collabnet reads them, with those places."""
    read = cn.read(real / "openalex_works")
    bodies = read.institutions
    place = [spots.get(body, (None, None)) for body in bodies["institution_id"]]
    lat, lon = zip(*place, strict=True)
    tables = {name: getattr(read, name) for name in ("activities", "participants", "fields")}
    return cn.Records({**tables, "institutions": bodies.assign(lat=lat, lon=lon)})


@pytest.fixture(scope="module")
def homes(authors):
    """Return the twelve institutions of the most works."""
    count = {}
    for team in authors.values():
        for body in {body for known, *_ in team for body in known}:
            count[body] = count.get(body, 0) + 1
    return sorted(count, key=lambda body: (-count[body], body))[:12]


@pytest.mark.parametrize("level", ["institution", "country"])
def test_shares_of_collaboration_equal_the_recount(records, authors, spots, level):
    kinds = records.institutions.set_index("institution_id")["type"].dropna().to_dict()
    expected = recount.collaboration(authors, spots, kinds, level)
    table = cn.collaboration(records, level=level).set_index("unit")
    assert set(table.index) == set(expected)
    counts = ["output", "collab", "int_collab", "industry", "industry_n"]
    counts += ["distance_n", "distance_collab_n"]
    shares = {"pp_short": ("short", "output"), "pp_long": ("long", "output")}
    shares |= {"mgcd": ("km", "distance_n"), "mgcd_collab": ("km", "distance_collab_n")}
    for unit, name in drawn((unit, name) for unit in expected for name in [*counts, *shares]):
        row = expected[unit]
        part, of = shares.get(name, (name, None))
        value = row[part] if of is None else row[part] / row[of] if row[of] else np.nan
        value = np.nan if of == "output" and not row["distance_n"] else value
        assert table.loc[unit, name] == pytest.approx(value, nan_ok=True), (unit, name)


@pytest.mark.parametrize("scheme", ["scival", "incites"])
def test_types_of_collaboration_equal_the_recount(records, raw, authors, scheme):
    works = {work: (team, raw[work].get("authors_count")) for work, team in authors.items()}
    expected = recount.types(works, scheme)
    table = cn.collaboration_types(records, scheme=scheme).set_index("unit")
    for unit, kind in drawn((unit, kind) for unit in table.index for kind in table.columns[1:]):
        assert table.loc[unit, kind] == expected.get((unit, kind), 0), (unit, kind)


@pytest.mark.parametrize("count", ["full", "fractional"])
def test_output_equals_the_recount(records, authors, count):
    expected = {}
    teams = {work: [(None, set(known)) for known, *_ in team] for work, team in authors.items()}
    if count == "fractional":
        expected = recount.author_credit(teams)
    for team in teams.values() if count == "full" else ():
        for body in {body for _, known in team for body in known}:
            expected[body] = expected.get(body, 0) + 1
    table = cn.output(records, count=count).set_index("unit")["output"]
    for unit in drawn(expected):
        assert table[unit] == pytest.approx(float(expected[unit])), unit


def test_similarities_equal_the_recount(records, authors):
    parties = {work: {b for known, *_ in team for b in known} for work, team in authors.items()}
    links, n = recount.links(parties), {}
    for members in parties.values():
        for body in members:
            n[body] = n.get(body, 0) + 1
    table = cn.similarities(cn.edges(records), cn.output(records)).set_index(["source", "target"])
    strength = {}
    for (a, b), (c, _) in links.items():
        strength[a], strength[b] = strength.get(a, 0) + c, strength.get(b, 0) + c
    for a, b in drawn(links):
        c = float(links[a, b][0])
        expected = {
            "salton": c / (n[a] * n[b]) ** 0.5,
            "jaccard": c / (n[a] + n[b] - c),
            "inclusion": c / min(n[a], n[b]),
            "equivalence": c * c / n[a] / n[b],
            "association": c / n[a] / n[b],
            "affinity": c * float(sum(strength.values()) / strength[a] / strength[b]),
        }
        assert table.loc[(a, b), list(expected)].to_dict() == pytest.approx(expected)


def test_relative_intensity_equals_the_recount(records, authors):
    parties = {work: {b for known, *_ in team for b in known} for work, team in authors.items()}
    links = {pair: float(c) for pair, (c, _) in recount.links(parties).items()}
    k = {}
    for pair, c in links.items():
        for end in pair:
            k[end] = k.get(end, 0) + c
    m = sum(links.values())
    table = cn.relative_intensity(cn.edges(records)).set_index(["unit", "partner"])["ric"]
    for a, b in drawn(links):
        c = links[a, b]
        rest = (k[b] - c) / (m - k[a])
        assert table[a, b] == pytest.approx(c / k[a] / rest if rest else float("inf"))


def test_shares_of_links_equal_the_recount(records, raw, authors, homes):
    tables = {home: cn.link_shares(records, home).set_index("partner") for home in homes}
    names = [
        f"{role}_{side}" for role in ("lead", "last", "corresponding") for side in ("home", "n")
    ]
    names += ["of_home", "of_partner", "lead_partner", "corresponding_partner"]
    bodies = {work: {b for known, *_ in team for b in known} for work, team in authors.items()}
    for home, partner, name in drawn(
        (h, p, n) for h in homes for p in tables[h].index for n in names
    ):
        both = [work for work, there in bodies.items() if {home, partner} <= there]
        role, side = name.split("_")
        unit = partner if side == "partner" else home
        if role == "of":
            of = sum(unit in there for there in bodies.values())
            value = len(both) / of
        else:
            whole = [w for w in both if (raw[w].get("authors_count") or 0) <= len(authors[w])]
            credits_ = [recount.led(authors[w], role) for w in (whole if role == "last" else both)]
            told = [credit for credit in credits_ if credit]
            value = len(told)
            if side != "n":
                value = sum(c.get(unit, 0) for c in told) / len(told) if told else np.nan
        found = tables[home].loc[partner, name]
        assert found == pytest.approx(float(value), nan_ok=True), (home, partner, name)


def test_impact_of_links_equals_the_recount(records, raw, authors, homes):
    bodies = {work: {b for known, *_ in team for b in known} for work, team in authors.items()}
    tables = {home: cn.link_impact(records, home).set_index("partner") for home in homes}
    for home, partner in drawn((h, p) for h in homes for p in tables[h].index):
        sets = [{home, partner}, {home}]
        known = [
            [
                raw[w]["fwci"]
                for w, there in bodies.items()
                if s <= there and raw[w].get("fwci") is not None
            ]
            for s in sets
        ]
        row = tables[home].loc[partner]
        means = [sum(values) / len(values) if values else np.nan for values in known]
        assert row[["fwci", "fwci_home"]].tolist() == pytest.approx(means, nan_ok=True)
        assert row["fwci_n"] == len(known[0])
        ranks = [
            raw[w].get("citation_normalized_percentile") for w, b in bodies.items() if home in b
        ]
        tops = [rank["is_in_top_10_percent"] for rank in ranks if rank]
        share = sum(tops) / len(tops) if tops else np.nan
        assert row["top10_home"] == pytest.approx(share, nan_ok=True)


def test_profiles_of_fields_equal_the_recount(records, raw, authors, homes):
    bodies = {work: {b for known, *_ in team for b in known} for work, team in authors.items()}
    field = {}
    for key, work in raw.items():
        topic = (work.get("primary_topic") or {}).get("field") or {}
        if topic.get("id"):
            field[key] = topic["id"].rsplit("/", 1)[-1]
    tables = {
        home: cn.field_profile(records, home).set_index(["partner", "field"]) for home in homes
    }
    for home, partner, code in drawn((h, *cell) for h in homes for cell in tables[h].index):
        both = [field[w] for w, there in bodies.items() if {home, partner} <= there and w in field]
        own = [field[w] for w, there in bodies.items() if home in there and w in field]
        share, home_share = both.count(code) / len(both), own.count(code) / len(own)
        expected = [share, home_share, share / home_share, len(both)]
        row = tables[home].loc[(partner, code), ["share", "home_share", "specialisation", "n"]]
        assert row.tolist() == pytest.approx(expected)


NAMES = {"USA": "US", "UK": "GB", "Germany": "DE", "France": "FR", "Spain": "ES", "Italy": "IT"}
NAMES |= {"Netherlands": "NL", "Belgium": "BE", "Canada": "CA", "Brazil": "BR", "Sweden": "SE"}
NAMES |= {"Peoples R China": "CN", "Australia": "AU", "Switzerland": "CH", "Japan": "JP"}


def test_single_and_multiple_country_works_of_the_web_of_science_equal_the_recount(real):
    file = real / "wos" / "01_citing_EU.txt"
    # The Netherlands Antilles are several countries today, so none is known of an address there.
    works = [lands - {"NETH ANTILLES"} for lands in recount.wos_countries(file)]
    table = cn.collaboration(cn.read(file), level="country").set_index("unit")
    for name, code in NAMES.items():
        mine = [lands for lands in works if name.upper() in lands]
        expected = [len(mine), sum(len(lands) > 1 for lands in mine)]
        assert table.loc[code, ["output", "mcp"]].tolist() == expected, name


# --- published networks -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def universities(real):
    """Return the links and outputs of the network of the Leiden Ranking 2015, by label."""
    folder = real / "published"
    name = "Leiden_Ranking_2015_university_collaboration"
    graph = cn.read_graph(folder / f"{name}_map.txt", folder / f"{name}_network.txt")
    nodes = pd.read_csv(folder / f"{name}_map.txt", sep="\t").set_index("id")
    pairs = np.loadtxt(folder / f"{name}_network.txt")
    return graph, nodes, pairs


def test_partners_of_liege_in_the_leiden_network_equal_a_recomputation_with_matrices(universities):
    graph, nodes, pairs = universities
    label = dict(graph.nodes(data="name"))
    edges = cn.to_edges(graph)
    edges = edges.assign(source=edges["source"].map(label), target=edges["target"].map(label))
    sizes = nodes.set_index("label")["weight<Publications>"].rename("output")
    outputs = sizes.rename_axis("unit").reset_index()
    found = cn.around(cn.similarities(edges, outputs), "Univ Liège").set_index("partner")
    at = {number: i for i, number in enumerate(nodes.index)}
    c = np.zeros((len(nodes), len(nodes)))
    a, b = ([at[int(x)] for x in column] for column in pairs.T[:2])
    c[a, b] = c[b, a] = pairs[:, 2]
    n, k = sizes.to_numpy(float), c.sum(axis=0)
    home = nodes["label"].tolist().index("Univ Liège")
    measures = {
        "salton": c / np.sqrt(np.outer(n, n)),
        "association": c / np.outer(n, n),
        "affinity": c * c.sum() / np.outer(k, k),
    }
    assert len(found) == 448
    for name, matrix in measures.items():
        row = pd.Series(matrix[home], nodes["label"])
        row = row[row > 0].sort_values(ascending=False)
        assert found[name].to_dict() == pytest.approx(row.to_dict())
        assert found[name].nlargest(10).index.tolist() == row.index[:10].tolist()
    top = {name: found[name].nlargest(3).index.tolist() for name in measures}
    near = ["Univ Catholique Louvain", "Univ Libre Bruxelles"]
    assert top == {
        "salton": [*near, "Katholieke Univ Leuven"],
        "association": [*near, "Vrije Univ Brussel"],
        "affinity": [*near, "Univ Sfax"],
    }


def test_affinity_of_countries_in_a_published_network_equals_a_recomputation(real, tmp_path):
    with zipfile.ZipFile(real / "published" / "WrldCo_years.zip") as box:
        name = next(n for n in box.namelist() if n.endswith("WrldCo2023.net"))
        box.extract(name, tmp_path)
    text = (tmp_path / name).read_text(encoding="utf-8-sig").splitlines()
    labels, links, at = {}, {}, None
    for line in text:
        words = line.split()
        if line.startswith("*"):
            at = words[0].lower()
        elif at == "*vertices":
            labels[words[0]] = line.split('"')[1]
        elif at in {"*edges", "*arcs"} and words[0] != words[1]:
            pair = tuple(sorted((labels[words[0]], labels[words[1]])))
            links[pair] = links.get(pair, 0) + float(words[2])
    k = {}
    for pair, weight in links.items():
        for end in pair:
            k[end] = k.get(end, 0) + weight
    edges = cn.to_edges(cn.read_graph(tmp_path / name))
    table = cn.similarities(edges).set_index(["source", "target"])
    assert table.loc[("BE", "FR"), "weight"] == 9581
    ratio = table["weight"] / pd.Series(links).reindex(table.index)
    for a, b in drawn(table.index):
        scale = ratio[a, b]
        assert scale == ratio.iloc[0]
        expected = links[a, b] * sum(k.values()) / k[a] / k[b]
        assert table.loc[(a, b), "affinity"] == pytest.approx(expected)
