"""Dublin Core records of a repository (OAI-PMH ListRecords): ORBi, DSpace, any other.

Source of the fields: OAI-PMH 2.0; Dublin Core Metadata Element Set 1.1.
"""

from __future__ import annotations

import re
from typing import Any

from collabnet.errors import InputError
from collabnet.identifiers import doi
from collabnet.readers.source import Source
from collabnet.readers.works import Author, Work, build, clean, elements, iso_date
from collabnet.records import Records

OAI = re.compile(r"<(?:\w+:)?(OAI-PMH|ListRecords|GetRecord)\b")
DC = "{*}metadata//{http://purl.org/dc/elements/1.1/}"


def sniff(source: Source) -> bool:
    """Is it an answer of an OAI-PMH server?"""
    return bool(source.head.lstrip().startswith("<") and OAI.search(source.head))


def read(source: Source) -> Records:
    """Read records; Dublin Core names creators, and says nowhere where they work.

    Raises
    ------
    InputError
        The server answered with an error.
    """
    error = re.search(r"<error code=.(\w+).[^>]*>([^<]*)", source.head)
    if error:
        raise InputError(
            f"{source.name}: the repository answered {error[1]} ({clean(error[2])[:200]}), not with "
            "records. Harvest again."
        )
    return build(source, "oai", elements(source, "record"), _work)


def _work(record: Any) -> Work:
    def texts(name: str) -> list[str]:
        found = (clean("".join(element.itertext())) for element in record.iterfind(DC + name))
        return [text for text in found if text]

    if record.find("{*}header[@status='deleted']") is not None:
        raise ValueError("the repository has withdrawn this record")
    numbers = [*texts("identifier"), *texts("relation")]
    return Work(
        title="".join(texts("title")[:1]),
        date=next(filter(iso_date, texts("date")), ""),
        type="".join(texts("type")[:1]),
        doi=next(filter(None, (doi(n.removeprefix("info:doi/")) for n in numbers)), ""),
        authors=[Author(name=name) for name in texts("creator")],
        ids={"oai_id": record.findtext("{*}header/{*}identifier") or ""},
        language="".join(texts("language")[:1]),
        fields=texts("subject"),
    )
