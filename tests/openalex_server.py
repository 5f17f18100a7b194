"""A server that answers like OpenAlex, Zenodo and CORDIS do, and misbehaves when told to."""

import base64
import hashlib
import json
import random
import re
import time
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit

from files import LIEGE, LORRAINE, MAASTRICHT, OPENALEX, author, institution

FAULTS = ("429 with", "429 without", "500", "slow", "cut", "cursor", "html", "other")
KEY = "s3cr3t-key"
BODIES = {LIEGE: "I157674565", MAASTRICHT: "I34352273", LORRAINE: "I90183372"}
# `authors_count` is a field of the snapshot; the API of 2026 refuses to select it.
SELECTABLE = (
    "id doi title display_name publication_year publication_date ids language type authorships "
    "primary_location primary_topic topics locations cited_by_count fwci is_retracted is_paratext "
    "citation_normalized_percentile "
    "updated_date created_date open_access biblio awards funders is_xpac"
)
HTML = b"<!doctype html><html><title>Maintenance</title></html>"


def work(number, authors=2, **facts):
    home = institution(LIEGE, "University of Liège", number=157674565)
    away = institution(MAASTRICHT, "Maastricht University", "NL", 34352273)
    people = [author(number * 1000 + n, (home, away)[n % 2]) for n in range(authors)]
    return {
        "id": f"{OPENALEX}W{number}",
        "doi": f"https://doi.org/10.1000/{number}",
        "title": f"Été {number}",
        "display_name": f"Été {number}",
        "publication_year": 2015 + number % 12,
        "publication_date": f"{2015 + number % 12}-05-01",
        "type": "article",
        "language": "en",
        "authorships": people,
        "primary_topic": {"field": {"id": "https://openalex.org/fields/17", "display_name": "CS"}},
        "cited_by_count": number,
        "fwci": 1.5,
        "is_retracted": number % 97 == 0,
        "updated_date": "2026-01-01T00:00:00",
    } | facts


