"""JSON and XML of works: Crossref and CSL, the Lens, PubMed, OAI-PMH Dublin Core.

Source of the fields: Crossref REST API; CSL-JSON schema 1.0; Lens scholarly API; PubMed DTD;
OAI-PMH 2.0 with the Dublin Core Metadata Element Set 1.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from collabnet.errors import InputError
from collabnet.identifiers import doi, institution_id
from collabnet.readers.source import Format, Source
from collabnet.readers.tagged import apart
from collabnet.readers.works import Affiliation, Author, Row, build, clean, work
from collabnet.records import Records

DEEPEST = 200
"""Elements of XML within each other; a record has some ten."""

DC = "{*}metadata//{http://purl.org/dc/elements/1.1/}"


def _items(source: Source) -> Iterator[tuple[str, Any]]:
    """Yield the objects in JSON: one, a list of them, JSON Lines, or what an answer wraps."""
    with source.text() as file:
        text = file.read()
    first = text.lstrip().partition("\n")[0]
    if (whole := _parsed(text)) is not None:
        for number, item in enumerate(whole if isinstance(whole, list) else [whole], 1):
            yield f"item {number}", _unwrapped(item)
    elif isinstance(_parsed(first), dict):
        with source.text() as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"line {number}", _parsed(line) or "not a complete object"
    else:
        raise InputError(
            f"{source.name}: not complete JSON (cut short while downloading?). Get it again."
        )


def _parsed(text: str) -> Any:
    """Return what JSON holds, out of the answer that wraps it; None where it is not complete."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _unwrapped(value)


def _unwrapped(value: Any) -> Any:
    for name in ("message", "items", "data"):
        value = value[name] if isinstance(value, dict) and name in value else value
    return value


def _of_json(item: Row, form: str) -> Row:
    """Return the work of an object; Crossref, CSL and the Lens differ in the names of its parts."""

    def get(name: str) -> Any:
        return item.get(name) if name != "issued" else _date(item)

    authors = []
    for one in item.get("author") or item.get("authors") or []:
        family = one.get("family") or one.get("last_name")
        given = one.get("given") or one.get("first_name")
        whole = filter(None, (one.get("non-dropping-particle"), family))
        places = one.get("affiliation") or one.get("affiliations") or []
        orcid = one.get("ORCID") or _ids(one.get("ids")).get("orcid") or ""
        name = ", ".join(filter(None, (" ".join(whole), given, one.get("suffix"))))
        if family:  # else it is a group
            authors.append(Author(name, orcid=orcid, affiliations=[_at(place) for place in places]))
    numbers = _ids(item.get("external_ids"))
    ids = {name: numbers[name] for name in ("doi", "pmid") if name in numbers}
    return work(form, get, authors=authors, **ids)


def _date(item: Row) -> str:
    for name in ("issued", "published", "published-print"):
        date = item.get(name) or {}
        parts = [f"{int(part):02}" for part in (date.get("date-parts") or [[]])[0] if part]
        if stated := "-".join(parts) or date.get("raw") or date.get("literal"):
            return stated
    return ""


def _ids(stated: list[Row] | None) -> dict[str, str]:
    return {one["type"]: one["value"] for one in stated or []}


def _at(place: Row) -> Affiliation:
    name = place.get("name") or ""
    where = [part for part in place.get("place") or [] if part not in name]
    text = place.get("name_original") or ", ".join([name, *where])
    stated = place.get("id") or place.get("ids") or []
    ids = [place.get("ror_id"), *(one.get("id") or one.get("value") for one in stated)]
    ror = next((known for known in map(institution_id, ids) if known and ":" not in known), "")
    return Affiliation(text, ror, name, place.get("country_code") or "")


