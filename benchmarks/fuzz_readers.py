"""Mutate files of every format there is: no traceback, no hang, no more than 1 GB.

    nice python benchmarks/fuzz_readers.py --seconds 600 [--real ../shared/real] [--seed 1]
    nice python benchmarks/fuzz_readers.py --hostile [--real ../shared/real]

Each group of seeds gets its share of the time in a process of its own, whose memory is limited; a
read of more than ten seconds of computing is a hang. Where atheris can be imported (`pip install
atheris`), it guides the mutations by what they make the readers do; else they are drawn by chance
alone. Zips and workbooks are mutated inside, and packed again. Half of the files are read by the
format of their seed, whatever they have become. With `--hostile` each format is given the files no
export is like: bombs, endless lines and columns. What is found is written to a folder, with its
traceback.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from collections import Counter
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
MEMORY = 1 << 30
HANG = 10
LARGEST_SEED = 60_000
GRAPHS = ("net", "graphml", "gexf", "vosviewer", "map")
TOKENS = [
    *(b"\0", b'"', b"'", b"{", b"}", b"[", b"]", b"(", b")", b"<", b">", b"&", b"|", b";", b","),
    *(b"\t", b"\n", b"\r", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x85", b"\xe9"),
    *(b"\xed\xa0\x80", b"\nER\n", b"\nPT J\n", b"\nTY  - JOUR\n", b"\nPMID- 1\n"),
    *(b"\n@article{a,", b"\n@comment{", b"null", b"{}", b"[]", b"1e999", b"-1", b"9" * 400),
    *(b"NaN", b'"\\ud800"', b"=" * 9, b"\\" * 9, b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;"),
    *(b"&#0;", b"<![CDATA[", b"]]>", b"<!--", b"xmlns:a='b'", b"2024-13-99", b"0000-00-00"),
    *(b"\n*Arcs\n1 2 3\n", b"\n*Matrix\n", b"*Vertices 99999999", b"true", b"[null]", b"{}}"),
    *(b"A" * 70_000, b"a;" * 20_000, b"(" * 20_000, b"[" * 20_000, b"{" * 20_000, b"\n" * 20_000),
    *(b"<a>" * 20_000, b"," * 20_000, b"\t" * 20_000, b" " * 50_000, b"a@" * 9_000, b"1-" * 9_000),
]


def mutated(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return `data` with a few changes at random places."""
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        here = chance.randrange(len(data) + 1)
        there = min(len(data), here + int(chance.expovariate(1 / 200)))
        piece = data[here:there]
        change = chance.randrange(10)
        if change == 0:
            data = data[:here] + bytes(chance.randbytes(chance.randrange(1, 9))) + data[there:]
        elif change in {1, 2, 3}:
            data = data[:here] + chance.choice(TOKENS) + data[chance.choice((here, there)) :]
        elif change == 4:
            data = data[:here] + data[there:]
        elif change == 5:
            data = data[:here] + piece * chance.choice((2, 3, 200)) + data[there:]
        elif change == 6:
            data = data[:here]
        elif change == 7:
            lines = data.split(b"\n")
            chance.shuffle(lines)
            data = b"\n".join(lines)
        elif change == 8:  # another value in the place of one: a name, a number, a text
            words = data[here:there].split()
            word = chance.choice(words) if words else b""
            data = data[:here] + data[here:].replace(word, chance.choice(TOKENS), 1)
        else:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            data = data[:here] + other[start : start + chance.randrange(2_000)] + data[there:]
    if chance.random() < 0.05:
        code = chance.choice(("utf-16", "utf-16-be", "utf-7", "cp1252"))
        data = data.decode("utf-8", "replace").encode(code, "replace")
    return data


