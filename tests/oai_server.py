"""A repository that answers by OAI-PMH, and misbehaves when told to."""

import random
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

FAULTS = ("503 with", "503 without", "429", "slow", "cut", "html", "token", "json", "empty")
NAMESPACES = (
    'xmlns="http://www.openarchives.org/OAI/2.0/" '
    'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
HTML = "<!doctype html><html><title>Maintenance &amp; more</title></html>"


def record(number, stamp=None, *, gone=False, title=None, name=None):
    """Return the datestamp of a record, and the record as the server sends it."""
    stamp = stamp or f"2024-01-{1 + number // 24:02}T{number % 24:02}:00:00Z"
    status = ' status="deleted"' if gone else ""
    identifier = name or f"oai:orbi.example:2268/{number}"
    metadata = f"""<metadata><oai_dc:dc><dc:title>{title or f"Été {number}"}</dc:title>
<dc:creator>Lamberty, Aline</dc:creator><dc:date>2021-05-17</dc:date></oai_dc:dc></metadata>"""
    return stamp, (
        f"<record><header{status}><identifier>{identifier}</identifier>"
        f"<datestamp>{stamp}</datestamp></header>{'' if gone else metadata}</record>"
    )


class Server(ThreadingHTTPServer):
    """What it has, how it misbehaves, and what it was asked."""

    daemon_threads = True

    def __init__(self, records=(), *, faults=(), chance=1.0, seed=0, **options):
        super().__init__(("127.0.0.1", 0), Handler)
        self.records, self.faults, self.chance = list(records), faults, chance
        self.random = random.Random(seed)
        self.size, self.stated, self.refuse, self.headers = 10, True, set(), {}
        self.code, self.error, self.lists, self.body, self.slow = 200, None, {}, None, 0.5
        self.stop_after, self.last_token = None, "<resumptionToken/>"
        self.asked, self.committed = [], []
        for name, value in options.items():
            assert hasattr(self, name), name
            setattr(self, name, value)
        self.base = f"http://127.0.0.1:{self.server_port}/oai/request"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client gave up

    def do_GET(self):
        server = self.server
        query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        server.asked.append((query, dict(self.headers)))
        assert urlsplit(self.path).path == "/oai/request", self.path
        if server.stop_after is not None and len(server.asked) > server.stop_after:
            return self.send(403, "forbidden")
        hit = [f for f in server.faults if server.random.random() < server.chance][:1]
        server.committed += hit
        return self.answer(query, (hit or [""])[0])

    def answer(self, query, fault):
        server = self.server
        if fault in {"503 with", "503 without", "429"}:
            headers = {"Retry-After": "2"} if fault == "503 with" else server.headers
            return self.send(int(fault[:3]), "busy", headers)
        if fault == "slow":
            time.sleep(server.slow)
        if fault in {"html", "json", "empty"}:
            return self.send(200, {"html": HTML, "json": "{}", "empty": ""}[fault])
        assert query.pop("verb") == "ListRecords"
        body = server.body or self.page(query, fault)
        return self.send(200, body[:-60] if fault == "cut" else body)

    def page(self, query, fault):
        server, token = self.server, query.get("resumptionToken")
        if token:
            assert set(query) == {"resumptionToken"}, "a token stands alone"
            if token in server.refuse:
                server.refuse.discard(token)
                return self.wrong("badResumptionToken", "expired")
            number, _, start = token.partition(":")
        else:
            assert query["metadataPrefix"] == "oai_dc"
            number, start = str(len(server.lists)), 0
            server.lists[number] = [
                text
                for stamp, text in server.records
                if query.get("from", "") <= stamp[: len(query.get("from", ""))]
                and stamp[: len(query.get("until", ""))] <= query.get("until", "")
            ]
        found, start = server.lists[number], int(start)
        if server.error or not found:
            return self.wrong(server.error or "noRecordsMatch", "no, sorry")
        end = start + server.size
        size = f' completeListSize="{len(found)}" cursor="{start}"' if server.stated else ""
        following = f"<resumptionToken{size}>{number}:{end}</resumptionToken>"
        if fault == "token" and token:
            following = f"<resumptionToken>{token}</resumptionToken>"
        elif end >= len(found):
            following = server.last_token
        return self.wrapped(f"<ListRecords>{''.join(found[start:end])}{following}</ListRecords>")

    def wrong(self, code, text):
        return self.wrapped(f'<error code="{code}">{text}</error>')

    def wrapped(self, inside):
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH {NAMESPACES}>'
        date = "<responseDate>2026-01-01T00:00:00Z</responseDate>"
        return f"{head}{date}<request>x</request>{inside}</OAI-PMH>\n"

    def send(self, code, content, headers=()):
        body = content if isinstance(content, bytes) else content.encode()
        failed = code == 200 and b"<error" in body
        self.send_response(self.server.code if failed else code)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(records=(), **options):
    with Server(records, **options) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