def _elements(source: Source, *names: str) -> Iterator[tuple[str, Any]]:
    """Yield XML elements, one by one; what stands before a fault is kept. Entities are refused.

    What has been read is let go, also what stands between the elements looked for.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    number, inside, above = 0, 0, []
    with source.unpacked() as file:
        try:
            for event, element in iterparse(file, events=("start", "end")):
                known = element.tag.rpartition("}")[2] in names
                if event == "start":
                    above.append(element)
                    inside += known
                    if len(above) > DEEPEST:
                        raise ValueError(f"elements within elements, {DEEPEST} deep")
                    continue
                above.pop()
                inside -= known
                if known and not inside:
                    number += 1
                    yield f"record {number}", element
                if above and not inside:
                    above[-1].remove(element)
        except DefusedXmlException:
            raise InputError(
                f"{source.name}: XML that defines entities of its own, which no export does. Get "
                "the file again."
            ) from None
        except (ParseError, LookupError, ValueError) as error:
            yield f"after record {number}", f"the XML breaks there ({error}); the rest is lost"


def _text(element: Any) -> str:
    return clean("".join(element.itertext()))


def _pubmed(article: Any) -> Row:
    def get(path: str) -> str:
        found = next((found for found in article.iterfind(path) if _text(found)), None)
        if found is None or not path.endswith("PubDate"):
            return "" if found is None else _text(found)
        parts = [part for name in ("Year", "Month", "Day") if (part := found.findtext(name))]
        return ("-" if all(map(str.isdigit, parts)) else " ").join(parts) or _text(found)

    authors = []
    for group in article.iter("AuthorList"):
        for one in group if group.get("Type") != "editors" else ():
            last, fore, brief = map(one.findtext, ("LastName", "ForeName", "Initials"))
            orcid = (_text(i) for i in one.iter("Identifier") if i.get("Source") == "ORCID")
            places = [part for place in one.iter("Affiliation") for part in apart(_text(place))]
            name, short = ", ".join(filter(None, (last, fore))), f"{last} {brief or ''}"
            if last:  # else it is a group
                authors.append(Author(name, short, orcid=next(orcid, ""), affiliations=places))
    return work("pubmed-xml", get, authors=authors)


def _read_pubmed(source: Source) -> Records:
    articles = _elements(source, "PubmedArticle", "PubmedBookArticle")
    return build(source, "pubmed", articles, _pubmed, apart=False)  # to send XML costs more


def _dublin_core(record: Any) -> Row:
    def get(path: str) -> str:
        texts = [_text(found) for found in record.iterfind(path)]
        if path.endswith("date"):  # an embargo ends one day; the record was made at some second
            texts = [text for text in texts if not text.startswith("info:")]
            return min(texts, key=lambda text: "T" in text, default="")
        return next(iter(texts), "")

    if record.find("{*}header[@status='deleted']") is not None:
        raise ValueError("the repository has withdrawn this record")
    authors = [Author(_text(creator)) for creator in record.iterfind(f"{DC}creator")]
    numbers = [*record.iterfind(f"{DC}identifier"), *record.iterfind(f"{DC}relation")]
    bare = (re.sub("^info:(eu-repo/semantics/altIdentifier/)?doi/", "", _text(n)) for n in numbers)
    return work("oai", get, authors=authors, doi=next(filter(None, map(doi, bare)), ""))


def _read_oai(source: Source) -> Records:
    if error := re.search(r"<error code=.(\w+).[^>]{0,99}>([^<]{0,200})", source.head):
        said = f"{error[1]} ({clean(error[2])})"
        raise InputError(f"{source.name}: the repository answered {said}. Harvest again.")
    return build(source, "oai", _elements(source, "record"), _dublin_core, apart=False)


def _format(title: str, first: str, words: str, read: Callable[[Source], Records]) -> Format:
    """Return a format told by its first sign and one of the words in its first bytes."""

    def sniff(source: Source) -> bool:
        return source.head.lstrip()[:1] in set(first) and bool(re.search(words, source.head))

    return Format(title, sniff, read)


def _json(title: str, words: str, scheme: str, form: str) -> Format:
    make = partial(_of_json, form=form)
    return _format(title, "{[", words, lambda source: build(source, scheme, _items(source), make))


CSL = r'"date-parts"|"author"\s*:\s*\[\s*\{\s*"(family|given|literal)"'
MARKS = '"(message-type|is-referenced-by-count|reference-count)"'
FORMATS = {
    "crossref": _json("Crossref works (JSON)", MARKS, "crossref", "crossref"),
    "lens-json": _json("the Lens (JSON)", '"lens_id"', "lens", "lens-json"),
    "csl": _json("CSL-JSON", CSL, "csl", "crossref"),
    "pubmed-xml": _format("PubMed (XML)", "<", r"<Pubmed(Book)?Article", _read_pubmed),
    "oai": _format("OAI-PMH Dublin Core (XML)", "<", r"<(\w+:)?(OAI-PMH|ListRecords)\b", _read_oai),
}
