"""The command `collabnet`: parse, call, print."""

from __future__ import annotations

import argparse
import atexit
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from collabnet import commands as run
from collabnet import settings
from collabnet.errors import CollabnetError
from collabnet.identifiers import institution_id
from collabnet.pool import readers

EXAMPLES = {
    "init": "collabnet init my-university --home 04xfq0f34",
    "doctor": "collabnet doctor",
    "fetch": "collabnet fetch openalex --institution 00afp2z80 --years 2015:2026 --out raw",
    "ingest": "collabnet ingest data ../exports/works.jsonl.gz --out build/store",
    "mapping": "collabnet mapping suggest agreements.xlsx --out agreements.toml",
    "resolve": "collabnet resolve build/store --overrides reviewed.xlsx --review open.xlsx",
    "edges": (
        "collabnet edges build/store --kind work --level country --count fractional "
        "--years 2019:2024 --out edges.csv"
    ),
    "partners": "collabnet partners build/store --home 00afp2z80 --kind project --out p.xlsx",
    "gaps": "collabnet gaps build/store --years 2019:2024 --out gaps.xlsx",
    "network": "collabnet network build/store --kind work --level country --out network.csv",
    "profile": "collabnet profile build/store --years 2019:2024 --region maghreb --out p.xlsx",
    "check": "collabnet check build/store --out quality.xlsx",
    "forget": "collabnet forget orcid:0000-0002-1825-0097 --store build/store",
    "split": "collabnet split pubmed:31452104 --store build/store",
    "compare": "collabnet compare build/2025 build/2026 --home 00afp2z80 --out changes.xlsx",
    "regions": "collabnet regions grande-region",
    "map": "collabnet map build/store --kind agreement --region maghreb --out maghreb.html",
    "atlas": "collabnet atlas build/store --out build/atlas.html --lang fr",
    "report": "collabnet report build/store --region grande-region --out brief.html",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after one sentence on what went wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name may not fit the code page of a terminal
    try:
        options = _parser().parse_args(arguments)
        if getattr(options, "memory", None):
            os.environ["COLLABNET_MEMORY"] = options.memory  # for processes started here, too
        with readers(getattr(options, "sources", ())):  # they start while this process loads more
            if hasattr(options, "memory"):
                run.check_memory()  # a wrong size is said before anything is read
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


def run_and_leave() -> None:
    """Run the command, and end the process at once.

    To take what was read apart bit by bit, as Python does on leaving, takes as long as reading a
    part of a snapshot.
    """
    code = main()
    atexit._run_exitfuncs()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    os._exit(code)


def _failed(sentence: str) -> int:
    print(f"collabnet: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="collabnet",
        description="International collaborations of a university: graphs, regions, maps, atlas.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_beginnings(commands)
    _add_reading(commands)
    _add_store_commands(commands)
    _add_results(commands)
    _add_answers(commands)
    _add_pictures(commands)
    return parser


def _add_beginnings(commands: argparse._SubParsersAction) -> None:
    init = _command(commands, "init", run.init, "begin a project around your institution")
    init.add_argument("folder", help="new folder, such as my-university")
    init.add_argument("--home", metavar="ROR", help="your institution; asked for where not given")
    init.add_argument("--registry", metavar="FILE", help="ROR dump, for one that is not shipped")
    init.add_argument("--lang", choices=["en", "fr"], default=settings.LANGUAGE)
    _command(commands, "doctor", run.doctor, "what this installation has and lacks")


def _add_reading(commands: argparse._SubParsersAction) -> None:
    fetch = _command(commands, "fetch", run.fetch, "fetch live data into a folder, to be ingested")
    fetch.add_argument("source", choices=["openalex", "ror", "cordis", "orbi", "oai"])
    fetch.add_argument("--out", default="raw", metavar="FOLDER", help="default: %(default)s")
    fetch.add_argument(
        "--institution",
        metavar="ROR,…",
        help=f"openalex: whose works, and those of what belongs to it (default: {settings.HOME})",
    )
    fetch.add_argument("--years", type=_years, metavar="2015:2026", help="openalex: default all")
    fetch.add_argument("--count", action="store_true", help="openalex: only say what it will cost")
    fetch.add_argument("--programme", help="cordis: h2020, horizon or fp7")
    fetch.add_argument("--url", help="oai: base address of a repository, such as a DSpace")
    fetch.add_argument("--set", help="orbi, oai: only this set of the repository")
    for name, which in (("from", "first"), ("until", "last")):
        text = f"orbi, oai: {which} day on which a record was made or changed"
        fetch.add_argument(f"--{name}", metavar="2024-01-01", help=text)

    ingest = _command(commands, "ingest", run.ingest, "read sources into a store")
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

    mapping = _command(commands, "mapping", run.mapping, "propose what the columns of a list mean")
    mapping.add_argument("action", choices=["suggest"], help="propose a mapping for --mapping")
    mapping.add_argument("file", type=Path, metavar="FILE", help="an agreement list, CSV or XLSX")
    mapping.add_argument("--out", type=Path, metavar="FILE.toml", help="write it there")


def _add_store_commands(commands: argparse._SubParsersAction) -> None:
    resolve = _command(
        commands, "resolve", run.resolve, "which institution is which: review, correct"
    )
    _add_store(resolve)
    resolve.add_argument(
        "--overrides", metavar="FILE", help=".csv or .xlsx: written, ror (or none)"
    )
    resolve.add_argument("--review", metavar="FILE", help="table to correct: .csv or .xlsx")

    check = _command(
        commands, "check", run.check, "what was read of each source, and how sure it is"
    )
    _add_store(check)
    check.add_argument("--out", help=".csv, .xlsx, .parquet or .json")

    forget = _command(commands, "forget", run.forget, "remove a person from a store")
    forget.add_argument("person", metavar="PERSON_ID", help="as in participants, or an ORCID iD")
    forget.add_argument("--store", required=True, metavar="STORE", help="the store to change")

    split = _command(commands, "split", run.split, "undo the merge of a work with another source's")
    split.add_argument("work", metavar="ACTIVITY_ID", help="the record that was merged away")
    split.add_argument("--store", required=True, metavar="STORE", help="the store to change")


def _add_results(commands: argparse._SubParsersAction) -> None:
    edges = _command(commands, "edges", run.edges, "links made by joint activities")
    _add_store(edges)
    _add_counting(edges)
    _add_level(edges)
    edges.add_argument(
        "--around", type=_id, metavar="ID", help="only the links of this node, seen from it"
    )
    edges.add_argument("--region", help="only links with an end in this region")
    _add_engine(edges)
    edges.add_argument("--out", help="a table (.csv, .xlsx, .parquet) or graph (.net, .gexf …)")

    partners = _command(commands, "partners", run.partners, "with whom an institution works")
    _add_store(partners)
    _add_counting(partners, kind=None)
    _add_home(partners)
    partners.add_argument("--region", help="only partners in this region")
    _add_engine(partners)
    partners.add_argument("--out", help=".csv, .xlsx or .parquet; needs --kind")

    network = _command(
        commands, "network", run.network, "communities and centralities of all links"
    )
    _add_store(network)
    _add_counting(network)
    _add_level(network)
    network.add_argument("--seed", type=int, default=0, help="of what is drawn by chance")
    network.add_argument("--out", help=".csv, .xlsx or .parquet")


def _add_answers(commands: argparse._SubParsersAction) -> None:
    gaps = _command(commands, "gaps", run.gaps, "agreements against what is done together")
    _add_store(gaps)
    _add_home(gaps)
    gaps.add_argument("--years", type=_years, metavar="2019:2024", help="both years included")
    gaps.add_argument("--by", default="partner", help="partner, country, region, field or unit")
    gaps.add_argument("--as-of", metavar="DATE", help="day to look at agreements")
    _add_engine(gaps)
    gaps.add_argument("--out", help=".csv, .xlsx or .parquet")

    profile = _command(commands, "profile", run.profile, "the indicators of an institution")
    _add_store(profile)
    profile.add_argument("--years", type=_years, metavar="2019:2024", help="both years included")
    _add_home(profile)
    profile.add_argument("--region", help="only this one (default: those of the settings)")
    _add_memory(profile)
    profile.add_argument("--out", help=".csv, .xlsx or .parquet")

    compare = _command(commands, "compare", run.compare, "what changed between two stores, and why")
    _add_store(compare)
    compare.add_argument("other", metavar="NEWER", help="the store to hold beside it")
    _add_counting(compare)
    _add_home(compare)
    _add_memory(compare)
    compare.add_argument("--out", metavar="FILE.xlsx", help="all changes and all links, two sheets")


def _add_pictures(commands: argparse._SubParsersAction) -> None:
    regions = _command(commands, "regions", run.regions, "the regions, or what makes one of them")
    regions.add_argument("name", nargs="?", help="name of a region")

    map_ = _command(commands, "map", run.map_, "a map of the links of an institution")
    _add_store(map_)
    _add_counting(map_)
    _add_home(map_)
    map_.add_argument("--region", help="map this region (default: the world)")
    map_.add_argument("--lang", choices=["en", "fr"], default=settings.LANGUAGE)
    map_.add_argument("--out", required=True, help=".html, .png or .svg")

    atlas = _command(commands, "atlas", run.atlas, "one offline page: a map and a table per region")
    _add_store(atlas)
    _add_home(atlas)
    atlas.add_argument("--lang", choices=["en", "fr"], default=settings.LANGUAGE)
    atlas.add_argument("--title", help="title of the page")
    atlas.add_argument(
        "--regions", type=_several, default=(), metavar="NAME,…", help="regions shown besides"
    )
    atlas.add_argument(
        "--years", type=_years, metavar="2019:2024", help="of classes, figures and changes"
    )
    atlas.add_argument("--as-of", metavar="DATE", help="day to look at agreements")
    _add_memory(atlas)
    atlas.add_argument("--out", required=True, metavar="FILE.html")

    report = _command(commands, "report", run.report, "a region on one page, or a notebook as one")
    _add_store(report)
    what = report.add_mutually_exclusive_group(required=True)
    what.add_argument("--region", help="a brief of it on one A4 page")
    what.add_argument("--notebook", metavar="NAME", help="a file, or the number of one: 03")
    _add_home(report)
    report.add_argument("--lang", choices=["en", "fr"], help="of a brief; of tables and figures")
    report.add_argument("--years", type=_years, metavar="2019:2024", help="both years included")
    report.add_argument("--as-of", metavar="DATE", help="day a brief looks at agreements")
    _add_memory(report)
    report.add_argument("--out", required=True, metavar="FILE.html")


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
