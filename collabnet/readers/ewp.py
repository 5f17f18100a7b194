"""Erasmus Without Paper (XML): inter-institutional agreements, outgoing mobilities, institutions.

Source of the fields: the specifications of the EWP APIs `iias` (versions 6 and 7), `omobilities`
and `institutions`. Versions differ in their namespaces and in how they list academic years.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from collabnet.errors import InputError
from collabnet.identifiers import institution_id, iso_country
from collabnet.readers.agreements import Row, blank, build
from collabnet.readers.source import Source
from collabnet.records import Records

LARGEST = 64 << 20
"""Unpacked bytes above which no answer comes; parsed, they take ten times as much."""

ROOT = re.compile(
    r"<(?:\w+:)?((?:[io]mobilit|iia|institution|ounit|course)[a-z]*(?:-[a-z]+)*-response)\b"
)
YEAR = re.compile(r"(\d{4})/(\d{4})")
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
STAYED = ("live", "recognized")
"""Statuses of a stay that takes or took place; the others are plans, refusals, cancellations."""


def sniff(source: Source) -> bool:
    """Is it an answer that holds agreements, mobilities or institutions?"""
    is_xml = source.head.lstrip().startswith("<") and not source.is_html
    root = ROOT.search(source.head) if is_xml else None
    if root and root[1] not in READERS:
        source.fault = (
            f"an answer of Erasmus Without Paper with ids or counts only ({root[1]}). Save what "
            "the get endpoint answers instead."
        )
    return bool(root and root[1] in READERS)


def read(source: Source) -> Records:
    """Read an answer; drafts, and stays that did not take place, go to quarantine."""
    root = _parsed(source)
    if root.tag not in READERS:
        raise InputError(f"{source.name}: not one of the EWP answers {', '.join(READERS)}.")
    source.notes["version"] = root.tag
    rows: list[Row] = []
    refused = []
    for number, item in enumerate(root, 1):
        place = f"{item.tag} {number}"
        try:
            rows += [row | {"line": place} for row in READERS[root.tag](item)]
        except ValueError as error:
            refused.append(source.refuse(place, str(error)))
    if READERS[root.tag] is not _institution:
        return build(source, rows, refused, name="ewp", prefix="ewp:")
    if not rows:
        raise InputError(f"{source.name}: no institution could be read.")
    bodies = pd.DataFrame(rows).drop(columns="line").drop_duplicates("institution_id")
    source.notes["merged"] = len(rows) - len(bodies)
    return Records({"institutions": bodies, "quarantine": pd.DataFrame(refused)})


def _parsed(source: Source) -> Any:
    """Parse the XML, and take the namespaces off its names."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    with source.unpacked() as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise InputError(
            f"{source.name}: unpacks to more than {LARGEST >> 20} MB, as no EWP answer does. Save "
            "the answers one by one."
        )
    try:
        root = fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        raise InputError(
            f"{source.name}: XML with a document type or entities of its own, as no answer has. "
            "Get the file again."
        ) from None
    except (ParseError, LookupError, ValueError) as error:
        raise InputError(f"{source.name}: broken XML ({error}). Get the file again.") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _text(element: Any, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())


def _hei(element: Any, path: str = "hei-id") -> str:
    if not _text(element, path):
        raise ValueError(f"an institution has no {path}")
    return _text(element, path).lower()


def _agreement_id(partners: list[Any]) -> str:
    """Name an agreement as all its partners would: by the first of them in the alphabet."""
    ids = sorted((_hei(partner), _text(partner, "iia-id")) for partner in partners)
    return next((f"{hei}/{number}" for hei, number in ids if number), "")


def _agreement(iia: Any) -> list[Row]:
    partners = iia.findall("partner")
    identifier = _agreement_id(partners)
    if len(partners) < 2 or not identifier:
        raise ValueError("an agreement needs two partners and the iia-id of one of them")
    if _text(iia, "in-effect") in {"false", "0"}:
        raise ValueError("not in effect: a draft or a proposal")
    groups = iia.findall("cooperation-conditions")
    terms = [_condition(spec) for group in groups for spec in group]
    ended = any(group.get("terminated-as-a-whole") in {"true", "1"} for group in groups)
    years = sorted(year for term in terms for year in term["years"]) or [""]
    codes = {code for term in terms for code in term["isced"]}
    # A broad code says nothing beside the narrow one of the same agreement (version 6 has both).
    narrow = sorted(c for c in codes if not any(o != c and o.startswith(c) for o in codes))
    conditions = json.dumps(sorted(terms, key=json.dumps), ensure_ascii=False)
    agreement = blank(
        agreement_id=identifier,
        kind="agreement",
        type="inter-institutional agreement",
        title=" · ".join(filter(None, (_text(partner, "iia-code") for partner in partners))),
        status="terminated" if ended else "in effect" if _text(iia, "in-effect") else "",
        start=years[0][:4],
        end="" if ended else years[-1][5:],
        field=";".join(narrow),
        activity={"conditions": conditions},
    )
    return [agreement | _partner(partner, terms) for partner in partners]


