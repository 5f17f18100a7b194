"""What each command of `collabnet` does: call, then print what came of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collabnet import settings
from collabnet.errors import CollabnetError, UnknownNameError
from collabnet.identifiers import institution_id

if TYPE_CHECKING:
    import pandas as pd

    from collabnet.records import Records

SHOWN = 20


def fetch(options: argparse.Namespace) -> None:
    from collabnet.fetch import fetch_dump, fetch_openalex
    from collabnet.harvest import fetch_oai

    part = ("set", "from", "until")
    used = {"openalex": ("institution", "years", "count"), "cordis": ("programme",), "ror": ()}
    used |= {"orbi": part, "oai": ("url", *part)}
    for name in sorted(set().union(*used.values())):
        if getattr(options, name) and name not in used[options.source]:
            raise CollabnetError(f"fetch {options.source} has no --{name}. Leave it out.")
    if options.source == "oai" and not options.url:
        raise CollabnetError("fetch oai needs --url, the base address of the repository.")
    if options.source in {"orbi", "oai"}:
        subset, since, until = (getattr(options, name) for name in part)
        facts = fetch_oai(options.url, options.out, subset=subset, since=since, until=until)
    elif options.source != "openalex":
        of = f"-{options.programme or ''}" if options.source == "cordis" else ""
        facts = fetch_dump(options.source + of, options.out)
    else:
        body = options.institution or settings.HOME
        facts = fetch_openalex(body, options.out, years=options.years, count_only=options.count)
    if options.count:
        left = "" if facts["left_usd"] is None else f", {facts['left_usd']:g} USD left today"
        cost = f"{facts['usd']:g} USD ({facts['price']}){left}"
        print(f"{facts['works']:,} works in {facts['calls']:,} calls: {cost}.")
        return
    for name, file in facts["files"].items():
        news = (
            f"there since {facts['fetched_at']}, left as it is" if facts["already"] else "fetched"
        )
        print(f"{options.out}/{name}: {news}, {file['bytes']:,} bytes, sha256 {file['sha256']}")
    if (what := next((name for name in ("works", "records") if name in facts), None)) is None:
        return
    stated = "an unknown number" if facts["stated"] is None else f"{facts['stated']:,}"
    said = f"{facts[what]:,} {what} of {stated} stated"
    more = ("retracted", "refetched", "still_cut", "merged", "withdrawn", "duplicates", "repaired")
    for name in filter(facts.__contains__, more):
        number = facts[name] if isinstance(facts[name], int) else len(facts[name])
        said += f", {number:,} {name.replace('_', ' ')}"
    print(said)
    for one in facts.get("restarts", ()):
        first = f"from {one['from']} on" if one["from"] else "from the beginning"
        print(f"begun again {first}, after page {one['after_page']:,}: {one['why']}")


def check_memory() -> None:
    from collabnet import engine

    engine.connection()


def _open(options: argparse.Namespace) -> Records:
    """Open the store on the engine asked for."""
    from collabnet import engine
    from collabnet.readers import read

    if options.engine not in engine.ENGINES:
        raise UnknownNameError("engine", options.engine, engine.ENGINES)
    spark = options.engine == "spark"
    other = "memory" if spark else "master"
    if getattr(options, other):
        raise CollabnetError(f"--{other} is not for {options.engine}; see docs/how-to/cluster.md.")
    session = engine.spark_session(options.master or "local[*]") if spark else None
    return read(options.store, session=session)


def ingest(options: argparse.Namespace) -> None:
    from collabnet.institutions import unresolved
    from collabnet.stores import ingest

    records = ingest(
        options.sources,
        options.out,
        format=options.format,
        mapping=options.mapping,
        with_names=options.with_names,
        roll_up=tuple(kind for kind in options.roll_up.split(",") if kind),
        succession=options.succession,
        institutions=options.institution,
        countries=options.country,
        regions=options.region,
        years=options.years,
        sample=options.sample,
        with_xpac=options.with_xpac,
    )
    facts = records.provenance
    for source in facts["sources"]:
        kind, more = source["format"], ""
        if "parts" in source:
            kind += f" ({source['format_version']}), {source['parts']:,} parts"
            more = (
                f"{source['xpac']:,} xpac left out, {source['outside']:,} outside the slice, "
                f"{source['merged']:,} superseded, "
            )
        print(
            f"{source['file']}: {kind}, {source['read']:,} read, {source['kept']:,} kept, "
            f"{more}{source['quarantined']:,} in quarantine" + _coverage(source)
        )
    for name in facts.get("unrecognised", []):
        print(f"{name}: not a source collabnet knows; left alone")
    print(f"{options.out}: {repr(records)[10:-1]}")
    if facts["merged"]:
        print(f"{facts['merged']:,} older versions of the same activity were merged away.")
    found = facts["resolution"]
    print(f"{found['with_ror']:,} of {found['institutions']:,} institutions have a ROR id.")
    # Of a snapshot, all participants would have to come to memory for these three names.
    whole = not any("parts" in source for source in facts["sources"])
    if whole and len(rest := unresolved(records)):
        names = "; ".join(rest["name"].fillna(rest["institution_id"]).head(3))
        print(f"Without one, the most frequent: {names}.")
    if len(records.quarantine):
        first = records.quarantine.iloc[0]
        print(f"In quarantine, the first: {first['file']}, {first['record']}: {first['reason']}.")


def _coverage(source: dict[str, Any]) -> str:
    stated, tied = source.get("with_affiliation"), source.get("link_known")
    if stated == 0:
        return "; no affiliations in it: it links persons, but no institutions or countries"
    return f"; {stated:.1%} with affiliations, {tied:.1%} tied to authors" if stated else ""


def mapping(options: argparse.Namespace) -> None:
    from collabnet.exports import replacing
    from collabnet.readers.mapping import suggest_mapping

    proposed = suggest_mapping(options.file)
    if not options.out:
        print(proposed, end="")
        return
    with replacing(options.out) as fresh:
        fresh.write_text(proposed, encoding="utf-8")
    print(
        f"written: {options.out}; read it through, then: collabnet ingest … --mapping {options.out}"
    )


def resolve(options: argparse.Namespace) -> None:
    from collabnet.exports import export_table
    from collabnet.institutions import review
    from collabnet.stores import read_store, resolve_store

    store = options.store
    records = resolve_store(store, options.overrides) if options.overrides else read_store(store)
    found = records.provenance["resolution"]
    print(f"{found['with_ror']:,} of {found['institutions']:,} institutions have a ROR id.")
    table = review(records)
    if options.review:
        export_table(table, options.review)
    _show(table[["written", "country", "rows", "candidates"]], "to review", options.review)


def check(options: argparse.Namespace) -> None:
    from collabnet.exports import export_table, replacing
    from collabnet.quality import check_quality
    from collabnet.readers import read

    table = check_quality(read(options.store))
    if options.out and options.out.endswith(".json"):
        with replacing(Path(options.out)) as fresh:
            table.to_json(fresh, orient="records", indent=1, force_ascii=False)
    elif options.out:
        export_table(table, options.out)
    _show(table.set_index("source").T.reset_index(names="source"), "rows", options.out)


def forget(options: argparse.Namespace) -> None:
    from collabnet.quality import forget
    from collabnet.readers import read
    from collabnet.records import write_store

    write_store(forget(read(options.store), options.person), options.store)
    print(f"{options.store}: {options.person} is in it no more. The sources still have the person.")


def split(options: argparse.Namespace) -> None:
    from collabnet.merging import split_work
    from collabnet.readers import read
    from collabnet.records import write_store

    write_store(split_work(read(options.store), options.work), options.store)
    print(f"{options.store}: {options.work} is a work of its own again.")


def edges(options: argparse.Namespace) -> None:
    from collabnet import links, partnerships
    from collabnet.exports import export_table
    from collabnet.graphs import GRAPH_SUFFIXES, write_graph

    records = _open(options)
    if str(options.out).endswith(".parquet") and not (options.around or options.region):
        found = links.write_edges(records, options.out, **_asked(options))
        print(f"{len(found):,} links, written: {options.out}")
        return
    table = links.edges(records, **_asked(options))
    if options.around:
        bodies = records.institutions["institution_id"]
        if options.level == "institution" and options.around not in set(bodies):
            raise UnknownNameError("institution", options.around, bodies)
        table = partnerships.around(table, options.around)
    if options.region:
        table = partnerships.within(table, options.region, records.institutions)
    if str(options.out).lower().endswith(tuple(GRAPH_SUFFIXES)):
        pairs = table.rename(columns={"home": "source", "partner": "target"})
        write_graph(pairs, options.out, institutions=records.institutions)
    elif options.out:
        export_table(table, options.out)
    _show(table, "links", options.out)


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    names = ("kind", "level", "years", "count")
    cap = "default" if options.cap is None else options.cap
    return {name: getattr(options, name) for name in names} | {"cap": cap}


def network(options: argparse.Namespace) -> None:
    from collabnet import links, network
    from collabnet.exports import export_table
    from collabnet.readers import read

    edges = links.edges(read(options.store), **_asked(options))
    groups = network.communities(edges, seed=options.seed)
    table = network.centrality(edges, seed=options.seed).merge(groups, on="unit")
    table.attrs["note"] = groups.attrs["note"] | {"what": "network"}
    if options.out:
        export_table(table, options.out)
    _show(table, "units", options.out)


def partners(options: argparse.Namespace) -> None:
    from collabnet import partnerships
    from collabnet.exports import export_table
    from collabnet.schema import KINDS

    if options.out and not options.kind:
        raise CollabnetError("--out needs --kind: a file holds the partners of one kind.")
    records = _open(options)
    present = records.counts()
    kinds = [options.kind] if options.kind else [k for k in KINDS[:-1] if k in present]
    for kind in kinds:
        table = partnerships.partners(
            records, options.home, kind=kind, years=options.years, count=options.count
        )
        facts = table.attrs["note"]
        if options.region:
            table = partnerships.within(table, options.region, records.institutions)
        lead = f" ({facts['coordinated']:,} as coordinator)" if facts["coordinated"] else ""
        print(
            f"{facts['of_home']:,} {_plural(kind)}{lead}, {facts['partners']:,} partners in "
            f"{facts['countries']:,} countries"
        )
        if options.out:
            export_table(table, options.out)
        columns = ["partner", "name", "country", "weight", "first", "last"]
        _show(table[columns], "partners", options.out)


def gaps(options: argparse.Namespace) -> None:
    from collabnet.exports import export_table
    from collabnet.gap_table import gaps

    table = gaps(_open(options), options.home, options.years, by=options.by, as_of=options.as_of)
    if options.out:
        export_table(table, options.out)
    who = "name" if options.by == "partner" else options.by
    _show(table[[who, "works", "agreements_in_force", "why"]], "rows", options.out)


def profile(options: argparse.Namespace) -> None:
    from collabnet.exports import export_table
    from collabnet.readers import read
    from collabnet.standard import profile

    table = profile(read(options.store), options.home, years=options.years, region=options.region)
    if options.out:
        export_table(table, options.out)
    shown = table[["indicator", "region", "value", "low", "high", "unit", "n", "population"]]
    said = shown[["value", "low", "high"]].map(
        lambda x: f"{x:,.3f}".rstrip("0").rstrip("."), na_action="ignore"
    )
    _show(shown.assign(**said), "indicators", options.out, most=len(table))


def compare(options: argparse.Namespace) -> None:
    from collabnet.comparison import CAUSES, compare_stores
    from collabnet.exports import export_book

    asked = {name: getattr(options, name) for name in ("kind", "years", "count")}
    home = options.home if options.home != settings.HOME else None  # it may be in neither
    changes, links = compare_stores(options.store, options.other, home, **asked)
    if options.out:
        export_book({"changes": changes, "partners": links}, Path(options.out))
    for side, store in zip("ab", (options.store, options.other), strict=True):
        n = changes.attrs["note"][side]["population"]["activities"]
        print(f"{side}: {store}, {n:,} {_plural(options.kind)}")
    each = changes.groupby("change", sort=False)["of_home"].agg(n="size", of_home="sum")
    print(_text(each.reset_index()) if len(each) else f"No {options.kind} changed.")
    if len(rules := changes.loc[changes["activity_id"].isna(), ["what", "was", "now"]]):
        print(_text(rules.rename(columns={"what": "rule"})))
    moved = links[links["change"] != 0]
    why = [cause for cause in CAUSES if moved[cause].any()]
    columns = ["partner", "name", "weight_a", "weight_b", "change", *why, "rank_a", "rank_b"]
    _show(moved[columns], "links changed", None)
    print(f"written: {options.out}" if options.out else "all of it: --out FILE.xlsx")


def regions(options: argparse.Namespace) -> None:
    from collabnet.regions import list_regions, region

    if not options.name:
        print(_text(list_regions()[["region", f"label_{settings.LANGUAGE}", "rules"]]))
        return
    table = region(options.name)
    print(_text(table))
    print(f"  source: {table.attrs['source']}")


def map_(options: argparse.Namespace) -> None:
    from collabnet import links, plots
    from collabnet.readers import read

    records = read(options.store)
    table = links.edges(records, options.kind, years=options.years, count=options.count)
    figure = plots.plot_map(
        table,
        records.institutions,
        home=options.home,
        region=options.region,
        lang=options.lang,
    )
    print(f"written: {plots.save_figure(figure, options.out)}")


def atlas(options: argparse.Namespace) -> None:
    from collabnet.atlas import write_atlas
    from collabnet.readers import read

    path = write_atlas(
        read(options.store),
        options.out,
        home=options.home,
        lang=options.lang,
        title=options.title,
        regions=options.regions,
        years=options.years,
        as_of=options.as_of,
    )
    print(f"written: {path}")


def report(options: argparse.Namespace) -> None:
    asked = {name: getattr(options, name) for name in ("home", "years", "lang")}
    if options.notebook:
        from collabnet.stories import write_story

        if options.as_of:
            raise CollabnetError("--as-of is for --region: a notebook has its own day.")
        written = write_story(options.store, options.notebook, options.out, **asked)
    else:
        from collabnet.readers import read
        from collabnet.report import write_report

        asked |= {name: getattr(options, name) for name in ("region", "as_of")}
        written = write_report(read(options.store), options.out, **asked)
    print(f"written: {written}")


def init(options: argparse.Namespace) -> None:
    from collabnet.project import write_project

    home = options.home
    if not home and sys.stdin.isatty():
        home = input("ROR id of your institution (see ror.org): ").strip()
    if not home:
        raise CollabnetError("Whose project? Give --home with the ROR id of your institution.")
    folder = write_project(
        options.folder,
        institution_id(home) or home,
        registry=options.registry,
        lang=options.lang,
    )
    print((folder / "README.md").read_text(encoding="utf-8").split("\n\n")[2])
    print(f"written: {folder}; read README.md there, then: cd {folder} && make atlas")


def doctor(_: argparse.Namespace) -> None:
    from collabnet.project import examine

    for row in examine().to_dict("records"):
        advice = "" if row["fine"] else f"; {row['advice']}"
        sign = "ok" if row["fine"] else "--"
        print(f"{sign}  {row['what']}: {row['found'] or 'not found'}{advice}")


def _plural(kind: str) -> str:
    return "mobility flows" if kind == "mobility" else f"{kind}s"


def _show(table: pd.DataFrame, what: str, out: str | None, most: int = SHOWN) -> None:
    """Print the head of a table, what stands behind it, and where it was written."""
    from collabnet.exports import note_lines

    if out:
        print(f"{len(table):,} {what}, written: {out}")
        return
    if table.empty:
        print(f"No {what}.")
    else:
        print(_text(table.head(most)))
        if len(table) > most:
            print(f"… and {len(table) - most:,} more; write them all with --out FILE.csv")
    for line in note_lines(table.attrs.get("note", {})):
        print(f"  {line}")


def _text(table: pd.DataFrame) -> str:
    return table.astype(object).where(table.notna(), "").to_string(index=False)
