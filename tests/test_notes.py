"""Every table says what it rests on, and so do the figures and the files made of it."""

import inspect
import json

import openpyxl
import pandas as pd
import pytest

import collabnet as cn
from collabnet import plots
from conftest import ROOT

LIEGE = "00afp2z80"
MADE = {"settings", "store", "collabnet"}
TAKEN = {"kind", "years", "population", "synthetic", "coverage"} | MADE
NEED = {
    "agreement_rates": {"as_of", "home", "years"} | MADE,
    "agreement_status": {"as_of", "home", "months", "synthetic"} | MADE,
    "around": TAKEN | {"count", "level", "home"},
    "backbone": TAKEN | {"count", "level"},
    "behind": TAKEN | {"edge", "level"},
    "behind_gap": {"row", "layer", "home", "years"} | MADE,
    "bootstrap": {"samples", "seed", "statistic", "collabnet"},
    "brokers": TAKEN | {"count", "level"},
    "bus_factor": TAKEN | {"home"},
    "centrality": TAKEN | {"count", "level", "distance"},
    "check_quality": MADE | {"coverage"},
    "collaboration": TAKEN | {"count", "level"},
    "collaboration_types": TAKEN | {"count", "level", "scheme"},
    "communities": TAKEN | {"count", "level", "resolution", "seed"},
    "compare_edges": {"left", "right", "synthetic"},
    "compare_stores": {"kind", "count", "years", "home", "a", "b", "synthetic", "collabnet"},
    "decompose": TAKEN | {"count", "level", "home"},
    "diversity": TAKEN | {"count", "level", "by"},
    "edges": TAKEN | {"count", "level", "cap", "placed", "joint", "left_out", "regions"},
    "event_study": {"home", "population", "synthetic", "seed"} | MADE,
    "expected_links": TAKEN | {"count", "level"},
    "field_profile": TAKEN | {"home", "scheme"},
    "flows": TAKEN | {"left_out"},
    "gaps": {"home", "years", "as_of", "population", "synthetic", "regions", "classes"} | MADE,
    "gazetteer": {"collabnet"},
    "group_shares": TAKEN | {"count", "whole", "without_group"},
    "growth": TAKEN | {"count", "level", "home", "samples", "seed"},
    "link_impact": TAKEN | {"count", "home"},
    "link_shares": TAKEN | {"count", "home"},
    "list_regions": {"collabnet"},
    "match_affiliations": {"threshold", "registry", "collabnet"},
    "memberships": {"regions", "at", "collabnet"},
    "output": TAKEN | {"count", "level"},
    "partner_intervals": TAKEN | {"count", "level", "home", "samples", "seed"},
    "partners": TAKEN | {"count", "home", "of_home"},
    "profile": TAKEN | {"home"},
    "region": {"region", "source", "status", "collabnet"},
    "region_shares": TAKEN | {"count", "regions"},
    "relative_intensity": TAKEN | {"count", "level"},
    "review": MADE | {"coverage"},
    "share_intervals": TAKEN | {"home", "samples", "seed"},
    "similarities": TAKEN | {"count", "level"},
    "strengths": TAKEN | {"count", "level"},
    "to_edges": TAKEN | {"count"},
    "trend": TAKEN | {"count", "level", "home", "by"},
    "turnover": TAKEN | {"count", "level", "home", "periods"},
    "unresolved": MADE | {"coverage"},
    "within": TAKEN | {"count", "region", "region_source", "unplaced"},
    "without": TAKEN | {"count", "home", "without", "regions"},
}
"""What the note of each public table must hold, beside `what` it is."""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The shipped data as a store."""
    return cn.ingest([ROOT / "data"], tmp_path_factory.mktemp("notes") / "store")


@pytest.fixture(scope="module")
def tables(records):
    """One table of each public function, made of the shipped data."""
    bodies = records.institutions
    links = cn.edges(records, years=(2019, 2024), count="fractional")
    graph = cn.to_graph(links)
    some = links.head(50)
    some.attrs = links.attrs
    treaties = cn.edges(records, "agreement")
    lands = cn.edges(records, level="country", years=(2019, 2024))
    window, before = {"years": (2019, 2024)}, {"before": (2015, 2019), "after": (2020, 2024)}
    few = {"samples": 20, **window}
    return {
        "agreement_rates": cn.agreement_rates(records),
        "agreement_status": cn.agreement_status(records),
        "backbone": cn.backbone(links),
        "behind_gap": cn.behind_gap(records, "04xfq0f34", "agreements_in_force"),
        "bootstrap": cn.bootstrap(pd.Series([1.0, 0.0], index=["a", "b"])),
        "brokers": cn.brokers(lands),
        "collaboration_types": cn.collaboration_types(records, **window),
        "decompose": cn.decompose(records, level="country", **before),
        "diversity": cn.diversity(cn.partners(records, kind="work", **window)),
        "event_study": cn.event_study(records),
        "expected_links": cn.expected_links(lands, cn.output(records, level="country", **window)),
        "field_profile": cn.field_profile(records, **window),
        "gaps": cn.gaps(records, **window),
        "group_shares": cn.group_shares(
            links, bodies[["institution_id", "country"]].rename(columns={"institution_id": "unit"})
        ),
        "growth": cn.growth(records, level="country", **few),
        "link_impact": cn.link_impact(records, **window),
        "link_shares": cn.link_shares(records, **window),
        "partner_intervals": cn.partner_intervals(records, **few),
        "profile": cn.profile(records, **window),
        "relative_intensity": cn.relative_intensity(lands),
        "share_intervals": cn.share_intervals(records, **few),
        "trend": cn.trend(records, level="country"),
        "turnover": cn.turnover(records, level="country", periods=[*before.values()]),
        "around": cn.around(links, LIEGE),
        "behind": cn.behind(records, (LIEGE, "036x5ad56"), kind="agreement"),
        "bus_factor": cn.bus_factor(records),
        "centrality": cn.centrality(some),
        "check_quality": cn.check_quality(records),
        "collaboration": cn.collaboration(records),
        "communities": cn.communities(some),
        "compare_edges": cn.compare_edges(links, treaties),
        "compare_stores": cn.compare_stores(records, records, kind="agreement").changes,
        "edges": links,
        "flows": cn.flows(records),
        "gazetteer": cn.gazetteer(),
        "list_regions": cn.list_regions(),
        "match_affiliations": cn.match_affiliations(["University of Liège"], bodies),
        "memberships": cn.memberships(bodies),
        "output": cn.output(records),
        "partners": cn.partners(records),
        "region": cn.region("maghreb"),
        "region_shares": cn.region_shares(links, bodies),
        "review": cn.review(records),
        "similarities": cn.similarities(links, cn.output(records)),
        "strengths": cn.strengths(links),
        "to_edges": cn.to_edges(graph),
        "unresolved": cn.unresolved(records),
        "within": cn.within(cn.around(links, LIEGE), "maghreb", bodies),
        "without": cn.without(records, activity=records.activities["activity_id"].iloc[0]),
    }


def test_every_public_table_is_looked_at():
    made = {
        name
        for name in cn.__all__
        if inspect.isfunction(getattr(cn, name))
        and inspect.signature(getattr(cn, name)).return_annotation in {"pd.DataFrame", "Comparison"}
    }
    assert made == set(NEED)


@pytest.mark.parametrize("name", NEED)
def test_a_table_says_what_it_rests_on(name, tables):
    assert NEED[name] | {"what"} <= set(tables[name].attrs["note"])


@pytest.mark.parametrize("name", NEED)
def test_a_note_can_be_printed(name, tables):
    text = cn.note(tables[name])
    assert "what: " in text
    assert "{" not in text
    assert "[" not in text
    assert "collabnet: " in text


def test_what_rests_on_made_up_works_says_so_first(tables):
    for name in ("partners", "output", "compare_edges", "bus_factor", "strengths"):
        assert cn.note(tables[name]).startswith("SYNTHETIC")


def test_the_store_in_a_note_is_that_of_the_records(records, tables):
    stores = {tables[n].attrs["note"]["store"] for n, keys in NEED.items() if "store" in keys}
    assert stores == {records.provenance["store"]}


def test_rolling_up_is_said_in_a_note():
    records = cn.resolve(cn.Records({}), roll_up=("component",))
    assert cn.edges(records).attrs["note"]["settings"] == {"roll_up": ["component"]}


def test_records_that_come_from_nowhere_still_have_a_printable_note():
    text = cn.note(cn.edges(cn.Records({})))
    assert "settings: as they are by default" in text
    assert "store: " not in text


def test_a_figure_carries_the_notes_of_what_it_shows(records, tables):
    bodies = records.institutions
    asked = {"home": LIEGE}
    figures = {
        "map": (plots.plot_map(tables["edges"], bodies, **asked), ["edges"]),
        "region": (plots.plot_region(tables["edges"], bodies, "maghreb", **asked), ["edges"]),
    }
    figures["compare"] = (plots.plot_compare(tables["compare_edges"], bodies, **asked), [])
    for figure, names in figures.values():
        notes = figure.layout.meta["notes"]
        wanted = [tables[name].attrs["note"] for name in names] or [
            tables["compare_edges"].attrs["note"][side] for side in ("left", "right")
        ]
        wanted = [
            {key: value for key, value in note.items() if value is not False} | {"home": LIEGE}
            for note in json.loads(json.dumps(wanted))
        ]
        assert list(notes) == wanted


def test_a_graph_and_a_file_carry_the_note(tables, tmp_path):
    links = tables["edges"]
    assert cn.to_graph(links).graph["note"] == links.attrs["note"]
    cn.write_graph(links, tmp_path / "g.graphml")
    assert (
        cn.read_graph(tmp_path / "g.graphml").graph["note"]["store"] == links.attrs["note"]["store"]
    )
    cn.export_table(links, tmp_path / "e.xlsx")
    lines = [
        row[0]
        for row in openpyxl.load_workbook(tmp_path / "e.xlsx")["note"].iter_rows(values_only=True)
    ]
    assert lines == cn.note(links).splitlines()


def test_a_region_can_be_exported_with_its_remark(tmp_path):
    table = cn.region("central-africa")
    cn.export_table(table, tmp_path / "r.csv")
    said = (tmp_path / "r.csv.note.txt").read_text(encoding="utf-8")
    assert f"status: {table.attrs['status']}" in said
    assert isinstance(pd.read_csv(tmp_path / "r.csv"), pd.DataFrame)