def inside(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return `data` mutated; a zip (a workbook is one) is so in one of its members."""
    if data[:4] != b"PK\x03\x04" or chance.random() < 0.1:
        return mutated(data, others, chance)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, zlib.error):
        return mutated(data, others, chance)
    sheets = [name for name in parts if "worksheets/" in name or "sharedStrings" in name]
    name = chance.choice(sheets if sheets and chance.random() < 0.7 else list(parts) or ["a.csv"])
    parts[name] = mutated(parts.get(name, b""), others, chance)
    if chance.random() < 0.05:
        parts[f"../{name}"] = parts.pop(name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def zipped(**members: bytes) -> bytes:
    """Return a zip of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def workbook(text: str, folder: Path) -> bytes:
    """Return a delimited table as a workbook."""
    import openpyxl

    book = openpyxl.Workbook()
    for line in text.splitlines():
        book.active.append(line.split(","))
    book.save(folder / "seed.xlsx")
    return (folder / "seed.xlsx").read_bytes()


def graphs(folder: Path) -> dict[str, bytes]:
    """Return one small network in every format of graphs that is written."""
    import networkx as nx

    import collabnet as cn

    graph = nx.Graph(note={})
    graph.add_edge("a", "b", weight=2)
    graph.add_edge("b", "Université c", weight=0.5)
    found = {}
    for suffix in ("net", "graphml", "gexf"):
        found[f"{suffix} own"] = cn.write_graph(graph, folder / f"seed.{suffix}").read_bytes()
    found["vosviewer own"] = cn.write_graph(graph, folder / "seed.json").read_bytes()
    found["net arcs"] = (
        b'*Vertices 3\n1 "A b" 0.1 0.2\n2 B\n3\n*Arcs\n1 2 3\n2 1 3\n*Edges\n1 3 2\n'
    )
    found["net matrix"] = b"*Vertices 2\n1 A\n2 B\n*Matrix\n0 1\n1 0\n"
    found["net lists"] = b"*Vertices 3\n*Arcslist\n1 2 3\n*Edgeslist\n2 3\n"
    found["map pair"] = b"id\tlabel\tx\ty\n1\tA\t0\t0\n2\tB\t1\t1\n"
    return found


def seeds(real: Path | None, folder: Path) -> dict[str, bytes]:
    """Return the synthetic files of every format, and the beginnings of the real ones."""
    import exports
    import files

    from collabnet.readers import FORMATS
    from collabnet.readers.source import Source

    texts = {f"{form} {name}": text for name, (form, text) in exports.EVERY.items()}
    texts["openalex lines"] = files.LINES
    template = (ROOT / "collabnet" / "data" / "agreement_template.csv").read_text()
    texts["agreements template"] = template
    found = {key: text.encode() for key, text in texts.items()}
    found["agreements workbook"] = workbook(template, folder)
    name = {"value": "Liège", "types": ["ror_display"], "lang": "fr"}
    ror = {"id": "https://ror.org/00afp2z80", "names": [name], "status": "active", "types": []}
    place = {"geonames_details": {"country_code": "BE", "name": "Liège", "lat": 50.6, "lng": 5.6}}
    ror |= {"locations": [place], "relationships": [], "links": [], "external_ids": []}
    found["ror list"] = json.dumps([ror, ror | {"id": "https://ror.org/02jz4aj89"}]).encode()
    found["oai answer"] = (exports.OAI + exports.WITHDRAWN).encode()
    found |= graphs(folder)
    for path in sorted((ROOT / "data").rglob("*")) + sorted(real.rglob("*") if real else ()):
        if not path.is_file() or path.name in {"MANIFEST.md", "README.md"}:
            continue
        data = path.read_bytes()
        if len(data) > LARGEST_SEED and data[:2] in {b"PK", b"\x1f\x8b"}:
            continue  # cut, it would not unpack
        (folder / "seed.dat").write_bytes(data[:LARGEST_SEED])
        try:
            source = Source.open(folder / "seed.dat")
            form = next((name for name, known in FORMATS.items() if known.sniff(source)), None)
        except ValueError:
            form = None
        if form:
            found[f"{form} {path.name}"] = data[:LARGEST_SEED]
    return found


def hostile(seed: bytes) -> dict[str, bytes]:
    """Return what no export is like, as near to `seed` as it can be."""
    head = seed[: seed.find(b"\n", len(seed) // 2) + 1] or seed
    bomb = b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"a" * 10) for n in range(10)
    )
    return {
        "entity bomb": b"<!DOCTYPE x [%s]><x>&a9;</x>" % bomb + seed,
        "external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
        + seed,
        "zip of zeros": zipped(**{"a.csv": b"0" * (200 << 20)}),
        "zip that climbs": zipped(**{"../../a.csv": seed}),
        "NUL": head + b"\0" * 1000 + seed,
        "a line of 100 MB": head + b"a" * (100 << 20) + b"\n" + seed,
        "a cell of 100 MB": head + b'"' + b"a,b\n" * (25 << 20),
        "a million columns": b",".join(b"c%d" % n for n in range(1_000_000))
        + b"\n"
        + b"," * 999_999,
        "mixed encodings": seed + "é".encode("utf-16") + "é".encode("cp1252") + seed,
        "a web page": b"<!doctype html><html><body>" + seed,
        "a thousand times": seed * (1 + (2 << 20) // (1 + len(seed))),
        "deep JSON": b"[" * 1_000_000,
        "deep XML": b"<a>" * 1_000_000,
        "one sign": b";" * (5 << 20),
    }


class Watch:
    """What was read of a group of seeds, and what went wrong."""

    def __init__(self, group: str, folder: Path) -> None:
        self.group, self.folder = group, folder
        self.done: Counter[str] = Counter()
        self.faults: list[str] = []
        self.known: set[str] = set()
        self.written = 0.0

    def read(self, data: bytes, *, forced: bool) -> None:
        """Read some bytes; keep what ends otherwise than in records or in one sentence."""
        import collabnet as cn

        suffix = {"vosviewer": "json", "map": "txt"}.get(self.group, self.group)
        path = self.folder / f"{self.group}.{suffix if self.group in GRAPHS else 'dat'}"
        path.write_bytes(data or b"x")
        signal.setitimer(signal.ITIMER_PROF, HANG)
        try:
            if self.group in GRAPHS:
                net = self.folder / "seed.net"
                cn.read_graph(path, net) if self.group == "map" else cn.read_graph(path)
                self.done["graph"] += 1
            else:
                form = self.group if forced else None
                records = cn.read(path, format=form, with_names=bool(len(data) % 2))
                self.done[records.provenance["sources"][0]["format"]] += 1
        except cn.CollabnetError as error:
            self.done["refused"] += 1
            if "\n" in str(error):
                self.fault(path, f"a sentence of two lines: {str(error)[:300]!r}")
        except BaseException:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.fault(path, traceback.format_exc(limit=-6))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if time.monotonic() > self.written + 1:
            self.write()

    def fault(self, path: Path, said: str) -> None:
        """Keep a finding, once for each place it comes from."""
        where = "".join(line for line in said.splitlines() if "line " in line)
        if where not in self.known:
            self.known.add(where)
            kept = path.rename(self.folder / f"fault-{self.group}-{len(self.faults)}")
            self.faults.append(f"{kept}\n{said}")

    def write(self) -> None:
        """Write what came of it so far: atheris ends the process as it likes."""
        self.written = time.monotonic()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        result = {"done": self.done, "faults": self.faults, "peak": peak}
        (self.folder / f"result-{self.group}.json").write_text(json.dumps(result))


def child(group: str, seconds: float, real: Path | None, seed: int, folder: Path) -> None:
    """Read mutations of a group of seeds until the time is over."""
    try:
        atheris = import_module("atheris") if seconds else None
    except ImportError:
        atheris = None
    if atheris:
        with atheris.instrument_imports(include=["collabnet"]):
            import collabnet.graphs
            import collabnet.pajek
            import collabnet.readers
            import collabnet.vosviewer  # noqa: F401
    every = seeds(real, folder)
    others, mine = list(every.values()), [v for k, v in every.items() if k.split()[0] == group]
    # Libraries reserve addresses they never use; what is measured is what a read adds.
    sizes = [int(n) << 12 for n in Path("/proc/self/statm").read_text().split()[:2]]
    limit = MEMORY + sizes[0] - sizes[1]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGPROF, hang)
    watch, chance = Watch(group, folder), random.Random(f"{group} {seed}")
    for data in mine:
        watch.read(data, forced=False)
    if not seconds:
        for name, data in hostile(min(mine, key=len)).items():
            for forced in (False, True):
                before = time.process_time()
                watch.read(data, forced=forced)
                took = time.process_time() - before
                print(f"  {group}: {name}, {took:.1f} s", file=sys.stderr)
    watch.write()
    if not atheris:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(watch.faults) < 20:
            watch.read(inside(chance.choice(mine), others, chance), forced=chance.random() < 0.5)
        watch.write()
        return

    corpus = folder / f"corpus-{group}"
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(mine):
        (corpus / str(number)).write_bytes(data)

    def mutate(data: bytes, size: int, number: int) -> bytes:
        own = random.Random(number)
        if own.random() < 0.5 and data[:2] != b"PK":
            return atheris.Mutate(data, size)
        return inside(bytes(data), others, own)[:size]

    limits = [f"-max_total_time={int(seconds)}", "-max_len=150000", "-timeout=60", f"-seed={seed}"]
    limits += ["-rss_limit_mb=1500", "-verbosity=0", "-use_value_profile=0"]
    atheris.Setup(
        [sys.argv[0], *limits, f"-artifact_prefix={folder}/", str(corpus)],
        lambda data: watch.read(data, forced=bool(zlib.crc32(data) & 1)),
        custom_mutator=mutate,
    )
    signal.signal(signal.SIGPROF, hang)
    atheris.Fuzz()


def hang(*_: object) -> None:
    """Interrupt a read that takes too long."""
    raise TimeoutError("a hang")


def main() -> None:
    """Share the time out among the groups and print a table of what was read."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition(chr(10))[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--only", help="one group of seeds, such as wos")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.mkdtemp(prefix="fuzz-")))
    options = parser.parse_args()
    options.seconds *= not options.hostile
    if options.child:
        child(options.child, options.seconds, options.real, options.seed, options.folder)
        return
    groups = sorted({key.split()[0] for key in seeds(options.real, options.folder)})
    groups = [options.only] if options.only else groups
    total: Counter[str] = Counter()
    faults = []
    for name in groups:
        own = ["--child", name, "--seconds", str(options.seconds / len(groups))]
        own += ["--seed", str(options.seed), "--folder", str(options.folder)]
        own += ["--real", str(options.real)] if options.real else []
        run = subprocess.run(
            [sys.executable, __file__, *own],
            capture_output=True,
            text=True,
            check=False,
            timeout=options.seconds / len(groups) + 600,
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin"},
        )
        written = options.folder / f"result-{name}.json"
        result = json.loads(written.read_text()) if written.exists() else {"done": {}, "faults": []}
        if run.returncode or not result["done"]:
            faults.append(f"{name}: the process ended with {run.returncode}\n{run.stderr[-3000:]}")
        total.update(result["done"])
        faults += result["faults"]
        reads = sum(result["done"].values())
        print(f"{name:17} {reads:7,} reads, peak {result.get('peak')} MB", flush=True)
        slow = [
            line
            for line in run.stderr.splitlines()
            if re.search(r"^  .*, \d\d+\.\d s$|, [2-9]\.\d s$", line)
        ]
        print(*slow, sep="\n", end="\n" if slow else "", flush=True)
    print("\n".join(f"{form:17} {count:9,}" for form, count in total.most_common()))
    print(f"{sum(total.values()):,} reads of {len(groups)} groups, {len(faults)} faults")
    print("\n".join(faults))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
