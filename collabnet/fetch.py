"""Live data: OpenAlex works, the ROR registry, CORDIS. The only file that knows the network.

What is fetched appears whole or not at all. What came before a stop waits under names that begin
with a dot, and the same call goes on from there. `manifest.json` says what each file is.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import random
import re
import shutil
import time
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tqdm import tqdm

from collabnet import settings
from collabnet.errors import FetchError, UnknownNameError
from collabnet.identifiers import institution_id

if TYPE_CHECKING:
    from requests import Response

SERVERS = {"openalex": "https://api.openalex.org", "ror": "https://zenodo.org/api"}
SERVERS |= {"cordis": "https://cordis.europa.eu/data", "orbi": "https://orbi.uliege.be/oai/request"}
DUMPS = {"ror": "", "cordis-fp7": "fp7", "cordis-h2020": "h2020", "cordis-horizon": "HORIZON"}
"""Dumps, and how CORDIS writes the programme in the name of a file."""

FIELDS = (
    "id,doi,title,type,publication_date,publication_year,authorships,primary_topic,"
    "cited_by_count,fwci,citation_normalized_percentile,is_retracted,updated_date"
)
"""Of what the reader reads, all that the API lets one select (not `authors_count`)."""

PER_PAGE, LIST_PRICE = 100, 0.0001
"""Works a page, and what a page costs in USD by the price list of 2026."""

TRIES, TIMEOUT, LONGEST = 10, 60.0, 300
"""Tries a question; seconds to wait for a sign of life; seconds a server may ask us to wait."""

WORKS, PAGES, MANIFEST = "works.jsonl.gz", ".openalex", "manifest.json"
KEPT = "What has come is kept: run the same command again to go on."
FAULTS = {
    "CertVerification": "its certificate is not trusted; name one to trust in REQUESTS_CA_BUNDLE.",
    "NameResolutionError": "no such name; is the network there?",
    "JSONDecodeError": "it sent something else than JSON",
    "ChunkedEncodingError": "its answer broke off",
    "Timeout": "it did not answer in time",
    "ConnectionError": "the connection failed",
}

Row = dict[str, Any]
Sleep = Callable[[float], object]


def asker(source: str, base: str | None, sleep: Sleep) -> Callable[..., Any]:
    """Return the function that asks a server; it tries again where that makes sense."""
    import requests

    key = os.environ.get("OPENALEX_API_KEY", "").strip() if source == "openalex" else ""
    if not re.fullmatch(r"[!-~]*", key):
        raise FetchError("OPENALEX_API_KEY holds characters no key has. Copy it once more.")
    session = requests.Session()
    session.stream = True
    session.auth = lambda request: request  # else a .netrc would take the place of the key
    session.headers["User-Agent"] = f"collabnet/{version('collabnet')}"
    if key:  # never in an address
        session.headers["Authorization"] = f"Bearer {key}"
    server = base or os.environ.get(f"COLLABNET_{source.upper()}_URL") or SERVERS[source]
    oai = source == "orbi"

    def ask(path: str, use: Any, headers: Any = dict, missing: Any = None, **params: Any) -> Any:
        """Return what `use` makes of the answer (ValueError: ask again), or `missing` for a 404."""
        url = path if "://" in path else f"{server.rstrip('/')}/{path}"
        host, why = urlsplit(url).netloc, ""
        for turn in range(TRIES):
            wait = min(2.0**turn, 60) * random.uniform(0.5, 1)  # noqa: S311
            try:
                with session.get(url, params=params, headers=headers(), timeout=TIMEOUT) as answer:
                    # 416: all is there; 400 and 422: so some repositories say that there is none
                    if answer.ok or answer.status_code in ({400, 422} if oai else {416}):
                        return use(answer)
                    if answer.status_code == 404 and missing is not None:
                        return missing
                    said = answer.text.replace(key or "\0", "…")[:200]
                    why = f"HTTP {answer.status_code}{f': {said}' if said[:1] == '{' else ''}"
            except FetchError:
                raise
            except (requests.RequestException, ValueError) as error:
                fault = next((name for name in FAULTS if name in repr(error)), "")
                why = FAULTS.get(fault, str(error))
                if fault in {"CertVerification", "NameResolutionError"}:
                    raise FetchError(f"{host}: {why} {KEPT}") from None
            else:
                wait = _wait(f"{host} ({why})", answer, wait, keyed=source == "openalex")
            if turn + 1 < TRIES:
                sleep(wait)
        raise FetchError(f"{host}: no usable answer in {TRIES} tries; at last {why}. {KEPT}")

    return ask


def _wait(who: str, answer: Response, backoff: float, *, keyed: bool) -> float:
    """Return the seconds to wait after a refusal, or raise where waiting is of no use."""
    code, said = answer.status_code, answer.headers.get
    left = as_number(said("X-RateLimit-Remaining", ""))
    spent = left is not None and left < (as_number(said("X-RateLimit-Credits-Required", "")) or 1)
    asked = _seconds(said("Retry-After", "") or (said("X-RateLimit-Reset", "") if spent else ""))
    if code in {408, 425, 429} or code >= 500 or (code == 403 and asked is not None):
        if asked is None or asked <= LONGEST:
            return backoff if asked is None else asked
        until = datetime.now(UTC) + timedelta(seconds=asked)
        raise FetchError(f"{who}: used up until {until:%Y-%m-%d %H:%M} UTC. {KEPT}")
    if code in {401, 403} and keyed:
        raise FetchError(f"{who}: set OPENALEX_API_KEY to a key that is valid. {KEPT}")
    raise FetchError(f"{who}: the server does not accept the question.")


def as_number(text: str) -> float | None:
    """Return what a header says as a number."""
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d+)?", text) else None


def _seconds(text: str) -> float | None:
    """Return the seconds a header asks to wait: a number, or the time until a date."""
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return as_number(text)


def _json(answer: Response, **needed: type) -> Row:
    item = answer.json()
    fit = isinstance(item, dict) and all(isinstance(item.get(k), t) for k, t in needed.items())
    if not fit:
        raise ValueError("it sent something else than was asked for")
    return item


_single = partial(_json, id=str)


def _put(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


@contextmanager
def workplace(path: str | Path, source: str) -> Generator[tuple[Path, Row | None]]:
    """Open a folder that only fetches write to; yield it and what the manifest says of a source."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder, _manifest(folder).get(source)
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else f"cannot be written ({error})"
        raise FetchError(f"{folder}: {why}. {KEPT}") from None