def _partner(partner: Any, terms: list[Row]) -> Row:
    """Return a party, with the persons a year it may send; unknown where a condition is open."""
    hei, planned = _hei(partner), {}
    for who in ("student", "staff"):
        sent = [t["per_year"] for t in terms if t["sending"] == hei and t["type"].startswith(who)]
        planned[f"planned_{who}"] = None if not sent or None in sent else sum(sent)
    member = {name: pd.array([number], dtype="Int64")[0] for name, number in planned.items()}
    return {"partner": hei, "partner_id": hei, "unit": _text(partner, "ounit-id"), "member": member}


def _condition(spec: Any) -> Row:
    """Return what one condition says of mobility in one direction."""
    listed = [(e.text or "").strip() for e in spec if e.tag.endswith("academic-year-id")]
    years = sorted(filter(YEAR.fullmatch, listed))
    number = spec.find("mobilities-per-year")
    stated = number is not None and number.get("not-yet-defined") not in {"true", "1"}
    per_year = _text(spec, "mobilities-per-year") if stated else ""
    return {
        "type": spec.tag.removesuffix("-mobility-spec"),
        "sending": _hei(spec, "sending-hei-id"),
        "receiving": _hei(spec, "receiving-hei-id"),
        "years": years[:1] + years[-1:],
        "per_year": int(per_year) if per_year.isdecimal() else None,
        "isced": sorted({_text(area, ".") for area in spec.iter("isced-f-code")} - {""}),
    }


def _mobility(stay: Any) -> list[Row]:
    status, year = _text(stay, "status"), _text(stay, "receiving-academic-year-id")
    if status not in STAYED:
        raise ValueError(f"status {status!r}: a stay counts where it is one of {', '.join(STAYED)}")
    ends = {role: stay.find(f"{role}-hei") for role in ("sending", "receiving")}
    number = _text(stay, "omobility-id") or _text(stay, "mobility-id")
    if None in ends.values() or not number:
        raise ValueError("a mobility needs an omobility-id, a sending and a receiving institution")
    agreement = _agreement_id(list(ends.values()))
    level = _text(stay, "eqf-level-studied-at-departure")
    mobility = blank(
        agreement_id=f"{_hei(ends['sending'])}/{number}",
        kind="mobility",
        type=_text(stay, "activity-type") or "student-studies",
        start=year[:4],
        end=year[:4],
        amount="1",
        field=_text(stay, "nominee-isced-f-code"),
        part_of=agreement and f"ewp:{agreement}",
        activity={"academic_year": year, "level": level and f"EQF {level}"},
    )
    return [mobility | _partner(end, []) | {"role": role} for role, end in ends.items()]


def _institution(hei: Any) -> list[Row]:
    names = {n.get(LANGUAGE, ""): " ".join((n.text or "").split()) for n in hei.findall("name")}
    ids = {one.get("type"): one.text or "" for one in hei.findall("other-id")}
    erasmus = (institution_id(ids.get("erasmus", "").upper()) or "").partition("erasmus:")[2]
    places = [hei.find(f"{kind}-address") for kind in ("street", "mailing")]
    place = next((place for place in places if place is not None), hei)
    body: Row = {"institution_id": f"hei:{_hei(hei)}", "hei_id": _hei(hei), "erasmus_code": erasmus}
    body |= {"name": names.get("en") or next(iter(names.values()), ""), "pic": ids.get("pic")}
    body |= {"country": iso_country(_text(place, "country")), "city": _text(place, "locality")}
    languages = {language: name for language, name in names.items() if language}
    return [body | {"names": json.dumps(languages, ensure_ascii=False)}]


READERS: dict[str, Callable[[Any], list[Row]]] = {
    "iias-get-response": _agreement,
    "omobilities-get-response": _mobility,
    "institutions-response": _institution,
}
"""What reads one item of each answer."""
