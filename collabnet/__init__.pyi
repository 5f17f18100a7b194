"""The public API on one screen: what an editor reads, and what `__init__` finds a name by."""

import types

from .agreements import agreement_rates, agreement_status
from .card import partner_card
from .charts import plot_matrix, plot_network, plot_trend
from .comparison import compare_stores
from .components import unify
from .errors import (
    CollabnetError,
    FetchError,
    InputError,
    MissingExtraError,
    SchemaError,
    StoreError,
    UnknownNameError,
)
from .events import event_study
from .expectation import expected_links
from .explorer import explore
from .exports import export_table, note
from .fetch import fetch_openalex
from .gap_table import behind_gap, gaps
from .graphs import read_graph, to_edges, to_graph, write_graph
from .harvest import fetch_oai
from .indicators import collaboration, collaboration_types, output
from .institutions import gazetteer, resolve, review, unresolved
from .lifelines import plot_lifelines
from .links import behind, edges, write_edges
from .matching import match_affiliations
from .merging import merge_duplicates, split_work
from .network import centrality, communities
from .pairs import (
    backbone,
    field_profile,
    link_impact,
    link_shares,
    relative_intensity,
    similarities,
    strengths,
)
from .partnerships import around, compare_edges, flows, partners, within
from .plots import plot_compare, plot_map, plot_region, save_figure
from .quality import check_quality, forget
from .readers import read, read_all
from .records import Records, write_store
from .regions import list_regions, memberships, region
from .spread import brokers, diversity, group_shares, region_shares
from .standard import profile, share_intervals
from .stores import ingest
from .trends import decompose, growth, trend, turnover
from .uncertainty import bootstrap, partner_intervals
from .whatif import bus_factor, without

__version__: str
settings: types.ModuleType

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