class Server(ThreadingHTTPServer):
    """What it has, how it misbehaves, and what it was asked."""

    daemon_threads = True

    def __init__(self, works=(), *, faults=(), chance=1.0, seed=0, **options):
        super().__init__(("127.0.0.1", 0), Handler)
        self.works, self.faults, self.chance = list(works), faults, chance
        self.random, self.lock = random.Random(seed), Lock()
        self.singles = {w["id"].rsplit("/", 1)[-1]: w for w in self.works}
        self.keys, self.merged, self.slow, self.headers = {KEY}, {}, 0.5, {}
        self.files, self.cut_at, self.ranges, self.tag = {}, [], True, '"one"'
        self.md5, self.stop_after, self.stated = None, None, True
        self.asked, self.answered, self.committed, self.sent = [], [], [], []
        for name, value in options.items():
            assert hasattr(self, name), name
            setattr(self, name, value)
        self.base = f"http://127.0.0.1:{self.server_port}"

    def fault(self, kinds):
        """Draw for each kind of fault by itself; the first that hits is committed."""
        with self.lock:
            hit = [k for k in self.faults if k in kinds and self.random.random() < self.chance]
        self.committed += hit[:1]
        return (hit or [""])[0]

    def lists(self):
        return [query["cursor"] for path, query in self.answered if path == "/works"]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client gave up

    def do_GET(self):
        server, address = self.server, urlsplit(self.path)
        path = unquote(address.path)
        query = {k: v[0] for k, v in parse_qs(address.query, keep_blank_values=True).items()}
        server.asked.append((path, query, dict(self.headers)))
        if path.startswith("/files/"):
            return self.download(path.removeprefix("/files/"))
        if path == "/communities/ror-data/records":
            return self.send(200, self.zenodo())
        if path.lstrip("/") in server.files:
            return self.download(path.lstrip("/"))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        spent = server.stop_after is not None and len(server.answered) >= server.stop_after
        if key not in server.keys or (spent and key == KEY):
            said = {"error": "Invalid or missing API key", "message": f"API key not found: {key}"}
            return self.send(401, said)
        return self.answer(path, query)

    def answer(self, path, query):
        server = self.server
        fault = server.fault(FAULTS if path == "/works" else set(FAULTS) - {"cursor"})
        if fault in {"429 with", "429 without"}:
            extra = {"Retry-After": "1"} if fault == "429 with" else {}
            return self.send(429, {"error": "Rate limit exceeded"}, extra | server.headers)
        if fault == "500":
            return self.send(500, {"error": "Temporary"}, server.headers)
        if fault == "slow":
            time.sleep(server.slow)
        if fault in {"html", "other"}:
            return self.send(200, HTML if fault == "html" else {"meta": {"count": 0}})
        wrong = set(filter(None, query.get("select", "").split(","))) - set(SELECTABLE.split())
        if wrong:
            return self.send(400, {"message": f"{min(wrong)} is not a valid select field."})
        content = self.page(query, fault) if path == "/works" else self.single(path, query)
        if content is None:
            return self.send(404, HTML)
        if isinstance(content, str):
            self.send_response(301)
            self.send_header("Location", content)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if fault == "cut":
            return self.send(200, json.dumps(content).encode()[:-40])
        if fault not in {"cursor", "slow"}:
            server.answered.append((path, query))
        return self.send(200, content)

    def page(self, query, fault):
        server = self.server
        bodies, *years = query["filter"].split(",")
        kind, _, wanted = bodies.partition(":")
        assert kind == "authorships.institutions.lineage"
        rors = {f"https://ror.org/{r}" for r, i in BODIES.items() if i in wanted.split("|")}
        first, _, last = (years or ["publication_year:0-9999"])[0].split(":")[1].partition("-")
        found = [
            w
            for w in server.works
            if int(first) <= w["publication_year"] <= int(last or first)
            and any(i["ror"] in rors for a in w["authorships"] for i in a["institutions"])
        ]
        size, cursor = int(query["per_page"]), query.get("cursor")
        assert 1 <= size <= 100
        start = int(base64.b64decode(cursor)) if cursor not in {None, "*"} else 0
        cut = [w | {"authorships": w["authorships"][:100]} for w in found[start : start + size]]
        following = base64.b64encode(str(start + size).encode()).decode() if cut else None
        meta = {"count": len(found), "db_response_time_ms": 9, "page": None, "per_page": size}
        if cursor:
            meta["next_cursor"] = cursor if fault == "cursor" else following
        if server.stated == "meta":
            meta["cost_usd"] = 0.0002
        return {"meta": meta, "results": [self.chosen(w, query) for w in cut], "group_by": []}

    def single(self, path, query):
        server = self.server
        kind, _, name = path.lstrip("/").partition("/")
        if kind == "institutions":
            known = {f"ror:{ror}": i for ror, i in BODIES.items()} | {i: i for i in BODIES.values()}
            return {"id": OPENALEX + known[name]} if name in known else None
        if name in server.merged:
            return f"/works/{server.merged[name]}?select={query['select']}"
        found = server.singles.get(name)
        return found and self.chosen(found, query)

    def chosen(self, item, query):
        fields = query.get("select", "").split(",")
        return {k: v for k, v in item.items() if fields == [""] or k in fields}

    def zenodo(self):
        files = [
            {
                "key": name,
                "size": len(data),
                "checksum": f"md5:{self.server.md5 or hashlib.md5(data).hexdigest()}",  # noqa: S324
                "links": {"self": f"{self.server.base}/files/{name}"},
            }
            for name, data in self.server.files.items()
        ]
        return {"hits": {"hits": [{"id": 1, "files": []}, {"id": 2, "files": files}]}}

    def download(self, name):
        server, start = self.server, 0
        data = server.files[name]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", server.tag) == server.tag
        if asked and server.ranges in {True, "blind"} and (same or server.ranges == "blind"):
            start = int(asked[1])
        part = start or (asked and server.ranges == "from zero")
        if start >= len(data):
            return self.send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        rest = data[start:]
        self.send_response(206 if part else 200)
        self.send_header("Content-Length", str(len(rest)))
        if part:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if server.tag:
            self.send_header("ETag", server.tag)
        self.end_headers()
        sent = rest[: server.cut_at.pop(0)] if server.cut_at else rest
        server.sent.append((start, len(sent)))
        self.wfile.write(sent)
        self.close_connection = True
        return None

    def send(self, code, content, headers=()):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        said = {"X-RateLimit-Limit": "10000", "X-RateLimit-Remaining": "9000"}
        said["X-RateLimit-Reset"] = "41992"
        if self.server.stated is True:
            said |= {"X-RateLimit-Cost-USD": "0.0001", "X-RateLimit-Remaining-USD": "0.9"}
        for name, value in (said | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def http_date(seconds):
    return formatdate(time.time() + seconds, usegmt=True)


@contextmanager
def serving(works=(), **options):
    with Server(works, **options) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
