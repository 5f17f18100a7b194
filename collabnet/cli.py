"""The command `collabnet`: parse, call, print."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from collabnet import engine, settings
from collabnet.errors import CollabnetError, UnknownNameError
from collabnet.identifiers import institution_id
from collabnet.records import Records

EXAMPLES = {
    "fetch": "collabnet fetch openalex --institution 00afp2z80 --years 2015:2026 --out raw",
    "ingest": "collabnet ingest data ../exports/works.jsonl.gz --out build/store",
    "mapping": "collabnet mapping suggest agreements.xlsx --out agreements.toml",
    "resolve": "collabnet resolve build/store --overrides reviewed.xlsx --review open.xlsx",
    "edges": (
        "collabnet edges build/store --kind work --level country --count fractional "
        "--years 2019:2024 --out edges.csv"
    ),
    "partners": "collabnet partners build/store --home 00afp2z80 --kind project --out p.xlsx",
    "network": "collabnet network build/store --kind work --level country --out network.csv",
    "check": "collabnet check build/store --out quality.xlsx",
    "forget": "collabnet forget orcid:0000-0002-1825-0097 --store build/store",
    "split": "collabnet split pubmed:31452104 --store build/store",
    "regions": "collabnet regions grande-region",
    "map": "collabnet map build/store --kind agreement --region maghreb --out maghreb.html",
    "atlas": "collabnet atlas build/store --out build/atlas.html --lang fr",
}
SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after one sentence on what went wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name may not fit the code page of a terminal
    options = _parser().parse_args(arguments)
    try:
        if getattr(options, "memory", None):
            os.environ["COLLABNET_MEMORY"] = options.memory  # for processes started here, too
        if hasattr(options, "memory"):
            engine.connection()  # a wrong size is said before anything is read
        options.run(options)
        sys.stdout.flush()
    except CollabnetError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        _failed("stopped. Run the same command again to go on.")
        return 130
    except BrokenPipeError:
        # Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(f"{where}{error.strerror or error}. Check the path.")
    return 0


def _failed(sentence: str) -> int:
    print(f"collabnet: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="collabnet",
        description="International collaborations of a university: graphs, regions, maps, atlas.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_reading(commands)
    _add_store_commands(commands)
    _add_results(commands)
    return parser


def _add_reading(commands: argparse._SubParsersAction) -> None:
    fetch = _command(commands, "fetch", _fetch, "fetch live data into a folder, to be ingested")
    fetch.add_argument("source", choices=["openalex", "ror", "cordis"])
    fetch.add_argument("--out", default="raw", metavar="FOLDER", help="default: %(default)s")
    fetch.add_argument(
        "--institution",
        metavar="ROR,…",
        help=f"openalex: whose works, and those of what belongs to it (default: {settings.HOME})",
    )
    fetch.add_argument("--years", type=_years, metavar="2015:2026", help="openalex: default all")
    fetch.add_argument("--count", action="store_true", help="openalex: only say what it will cost")
    fetch.add_argument("--programme", help="cordis: h2020, horizon or fp7")

    ingest = _command(commands, "ingest", _ingest, "read sources into a store")
    ingest.add_argument("sources", nargs="+", metavar="SOURCE", help="file, folder or store")
    ingest.add_argument("--out", required=True, metavar="STORE", help="folder of the store")
    ingest.add_argument("--format", help="format of the sources, where it is not to be sniffed")
    ingest.add_argument("--mapping", metavar="FILE.toml", help="columns of an agreement list")
    ingest.add_argument("--with-names", action="store_true", help="store names of persons")
    ingest.add_argument(
        "--roll-up",
        nargs="?",
        const="component,associated",
        default="",
        metavar="KINDS",
        help="count faculties (component) and hospitals (associated) under their university; "
        "write --roll-up=component for one of the two",
    )
    ingest.add_argument(
        "--succession", action="store_true", help="count former institutions under their successor"
    )
    _add_memory(ingest)

    cut = ingest.add_argument_group("of an OpenAlex snapshot, keep only works")
    cut.add_argument("--institution", type=_several, default=(), metavar="ROR[,ROR]", help="of it")
    cut.add_argument("--country", type=_several, default=(), metavar="BE[,LU]", help="with it")
    cut.add_argument(
        "--region", type=_several, default=(), metavar="NAME", help="with a body there"
    )
    cut.add_argument("--years", type=_years, metavar="2015:2026", help="both years included")
    cut.add_argument("--sample", type=_share, default=1, metavar="0.01", help="drawn by their id")
    cut.add_argument("--with-xpac", action="store_true", help="also those the API hides")

    mapping = _command(commands, "mapping", _mapping, "propose what the columns of a list mean")
    mapping.add_argument("action", choices=["suggest"], help="propose a mapping for --mapping")
    mapping.add_argument("file", type=Path, metavar="FILE", help="an agreement list, CSV or XLSX")
    mapping.add_argument("--out", type=Path, metavar="FILE.toml", help="write it there")


def _add_store_commands(commands: argparse._SubParsersAction) -> None:
    resolve = _command(commands, "resolve", _resolve, "which institution is which: review, correct")
    _add_store(resolve)
    resolve.add_argument(
        "--overrides", metavar="FILE", help=".csv or .xlsx: written, ror (or none)"
    )
    resolve.add_argument("--review", metavar="FILE", help="table to correct: .csv or .xlsx")

    check = _command(commands, "check", _check, "what was read of each source, and how sure it is")
    _add_store(check)
    check.add_argument("--out", help=".csv, .xlsx, .parquet or .json")

    forget = _command(commands, "forget", _forget, "remove a person from a store")
    forget.add_argument("person", metavar="PERSON_ID", help="as in participants, or an ORCID iD")
    forget.add_argument("--store", required=True, metavar="STORE", help="the store to change")

    split = _command(commands, "split", _split, "undo the merge of a work with another source's")
    split.add_argument("work", metavar="ACTIVITY_ID", help="the record that was merged away")
    split.add_argument("--store", required=True, metavar="STORE", help="the store to change")


def _add_results(commands: argparse._SubParsersAction) -> None:
    edges = _command(commands, "edges", _edges, "links made by joint activities")
    _add_store(edges)
    _add_counting(edges)
    _add_level(edges)
    edges.add_argument(
        "--around", type=_id, metavar="ID", help="only the links of this node, seen from it"
    )
    edges.add_argument("--region", help="only links with an end in this region")
    _add_engine(edges)
    edges.add_argument("--out", help="a table (.csv, .xlsx, .parquet) or graph (.net, .gexf …)")

    partners = _command(commands, "partners", _partners, "with whom an institution works")
    _add_store(partners)
    _add_counting(partners, kind=None)
    _add_home(partners)
    partners.add_argument("--region", help="only partners in this region")
    _add_engine(partners)
    partners.add_argument("--out", help=".csv, .xlsx or .parquet; needs --kind")

    network = _command(commands, "network", _network, "communities and centralities of all links")
    _add_store(network)
    _add_counting(network)
    _add_level(network)
    network.add_argument("--seed", type=int, default=0, help="of what is drawn by chance")
    network.add_argument("--out", help=".csv, .xlsx or .parquet")

    regions = _command(commands, "regions", _regions, "the regions, or what makes one of them")
    regions.add_argument("name", nargs="?", help="name of a region")

    map_ = _command(commands, "map", _map, "a map of the links of an institution")
    _add_store(map_)
    _add_counting(map_)
    _add_home(map_)
    map_.add_argument("--region", help="map this region (default: the world)")
    map_.add_argument("--lang", choices=["en", "fr"], default=settings.LANGUAGE)
    map_.add_argument("--out", required=True, help=".html, .png or .svg")

    atlas = _command(commands, "atlas", _atlas, "one offline page: a map and a table per region")
    _add_store(atlas)
    _add_home(atlas)
    atlas.add_argument("--lang", choices=["en", "fr"], default=settings.LANGUAGE)
    atlas.add_argument("--title", help="title of the page")
    _add_memory(atlas)
    atlas.add_argument("--out", required=True, metavar="FILE.html")


def _command(
    commands: argparse._SubParsersAction,
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"example:\n  {EXAMPLES[name]}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", help="folder made by collabnet ingest")


def _add_counting(parser: argparse.ArgumentParser, kind: str | None = "work") -> None:
    default = "all there are" if kind is None else "%(default)s"
    parser.add_argument(
        "--kind", default=kind, help=f"work, agreement, project or mobility (default: {default})"
    )
    parser.add_argument("--years", type=_years, metavar="2019:2024", help="both years included")
    parser.add_argument(
        "--count", default="full", help="full, fractional or refined (default: %(default)s)"
    )


def _add_level(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--level",
        default="institution",
        help="institution, country, person or region (default: %(default)s)",
    )
    parser.add_argument("--cap", type=int, help="leave out activities of more parties than this")


def _add_home(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--home",
        type=_id,
        default=settings.HOME,
        metavar="ROR",
        help="home institution (default: %(default)s)",
    )


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", default="duckdb", help="duckdb or spark (default: %(default)s)")
    parser.add_argument("--master", metavar="URL", help="where Spark runs (default: local[*])")
    _add_memory(parser)


def _add_memory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--memory", metavar="4GB", help="what DuckDB may use before it spills")


def _id(text: str) -> str:
    return institution_id(text) or text


def _years(text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    if not (first.isdigit() and (last or first).isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a year or a span such as 2019:2024")
    return int(first), int(last or first)


def _fetch(options: argparse.Namespace) -> None:
    from collabnet.fetch import fetch_dump, fetch_openalex

    used = {"openalex": ("institution", "years", "count"), "cordis": ("programme",)}
    for name in ("institution", "years", "count", "programme"):
        if getattr(options, name) and name not in used.get(options.source, ()):
            raise CollabnetError(f"fetch {options.source} has no --{name}. Leave it out.")
    if options.source != "openalex":
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
    if options.source == "openalex":
        said = f"{facts['works']:,} works of {facts['stated']:,} stated"
        for name in ("retracted", "refetched", "still_cut", "merged", "duplicates"):
            number = facts[name] if isinstance(facts[name], int) else len(facts[name])
            said += f", {number:,} {name.replace('_', ' ')}"
        print(said)


def _open(options: argparse.Namespace) -> Records:
    """Open the store on the engine asked for."""
    from collabnet.readers import read

    if options.engine not in engine.ENGINES:
        raise UnknownNameError("engine", options.engine, engine.ENGINES)
    spark = options.engine == "spark"
    other = "memory" if spark else "master"
    if getattr(options, other):
        raise CollabnetError(f"--{other} is not for {options.engine}; see docs/how-to/cluster.md.")
    session = engine.spark_session(options.master or "local[*]") if spark else None
    return read(options.store, session=session)


def _several(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 0.01")
    return share


def _ingest(options: argparse.Namespace) -> None:
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


def _mapping(options: argparse.Namespace) -> None:
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


def _resolve(options: argparse.Namespace) -> None:
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


def _check(options: argparse.Namespace) -> None:
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


def _forget(options: argparse.Namespace) -> None:
    from collabnet.quality import forget
    from collabnet.readers import read
    from collabnet.records import write_store

    write_store(forget(read(options.store), options.person), options.store)
    print(f"{options.store}: {options.person} is in it no more. The sources still have the person.")


def _split(options: argparse.Namespace) -> None:
    from collabnet.merging import split_work
    from collabnet.readers import read
    from collabnet.records import write_store

    write_store(split_work(read(options.store), options.work), options.store)
    print(f"{options.store}: {options.work} is a work of its own again.")


def _edges(options: argparse.Namespace) -> None:
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


def _network(options: argparse.Namespace) -> None:
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


def _partners(options: argparse.Namespace) -> None:
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
            f"{facts['of_home']:,} {kind}s{lead}, {facts['partners']:,} partners in "
            f"{facts['countries']:,} countries"
        )
        if options.out:
            export_table(table, options.out)
        columns = ["partner", "name", "country", "weight", "first", "last"]
        _show(table[columns], "partners", options.out)


def _regions(options: argparse.Namespace) -> None:
    from collabnet.regions import list_regions, region

    if not options.name:
        print(_text(list_regions()[["region", f"label_{settings.LANGUAGE}", "rules"]]))
        return
    table = region(options.name)
    print(_text(table))
    print(f"  source: {table.attrs['source']}")


def _map(options: argparse.Namespace) -> None:
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


def _atlas(options: argparse.Namespace) -> None:
    from collabnet.atlas import write_atlas
    from collabnet.readers import read

    path = write_atlas(
        read(options.store),
        options.out,
        home=options.home,
        lang=options.lang,
        title=options.title,
    )
    print(f"written: {path}")


def _show(table: pd.DataFrame, what: str, out: str | None) -> None:
    """Print the head of a table, what stands behind it, and where it was written."""
    from collabnet.exports import note_lines

    if out:
        print(f"{len(table):,} {what}, written: {out}")
        return
    if table.empty:
        print(f"No {what}.")
    else:
        print(_text(table.head(SHOWN)))
        if len(table) > SHOWN:
            print(f"… and {len(table) - SHOWN:,} more; write them all with --out FILE.csv")
    for line in note_lines(table.attrs.get("note", {})):
        print(f"  {line}")


def _text(table: pd.DataFrame) -> str:
    return table.astype(object).where(table.notna(), "").to_string(index=False)
