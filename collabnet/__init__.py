"""International collaborations of a university: graphs, regions, maps and an offline atlas.

The public API on one screen. Heavy libraries are loaded by the functions that need them.
"""

from importlib.metadata import version

from collabnet import lab
from collabnet.agreements import agreement_rates, agreement_status
from collabnet.card import partner_card
from collabnet.charts import plot_matrix, plot_network, plot_trend
from collabnet.comparison import compare_stores
from collabnet.components import unify
from collabnet.errors import (
    CollabnetError,
    FetchError,
    InputError,
    MissingExtraError,
    SchemaError,
    StoreError,
    UnknownNameError,
)
from collabnet.events import event_study
from collabnet.expectation import expected_links
from collabnet.explorer import explore
from collabnet.exports import export_table, note
from collabnet.fetch import fetch_openalex
from collabnet.gap_table import behind_gap, gaps
from collabnet.graphs import read_graph, to_edges, to_graph, write_graph
from collabnet.harvest import fetch_oai
from collabnet.indicators import collaboration, collaboration_types, output
from collabnet.institutions import gazetteer, resolve, review, unresolved
from collabnet.lifelines import plot_lifelines
from collabnet.links import behind, edges, write_edges
from collabnet.matching import match_affiliations
from collabnet.merging import merge_duplicates, split_work
from collabnet.network import centrality, communities
from collabnet.pairs import (
    backbone,
    field_profile,
    link_impact,
    link_shares,
    relative_intensity,
    similarities,
    strengths,
)
from collabnet.partnerships import around, compare_edges, flows, partners, within
from collabnet.plots import plot_compare, plot_map, plot_region, save_figure
from collabnet.quality import check_quality, forget
from collabnet.readers import read, read_all
from collabnet.records import Records, write_store
from collabnet.regions import list_regions, memberships, region
from collabnet.spread import brokers, diversity, group_shares, region_shares
from collabnet.standard import profile, share_intervals
from collabnet.stores import ingest
from collabnet.trends import decompose, growth, trend, turnover
from collabnet.uncertainty import bootstrap, partner_intervals
from collabnet.whatif import bus_factor, without

__version__ = version("collabnet")

lab.show_tables()

__all__ = [
    "CollabnetError",
    "FetchError",
    "InputError",
    "MissingExtraError",
    "Records",
    "SchemaError",
    "StoreError",
    "UnknownNameError",
    "agreement_rates",
    "agreement_status",
    "around",
    "backbone",
    "behind",
    "behind_gap",
    "bootstrap",
    "brokers",
    "bus_factor",
    "centrality",
    "check_quality",
    "collaboration",
    "collaboration_types",
    "communities",
    "compare_edges",
    "compare_stores",
    "decompose",
    "diversity",
    "edges",
    "event_study",
    "expected_links",
    "explore",
    "export_table",
    "fetch_oai",
    "fetch_openalex",
    "field_profile",
    "flows",
    "forget",
    "gaps",
    "gazetteer",
    "group_shares",
    "growth",
    "ingest",
    "link_impact",
    "link_shares",
    "list_regions",
    "match_affiliations",
    "memberships",
    "merge_duplicates",
    "note",
    "output",
    "partner_card",
    "partner_intervals",
    "partners",
    "plot_compare",
    "plot_lifelines",
    "plot_map",
    "plot_matrix",
    "plot_network",
    "plot_region",
    "plot_trend",
    "profile",
    "read",
    "read_all",
    "read_graph",
    "region",
    "region_shares",
    "relative_intensity",
    "resolve",
    "review",
    "save_figure",
    "share_intervals",
    "similarities",
    "split_work",
    "strengths",
    "to_edges",
    "to_graph",
    "trend",
    "turnover",
    "unify",
    "unresolved",
    "within",
    "without",
    "write_edges",
    "write_graph",
    "write_store",
]