def _manifest(folder: Path) -> dict[str, Row]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes()) if path.exists() else {}
        ours = {MANIFEST, *(name for entry in manifest.values() for name in entry["files"])}
    except (ValueError, AttributeError, KeyError, TypeError):
        manifest, ours = {}, set()
    for name in sorted(entry.name for entry in folder.iterdir()):
        if name not in ours and not name.startswith("."):
            raise FetchError(f"{folder}: no fetch wrote the {name} in it. Name another folder.")
    return {s: e for s, e in manifest.items() if all((folder / n).exists() for n in e["files"])}


def publish(folder: Path, source: str, fresh: Path, name: str, facts: Row) -> Row:
    """Enter a file that is whole into the manifest, then give it its name."""
    facts |= {"fetched_at": datetime.now(UTC).isoformat(timespec="seconds")}
    file = {"sha256": _digest(fresh, "sha256"), "bytes": fresh.stat().st_size}
    facts |= {"collabnet": version("collabnet"), "files": {name: file}}
    manifest = json.dumps(_manifest(folder) | {source: facts}, ensure_ascii=False, indent=1)
    _put(folder / MANIFEST, manifest.encode())
    fresh.replace(folder / name)
    return facts | {"already": False}


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def fetch_openalex(
    institution: str | Sequence[str],
    out: str | Path = "raw",
    *,
    years: tuple[int, int] | None = None,
    count_only: bool = False,
    base: str | None = None,
    sleep: Sleep = time.sleep,
) -> dict[str, Any]:
    """Fetch the works of institutions, and of what belongs to them, from OpenAlex.

    They come into one file, `works.jsonl.gz`. A stopped fetch goes on where it stopped, a finished
    one is left as it is. Works whose authors the API cuts at 100 are asked for singly, which is
    free. Of a work that comes twice the newest version stays; retracted works stay. The key is
    read from `OPENALEX_API_KEY`, sent in a header, and written nowhere.

    Parameters
    ----------
    institution
        ROR or OpenAlex ids; several as a list, or with commas between them.
    out
        Folder for nothing but what is fetched.
    years
        First and last year of publication, both included; all where not given.
    count_only
        Ask only how many works there are and what they cost: one paid call.
    base, sleep
        Address of the server (else `COLLABNET_OPENALEX_URL`, else the official one); how to wait.

    Returns
    -------
    What `manifest.json` says of the file, and `already`: was it there? With `count_only`: `works`,
    `calls`, `usd` for all of them, `price` (who states it) and `left_usd` for today, if stated.

    Raises
    ------
    FetchError
        The server or the network fails for good, or the folder holds something else.

    Examples
    --------
    >>> fetch_openalex("Liège")
    Traceback (most recent call last):
    collabnet.errors.FetchError: 'Liège' is no ROR id. Look the institution up at ror.org.
    """
    bodies = []
    for text in institution.split(",") if isinstance(institution, str) else institution:
        bodies.append((institution_id(text) or "?:").removeprefix("openalex:"))
        if ":" in bodies[-1]:
            raise FetchError(f"{text!r} is no ROR id. Look the institution up at ror.org.")
    query: Row = {"institutions": sorted(set(bodies)), "years": years and sorted(years)}
    ask = asker("openalex", base, sleep)
    if count_only:
        return ask("works", _price, filter=_filter(ask, query), per_page=1, select="id")
    with workplace(out, "openalex") as (folder, done):
        note, state = resumed(folder / PAGES / "state.json", done, query)
        if done:
            return done | {"already": True}
        if "filter" not in state:
            state |= {"filter": _filter(ask, query), "select": FIELDS, "cursor": "*", "pages": 0}
            state |= {"stated": 0, "refetched": 0, "still_cut": [], "merged": {}}
            note.parent.mkdir(exist_ok=True)
        _pages(ask, note, state)
        return _settle(folder, state)


