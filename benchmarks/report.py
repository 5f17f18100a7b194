"""Write docs/benchmarks.md, with its pictures, from the results in build/bench.

    python benchmarks/report.py

What has not been measured is left out and said. No number is written by hand.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from typing import Any

import charts
from common import BENCH, HERE, ROOT, say, size_of

PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images"
TEXT = tomllib.loads((HERE / "report.toml").read_text(encoding="utf-8"))


def main() -> None:
    """Write the page."""
    parts = {
        "ingest": ("From files to a store", ingestion),
        "edges": ("Edges", edges),
        "analysis": ("Analysis", analysis),
        "indicators": ("The whole set of indicators", indicators),
        "intervals": ("Stability intervals", intervals),
        "peers": ("Peers", peers),
        "atlas": ("The atlas", atlas),
        "hyperauthors": ("Hyper-authored works in real files", hyperauthors),
    }
    IMAGES.mkdir(parents=True, exist_ok=True)
    lines, missing, on = [TEXT["head"]], [], {}
    for part, (title, tell) in parts.items():
        path = BENCH / f"{part}.json"
        if not path.exists():
            missing.append(title)
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        on = on or found["machine"]
        lines += [f"## {title}", "", *tell(found), ""]
    if on:
        libraries = ", ".join(f"{name} {number}" for name, number in on["versions"].items())
        lines.insert(
            1,
            f"Taken on {on['date']}: {on['processor']}, {on['cores']} cores, {on['memory_gb']} GB; "
            f"Python {on['python']}, {libraries}; load {on['load']}."
            + (" **A quick run**: small sizes, few runs." if on["quick"] else "")
            + "\n",
        )
    if missing:
        lines.append(f"Not measured this time: {', '.join(missing)}.")
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    say(f"written: {PAGE.relative_to(ROOT)}")


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return a table in Markdown."""
    names = list(head)
    rule = "| " + " | ".join("---" for _ in names) + " |"
    body = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return ["| " + " | ".join(names) + " |", rule, *body]


