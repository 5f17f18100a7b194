"""Records of a repository, ORBi or any other, by OAI-PMH; `docs/decisions/0008-harvesting.md`."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from collabnet import fetch
from collabnet.errors import FetchError
from collabnet.fetch import Row, Sleep
from collabnet.identifiers import DATE

if TYPE_CHECKING:
    from requests import Response

LARGEST_PAGE = 64 << 20
"""Bytes of a page above which it is none: it has to fit into memory."""

LIST, OAI_PAGES, DUBLIN = "oai.xml.gz", ".oai", "oai_dc"
NO_PAGE = "it sent something else than whole XML of OAI-PMH"
ILLEGAL = re.compile(  # in XML, also as a number
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|&#(?:x0*(?:[0-8bcef]|1[\\da-f])|0*(?:[0-8]|1[124-9]|2\\d|3[01]));",
    re.IGNORECASE,
)


def fetch_oai(
    url: str | None = None,
    out: str | Path = "raw",
    *,
    subset: str | None = None,
    since: str | None = None,
    until: str | None = None,
    sleep: Sleep = time.sleep,
) -> dict[str, Any]:
    """Harvest a repository, ORBi or any other, by OAI-PMH: its records in Dublin Core.

    They come into one file, `oai.xml.gz`. A stopped harvest goes on at its last page, a finished
    one is left as it is. Where the repository refuses its own token, the list is begun again: at
    the last datestamp, if the records came in that order and their number was stated; else, or if
    some are missing in the end, from its beginning. Of a record that comes twice the newest stays.

    Parameters
    ----------
    url
        Base address of the repository; ORBi (or `COLLABNET_ORBI_URL`) where not given.
    out
        Folder for nothing but what is fetched.
    subset
        Only this set (`setSpec`) of the repository.
    since, until
        First and last day (`2024-01-31`) on which a record was made or changed, both included.
    sleep
        How to wait.

    Returns
    -------
    What `manifest.json` says of the file: `records`, `stated` by the repository, `withdrawn`,
    `duplicates`, `repaired` characters, `restarts`; and `already`: was it there?

    Raises
    ------
    FetchError
        The repository or the network fails for good, or the folder holds something else.

    Examples
    --------
    >>> fetch_oai("orbi")
    Traceback (most recent call last):
    collabnet.errors.FetchError: 'orbi' is no address, such as https://orbi.uliege.be/oai/request.

    Source: OAI-PMH 2.0, https://www.openarchives.org/OAI/openarchivesprotocol.html.
    """
    address = url or os.environ.get("COLLABNET_ORBI_URL") or fetch.SERVERS["orbi"]
    if not re.match(r"https?://[^\s/]", address):
        raise FetchError(f"{address!r} is no address, such as {fetch.SERVERS['orbi']}.")
    for date in filter(None, (since, until)):
        if not DATE.fullmatch(date) or len(date) != len("2024-01-31"):
            raise FetchError(f"{date!r} is no day. Write one as 2024-01-31.")
    query = {"url": address.partition("?")[0], "set": subset, "from": since, "until": until}
    ask = fetch.asker("orbi", None, sleep)
    with fetch.workplace(out, "oai") as (folder, done):
        note, state = fetch.resumed(folder / OAI_PAGES / "state.json", done, query)
        if done:
            return done | {"already": True}
        if "token" not in state:
            state |= {"token": "", "from": since, "pages": 0, "last": "", "in_order": True}
            state |= {"stated": None, "repaired": 0, "restarts": []}
            note.parent.mkdir(exist_ok=True)
        _harvest(ask, note, state)
        return _collect(folder, note.parent, state)


def _harvest(ask: Callable[..., Any], note: Path, state: Row) -> None:
    """Harvest page after page; each is a file before the state says so."""
    query, seen, refused = state["query"], {state["token"]}, 0
    with tqdm(unit=" records", disable=None) as bar:
        while state["token"] is not None:  # "" asks for the first page, None stands after the last
            chosen: Row = {"resumptionToken": state["token"]}
            if not state["token"]:
                chosen = {"metadataPrefix": DUBLIN, **query, "url": None, "from": state["from"]}
            page = ask(query["url"], partial(_page, seen), verb="ListRecords", **chosen)
            rows, why = page["rows"], "" if page["taken"] else "the token was refused"
            if page["taken"]:
                stamps = [state["last"], *(row[1] for row in rows)]
                fetch.put_page(note, state, [json.dumps(row) + "\n" for row in rows])
                state["repaired"] += page["repaired"]
                state |= {"token": page["token"], "last": stamps[-1]}
                state |= {"in_order": state["in_order"] and stamps == sorted(stamps)}
                state |= {"stated": state["stated"] or page["stated"]}
                seen.add(state["token"])
            elif (refused := refused + 1) == fetch.TRIES:
                raise FetchError(
                    f"{query['url']}: refused {fetch.TRIES} of its own tokens. {fetch.KEPT}"
                )
            if state["token"] is None and state["from"] != query["from"]:
                came = len({json.loads(line)[0] for line in fetch.page_lines(note.parent)})
                why = f"{came:,} of {state['stated']:,} had come" if came < state["stated"] else ""
                state["in_order"] &= not why
            if why:
                last = state["in_order"] and state["stated"] and state["last"]
                first = last[: len(query["until"] or last)] if last else query["from"]
                state["restarts"].append({"after_page": state["pages"], "why": why, "from": first})
                state |= {"token": "", "from": first, "last": ""}
                seen.clear()
            fetch.save(note, state)
            bar.total = state["stated"]
            bar.update(len(rows))


def _page(seen: set[str | None], answer: Response) -> Row:
    """Return the records of a page and the token of the next; or that the token is not taken."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring, tostring

    body = bytearray()
    for chunk in answer.iter_content(1 << 16):
        body += chunk
        if len(body) > LARGEST_PAGE:
            raise FetchError(
                f"{answer.url}: a page of more than {LARGEST_PAGE >> 20} MiB. {fetch.KEPT}"
            )
    text, repaired = ILLEGAL.subn("", body.decode("utf-8-sig", "replace"))
    try:
        root = fromstring(text)
    except (ParseError, DefusedXmlException):
        raise ValueError(NO_PAGE) from None
    after, error = (root.find(path) for path in ("{*}ListRecords/{*}resumptionToken", "{*}error"))
    records, rows = root.findall("{*}ListRecords/{*}record"), []
    code = "" if error is None else error.get("code")
    if code == "badResumptionToken" and any(seen):
        return {"taken": False, "rows": []}
    if code not in {"", "noRecordsMatch"}:
        said = " ".join(f"{code} {error.text or ''}".split())
        raise FetchError(f"{answer.url}: it does not accept the question ({said[:200]}).")
    if not root.tag.endswith("OAI-PMH") or not (code or records or after is not None):
        raise ValueError(NO_PAGE)
    token, stated = (None, "") if after is None else (after.text, after.get("completeListSize"))
    token = (token or "").strip() or None
    if token in seen - {None}:
        raise ValueError("it sent the same token again")
    for record in records:
        xml = tostring(record, "unicode").strip()
        name, stamp = (
            record.findtext(f"{{*}}header/{{*}}{of}") for of in ("identifier", "datestamp")
        )
        gone = record.find("{*}header[@status='deleted']") is not None
        rows.append(((name or xml).strip(), (stamp or "").strip(), gone, xml))
    known = {"token": token, "stated": int(fetch.as_number((stated or "").strip()) or 0) or None}
    return {"taken": True, "rows": rows, "repaired": repaired} | known


def _collect(folder: Path, pages: Path, state: Row) -> Row:
    """Make one file of the pages; of a record that came twice the newest stays."""
    best: dict[str, tuple[str, int, bool]] = {}
    came, fresh = 0, folder / f".{LIST}"
    for came, line in enumerate(fetch.page_lines(pages), 1):
        name, stamp, gone, _ = json.loads(line)
        best[name] = max(best.get(name, ("", 0, False)), (stamp, came, gone))
    kept = {number for _, number, _ in best.values()}
    with fresh.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>\n')
        chosen = (line for n, line in enumerate(fetch.page_lines(pages), 1) if n in kept)
        packed.writelines(f"{json.loads(line)[-1]}\n".encode() for line in chosen)
        packed.write(b"</ListRecords></OAI-PMH>\n")
    facts = {name: state[name] for name in ("query", "stated", "repaired", "restarts")}
    facts |= {"records": len(best), "duplicates": came - len(best)}
    facts |= {"withdrawn": sum(gone for *_, gone in best.values())}
    facts = fetch.publish(folder, "oai", fresh, LIST, facts)
    shutil.rmtree(pages)
    return facts