def resumed(note: Path, done: Row | None, query: Row) -> tuple[Path, Row]:
    """Return where and how far a fetch has come, if it is one of the same query."""
    state: Row = done or (json.loads(note.read_bytes()) if note.exists() else {"query": query})
    if state["query"] != query:
        folder = note.parent.parent
        raise FetchError(f"{folder} is of another query, {state['query']}. Name another one.")
    return note, state


def _filter(ask: Callable[..., Any], query: Row) -> str:
    """Return the filter of a query; the API knows a lineage by OpenAlex ids only."""
    found = []
    for body in query["institutions"]:
        path = f"institutions/{body if body.startswith('I') else f'ror:{body}'}"
        item = ask(path, _single, missing={}, select="id")
        if not item:
            raise FetchError(f"OpenAlex knows no institution {body}. Look it up at ror.org.")
        found.append(item["id"].rsplit("/", 1)[-1])
    years = f",publication_year:{'-'.join(map(str, query['years']))}" if query["years"] else ""
    return f"authorships.institutions.lineage:{'|'.join(found)}{years}"


def _price(answer: Response) -> Row:
    """Return what a fetch costs; the last call is the one that finds no more works."""
    meta, said = _json(answer, meta=dict, results=list)["meta"], answer.headers
    stated = as_number(said.get("X-RateLimit-Cost-USD", f"{meta.get('cost_usd') or 0:.6f}"))
    calls = -(-meta["count"] // PER_PAGE) + 1
    usd = round(calls * (stated or LIST_PRICE), 4)
    price = "stated by the server" if stated else "price list of 2026"
    left = as_number(said.get("X-RateLimit-Remaining-USD", ""))
    return {"works": meta["count"], "calls": calls, "usd": usd, "price": price, "left_usd": left}


def _pages(ask: Callable[..., Any], note: Path, state: Row) -> None:
    """Fetch page after page; each is a file before the state says so."""
    seen = {state["cursor"]}

    def page(answer: Response) -> Row:
        found = _json(answer, meta=dict, results=list)
        if found["meta"].get("next_cursor") in seen:
            raise ValueError("it sent the same cursor again")
        return found

    with tqdm(initial=state["pages"] * PER_PAGE, unit=" works", disable=None) as bar:
        while state["cursor"]:
            chosen = {name: state[name] for name in ("filter", "select", "cursor")}
            found = ask("works", page, per_page=PER_PAGE, **chosen)
            lines = [json.dumps(_whole(ask, work, state)) + "\n" for work in found["results"]]
            put_page(note, state, lines)
            meta = found["meta"]
            state |= {"cursor": meta.get("next_cursor"), "stated": meta.get("count")}
            save(note, state)
            seen.add(state["cursor"])
            bar.total = state["stated"]
            bar.update(len(lines))


def save(note: Path, state: Row) -> None:
    """Write how far a fetch has come."""
    _put(note, json.dumps(state).encode())


def put_page(note: Path, state: Row, lines: list[str]) -> None:
    """Write a page, and count it."""
    state["pages"] += 1
    packed = gzip.compress("".join(lines).encode(), mtime=0)
    _put(note.with_name(f"{state['pages']:06}.gz"), packed)


def _whole(ask: Callable[..., Any], work: Row, state: Row) -> Row:
    """Return a work with all its authors: in a list the API cuts them."""
    if len(work.get("authorships") or []) < settings.TRUNCATED_AT:
        return work
    old = work["id"].rsplit("/", 1)[-1]
    single = ask(f"works/{old}", _single, missing={}, select=FIELDS)
    if not single:
        state["still_cut"].append(old)
        return work
    new = single["id"].rsplit("/", 1)[-1]
    state["merged"] |= {old: new} if new != old else {}
    state["refetched"] += 1
    return single | {"authors_count": len(single.get("authorships") or [])}


def _settle(folder: Path, state: Row) -> Row:
    """Make one file of the pages; of a work that came twice the newest version stays."""
    fresh, came = folder / f".{WORKS}", 0
    best: dict[str, tuple[tuple[str, int], int, bool]] = {}
    for line in page_lines(folder / PAGES):
        work, came = json.loads(line), came + 1
        rank = (work.get("updated_date") or "", len(work.get("authorships") or []))
        if work["id"] not in best or rank > best[work["id"]][0]:
            best[work["id"]] = rank, came, work.get("is_retracted") is True
    kept = {number for _, number, _ in best.values()}
    with fresh.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.writelines(line for n, line in enumerate(page_lines(folder / PAGES), 1) if n in kept)
    facts = {name: state[name] for name in state if name not in {"cursor", "pages"}}
    facts |= {"works": len(best), "duplicates": came - len(best)}
    facts |= {"retracted": sum(retracted for *_, retracted in best.values())}
    entry = publish(folder, "openalex", fresh, WORKS, facts)
    shutil.rmtree(folder / PAGES)
    return entry


def page_lines(pages: Path) -> Iterator[bytes]:
    """Yield what has come, in its order."""
    for page in sorted(pages.glob("[0-9]*.gz")):
        yield from gzip.decompress(page.read_bytes()).splitlines(keepends=True)


def fetch_dump(
    dump: str, out: str | Path = "raw", *, base: str | None = None, sleep: Sleep = time.sleep
) -> dict[str, Any]:
    """Fetch the newest release of ROR, or a programme of CORDIS, if it is not there already.

    ROR is held against the MD5 of its Zenodo record; CORDIS publishes none, there the zip is tried.
    """
    if dump not in DUMPS:
        raise UnknownNameError("dump", dump, DUMPS)
    ask = asker(dump.partition("-")[0], base, sleep)
    with workplace(out, dump) as (folder, done):
        if done:
            return done | {"already": True}
        facts: Row = {"url": f"cordis-{DUMPS[dump]}projects-csv.zip", "md5": None}
        if dump == "ror":
            facts = ask("communities/ror-data/records", _release, q="", sort="newest", size=5)
        name = facts.pop("name", facts["url"])
        part = folder / f".{name}.part"
        _download(ask, facts["url"], part)
        if (facts["md5"] or "") not in _digest(part, "md5") or not _is_whole(part):
            part.unlink()
            raise FetchError(f"{name}: damaged on its way, and deleted. Run the command again.")
        return publish(folder, dump, part, name, facts)


def _release(answer: Response) -> Row:
    """Return name, address and checksum of the newest ROR dump from its Zenodo record."""
    try:
        files = [file for hit in answer.json()["hits"]["hits"] for file in hit["files"]]
        dump = next(f for f in files if "ror-data" in f["key"] and f["key"].endswith(".zip"))
        md5 = dump["checksum"].removeprefix("md5:")
        return {"name": Path(dump["key"]).name, "url": dump["links"]["self"], "md5": md5}
    except (KeyError, TypeError, StopIteration):
        raise ValueError("it lists no release of ROR data") from None


def _download(ask: Callable[..., Any], url: str, part: Path) -> None:
    """Download to `part`, going on where it was cut if the server still has the same version."""
    mark = part.with_suffix(".version")

    def headers() -> Row:
        sent = {"Accept-Encoding": "identity"}
        if part.exists() and mark.exists():
            sent |= {"Range": f"bytes={part.stat().st_size}-", "If-Range": mark.read_text()}
        return sent

    def save(answer: Response) -> None:
        whole, given = answer.status_code == 200, answer.headers
        size = 0 if whole else part.stat().st_size
        if not whole and (
            given.get("ETag") != mark.read_text()
            or not given.get("Content-Range", "").startswith(f"bytes {size}-")
        ):
            mark.unlink()
            raise ValueError("it lost the place where we were")
        mark.write_text(given["ETag"]) if given.get("ETag") else mark.unlink(missing_ok=True)
        with part.open("wb" if whole else "ab") as file, tqdm(unit="B", disable=None) as bar:
            bar.total = int(given.get("Content-Length", 0))
            for chunk in answer.iter_content(1 << 16):
                bar.update(file.write(chunk))
        mark.unlink(missing_ok=True)

    ask(url, save, headers=headers)


def _is_whole(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False