def seconds(value: float) -> str:
    """Write seconds with three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def failed(figure: dict[str, Any]) -> str:
    """Return what went wrong with a run, in the words of a table."""
    return figure["failed"].replace("|", "/")


def write(name: str, **facts: object) -> str:
    """Return a text of `report.toml` with its facts."""
    return TEXT[name].strip().format(**facts).strip()


def ingestion(found: dict[str, Any]) -> list[str]:
    """Tell what ingestion costs above unpacking."""
    rows = []
    for row in found["rows"]:
        bare = row["isal, 1 process"]
        for name in ("collabnet", "isal, 1 process", "isal, 2 processes"):
            figure = row[name]
            if "failed" in figure:
                rows.append([size_of(row["works"]), name, failed(figure), "", "", "", ""])
                continue
            ratio = f"{figure['wall'] / bare['wall']:.1f} / {figure['cpu'] / bare['cpu']:.1f}"
            times = (seconds(figure["wall"]), seconds(figure["cpu"]))
            memory = f"{figure['peak_mb']:,.0f}"
            rows.append([size_of(row["works"]), name, *times, ratio, memory, figure["n"]])
    last = found["rows"][-1]
    facts = {"packed": last["packed"] / 1e6, "unpacked": (last["unpacked"] or 0) / 1e6}
    head = ["works", "what", "wall s", "CPU s", "wall / CPU times unpacking", "peak MB", "n"]
    return [
        write("ingest", works=size_of(last["works"]), files=last["files"], **facts),
        "",
        *table(head, rows),
    ]


def atlas(found: dict[str, Any]) -> list[str]:
    """Tell how large the atlas is, and how long it takes to open and to filter."""
    rows = []
    for row in found["rows"]:
        sizes = (f"{row['partners']:,}", f"{row['works']:,}", f"{row['mb']:.1f}")
        maps = [f"{row[name]:,.0f}" for name in ("first_map_ms", "bare_map_ms")]
        waits = [f"{row[name]:,.0f}" for name in ("table_ms", "map_ms")]
        packed = f"{row['gz_mb']:.1f}"
        rows.append(
            [*sizes, packed, seconds(row["write_cpu"]), *maps, f"{row['ratio']:.2f}", *waits]
        )
    head = ["partners", "works", "MB", "packed", "write, CPU s", "first map ms", "bare page ms"]
    built = found["built"]
    facts = {name: seconds(built[name]) for name in ("wall", "cpu")} | {"n": built["n"]}
    facts |= {"works": size_of(built["works"]), "partners": f"{built['partners']:,}"}
    facts |= {"peak": f"{built['peak_mb']:,.0f}", "mb": f"{built['mb']:.1f}"}
    lines = [write("atlas"), "", *table([*head, "times", "table ms", "map ms"], rows)]
    return [*lines, "", write("built", **facts)]


def edges(found: dict[str, Any]) -> list[str]:
    """Tell how far collabnet is from the floor, and how both grow."""
    rows = []
    for row in found["rows"]:
        times = [seconds(row[n][kind]) for n in ("collabnet", "floor") for kind in ("wall", "cpu")]
        ratio = f"**{row['ratio']['wall']:.1f} / {row['ratio']['cpu']:.1f}**"
        facts = [size_of(row["works"]), row["level"], f"{row['edges']:,}"]
        rows.append([*facts, *times, ratio, row["collabnet"]["n"]])
    head = ["works", "level", "edges", "wall s", "CPU s", "floor wall s", "floor CPU s"]
    slopes = [
        f"{level} {slope['collabnet']:.2f} (floor {slope['floor']:.2f})"
        for level, slope in found["growth"].items()
    ]
    capped = next((row["cap"] for row in found["rows"] if row["cap"]), None)
    lines = [
        write("edges", cap=capped),
        "",
        *table([*head, "wall / CPU times the floor", "n"], rows),
        "",
        f"Growth, as the exponent of works in CPU seconds (1 is linear): {'; '.join(slopes)}.",
    ]
    if charts.growth(found["rows"], IMAGES / "bench-growth.svg"):
        lines += ["", "![CPU seconds over works, both](images/bench-growth.svg)"]
    if charts.ratios(found["rows"], IMAGES / "bench-ratios.svg"):
        lines += ["", "![Times the CPU seconds of the floor](images/bench-ratios.svg)"]
    return lines + memory(found["memory"])


def memory(found: dict[str, Any] | None) -> list[str]:
    """Tell how the largest store fares under a limit on memory."""
    if not found:
        return []
    rows = [
        [name, failed(figure), "", ""]
        if "failed" in (figure := found[name])
        else [name, seconds(figure["wall"]), seconds(figure["cpu"]), f"{figure['peak_mb']:,.0f}"]
        for name in ("unlimited", "limited")
    ]
    rows[1][0] = f"`--memory {found['limit']}`"
    said = {True: "The two files are equal.", False: "**The two files differ.**", None: ""}
    same = said[found.get("equal")]
    text = write("memory", works=size_of(found["works"]), same=same)
    return ["", text, "", *table(["memory", "wall s", "CPU s", "peak MB"], rows)]


def analysis(found: dict[str, Any]) -> list[str]:
    """Tell what each step costs."""
    rows = [
        [name, failed(figure), "", ""]
        if "failed" in figure
        else [name, seconds(figure["wall"]), seconds(figure["cpu"]), figure["n"]]
        for name, figure in found["steps"].items()
    ]
    nx = found["networkx"]
    text = write(
        "networkx",
        louvain=seconds(nx["louvain_communities"]),
        theirs=nx["modularity of Louvain"],
        ours=nx["modularity of Leiden"],
        core=seconds(nx["core_number"]),
        pivots=seconds(nx["betweenness_centrality, 3 of the pivots"]),
    )
    facts = {"edges": found["edges"], "units": found["units"]}
    lines = [write("analysis", works=size_of(found["works"]), **facts), ""]
    return [*lines, *table(["step", "wall s", "CPU s", "n"], rows), "", text]


def indicators(found: dict[str, Any]) -> list[str]:
    """Tell how long the whole set takes."""
    rows = [
        (name, f"{step['rows']:,}", seconds(step["wall"]), seconds(step["cpu"]))
        for name, step in found["steps"].items()
    ]
    whole = {key: seconds(value) for key, value in found["whole"].items()}
    text = write("indicators", works=size_of(found["works"]), peak=found["peak_mb"], **whole)
    return [*text.splitlines(), "", *table(("step", "rows", "wall s", "CPU s"), rows)]


def intervals(found: dict[str, Any]) -> list[str]:
    """Tell how long intervals take, and a plain loop."""
    rows = [(k, seconds(v["wall"]), seconds(v["cpu"]), v["n"]) for k, v in found["steps"].items()]
    facts = {name: found[name] for name in ("works", "partners", "ties", "samples", "looped")}
    told = {"loop": seconds(found["loop cpu"]), "ratio": f"{found['ratio']:.0f}"}
    text = write("intervals", **{name: f"{n:,}" for name, n in facts.items()}, **told)
    return [*text.splitlines(), "", *table(("step", "wall s", "CPU s", "n"), rows)]


def peers(found: dict[str, Any]) -> list[str]:
    """Tell how collabnet and its peers fare, and where a peer wins."""
    files = [
        f"{size_of(int(works))} works are "
        + ", ".join(f"{size:,.1f} MB as {name}" for name, size in sizes.items())
        for works, sizes in found["megabytes"].items()
    ]
    lines = [write("peers", sizes="; ".join(files))]
    for row in found["rows"]:
        if row["works"] == min(r["works"] for r in found["rows"]) and len(found["megabytes"]) > 1:
            continue
        rows = []
        for name, figure in row["tools"].items():
            if "failed" in figure:
                rows.append([name, failed(figure), "", "", "", "", ""])
                continue
            answer = figure["answer"]
            inside = seconds(answer["seconds"])
            times = (seconds(figure["wall"]), inside, seconds(figure["cpu"]))
            rows.append(
                [name, *times, f"{figure['peak_mb']:,.0f}", f"{answer['links']:,}", figure["n"]]
            )
        head = ["tool", "wall s", "inside s", "CPU s", "peak MB", "links", "n"]
        lines += ["", f"**{size_of(row['works'])} works, {row['level']} network**", ""]
        lines += [*table(head, rows), "", winners(row["tools"])]
    lines += ["", *agreement(found["agreement"])]
    lines += [f"{name} could not be installed: {why}." for name, why in found["broken"].items()]
    return lines


def winners(tools: dict[str, Any]) -> str:
    """Say which peers are faster than collabnet, or need less memory, and why."""
    done = {name: figure for name, figure in tools.items() if "failed" not in figure}
    ours = [figure for name, figure in done.items() if name.startswith("collabnet,")]
    if not ours:
        return "collabnet did not finish."
    said = []
    for name, figure in done.items():
        better = [
            f"{what} {min(our[key] for our in ours) / figure[key]:.1f} times less"
            for key, what in (("wall", "time"), ("cpu", "CPU"), ("peak_mb", "memory"))
            if figure[key] < min(our[key] for our in ours)
        ]
        if better and name in TEXT["wins"]:
            said.append(f"**{name} wins** ({', '.join(better)}): {TEXT['wins'][name]}.")
    return " ".join(said) or "No peer is faster or needs less memory here."


def agreement(found: dict[str, Any]) -> list[str]:
    """Say how far the networks of the tools are the same."""
    rows = []
    for level, tools in found.items():
        for name, facts in tools.items():
            same = {True: "yes", False: "**no**", None: "no weights"}
            pairs, weights = (same.get(facts.get(k), "") for k in ("same pairs", "same weights"))
            if "same pairs" not in facts:
                pairs = weights = "not compared"
            weight = "" if facts["weight"] is None else f"{facts['weight']:,}"
            rows.append(
                [level, name, f"{facts['nodes']:,}", f"{facts['edges']:,}", weight, pairs, weights]
            )
    head = ["level", "tool", "units", "pairs", "joint works", "same pairs", "same weights"]
    return [write("agreement"), "", *table(head, rows)]


def hyperauthors(found: dict[str, Any]) -> list[str]:
    """Tell how many authors real works have, and what a cap leaves out."""
    lines = [write("hyperauthors")]
    shares = ("full", "fractional", "refined", "full_without_largest")
    head = ["cap", "works left out", "pairs left out", "share of pairs (full weight)"]
    head += ["of fractional weight", "of refined weight", "of pairs, but for the largest"]
    for name, source in found["sources"].items():
        total = source["total"]
        spread = [
            [unit, f"{sizes['mean']:.2f}", *list(sizes.values())[1:]]
            for unit, sizes in source["spread"].items()
        ]
        above = [
            [row["cap"], f"{row['works']:,}", f"{row['pairs']:,}"]
            + [f"{100 * row[share]:.2f} %" for share in shares]
            for row in source["above"]
        ]
        lines += [
            "",
            f"**{name}**: {total['works']:,} works, {total['joint']:,} of more than one author, "
            f"{total['pairs']:,} pairs; {source['truncated']:,} have a truncated author list.",
            "",
            *table(["a work", "mean", "median", "75 %", "90 %", "95 %", "99 %", "most"], spread),
            "",
            *table(head, above),
        ]
    return lines


if __name__ == "__main__":
    main()
