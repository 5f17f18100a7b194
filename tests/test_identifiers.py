"""Identifiers: however a code or name is written, it has one normal form."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collabnet.identifiers import doi, institution_id, iso_country, name_key


@pytest.mark.parametrize(
    ("written", "normal"),
    {
        "00afp2z80": "00afp2z80",
        "https://ror.org/00afp2z80": "00afp2z80",
        "http://ror.org/00AFP2Z80/": "00afp2z80",
        "ror.org/00afp2z80": "00afp2z80",
        " 00afp2z80\n": "00afp2z80",
        "I157674565": "openalex:I157674565",
        "https://openalex.org/i157674565": "openalex:I157674565",
        "https://openalex.org/institutions/I157674565": "openalex:I157674565",
        "openalex:I157674565": "openalex:I157674565",
        "999976105": "pic:999976105",
        "PIC: 999976105": "pic:999976105",
        "B LIEGE01": "erasmus:B LIEGE01",
        "B  LIEGE01": "erasmus:B LIEGE01",
        "B\u00a0 LIEGE01": "erasmus:B LIEGE01",
        "erasmus:B LIEGE01": "erasmus:B LIEGE01",
        "NL MAASTRI01": "erasmus:NL MAASTRI01",
        "UK LONDON001": "erasmus:UK LONDON001",
        "E\u00a0 TOLEDO3": "erasmus:E TOLEDO3",
        "F\u00a0 PARIS 063": "erasmus:F PARIS063",
        "IRLDUBLIN01": "erasmus:IRLDUBLIN01",
        "LUXLUX-VIL01": "erasmus:LUXLUX-VIL01",
        "uliege.be": "hei:uliege.be",
        "ULIEGE.BE": "hei:uliege.be",
        "hei:unilu.ac.cd": "hei:unilu.ac.cd",
    }.items(),
)
def test_an_identifier_has_one_normal_form(written, normal):
    assert institution_id(written) == normal
    assert institution_id(normal) == normal


@pytest.mark.parametrize(
    "written",
    [
        *("", "Liège", "00afp2z8", "00afp2z800", "00ifp2z80", "W2741809807", "99997610"),
        *("9999761050", "UNILU01", "UNILU", "b liege01", "university of liege.", "name:liege|BE"),
        *(None, pd.NA, 5),
    ],
)
def test_what_is_no_identifier_is_none(written):
    assert institution_id(written) is None


@pytest.mark.filterwarnings("ignore:Unknown extension:UserWarning")
def test_every_erasmus_code_of_the_official_list_but_its_misprint_is_understood(real):
    import openpyxl

    book = openpyxl.load_workbook(real / "erasmus" / "ECHE_list_2025-05-13.xlsx", read_only=True)
    cells = book.worksheets[0].iter_rows(min_row=3, min_col=2, max_col=2, values_only=True)
    codes = [code for (code,) in cells if code]
    book.close()
    assert len({institution_id(code) for code in codes}) == len(codes) == 5891
    assert [code for code in codes if institution_id(code) is None] == ["RSPROKUP01"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        *(("EL", "GR"), ("UK", "GB"), ("NA", "NA"), (" be ", "BE"), ("XK", "XK"), ("CD", "CD")),
        *((none, None) for none in ("", None, pd.NA, "B", "BEL", "??", "ÉÉ", 56)),
    ],
)
def test_a_country_is_an_iso_code_of_two_letters(written, code):
    assert iso_country(written) == code


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://doi.org/10.1000/ABC", "10.1000/abc"),
        ("http://dx.doi.org/10.1000/abc", "10.1000/abc"),
        ("DOI:10.1000/abc", "10.1000/abc"),
        ("10.1002/(sici)1097(19980815)17:15<1661::aid-sim968>3.0.co;2-2",) * 2,
        ("https://example.org/10.1000/abc", None),
        ("", None),
        (None, None),
    ],
)
def test_a_doi_is_bare_and_in_lower_case(written, normal):
    assert doi(written) == normal


@pytest.mark.parametrize(
    "same",
    [
        ("Université de Liège", "UNIVERSITE DE LIEGE", "Universite\u0301 de Lie\u0300ge"),
        ("The University of Liège", "University of  Liege", "University of Liège."),
        (
            "Technische Universität Kaiserslautern-Landau",
            "technische universitat kaiserslautern landau",
        ),
        ("Aix–Marseille Université", "aix-marseille universite"),
        ("Straße", "STRASSE"),
        (None, pd.NA, "", "—"),
    ],
)
def test_names_are_compared_without_case_accents_and_punctuation(same):
    assert len({name_key(name) for name in same}) == 1


def test_different_names_stay_different():
    names = ["Université de Liège", "University of Liège", "Université du Luxembourg", "Theatre"]
    assert len({name_key(name) for name in names}) == 4


@given(st.text() | st.none() | st.integers())
def test_any_text_has_a_normal_form_that_is_its_own(text):
    for form in (institution_id, iso_country, doi):
        once = form(text)
        assert once is None or form(once) == once
    assert name_key(name_key(text)) == name_key(text) or name_key(text).startswith("the ")
