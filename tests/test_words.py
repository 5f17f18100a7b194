"""What figures and the atlas say: every language complete, numbers, names, widths of texts."""

import json
from string import Formatter

import pytest

import collabnet as cn
from collabnet import words
from collabnet.errors import UnknownNameError
from conftest import ROOT

TRANSLATED = {"activities", "fields", "formulas", "units"}  # what sources and Python say in English
EN, FR = (words.words_of(lang) for lang in ("en", "fr"))


def blanks(text):
    """Return what a text leaves to be filled in."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def shape(value):
    """Return what must be alike in all languages: keys, number of forms, blanks."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return [blanks(form) for form in value] if isinstance(value, list) else blanks(value)


@pytest.mark.parametrize("lang", words.WORDS)
def test_every_language_says_the_same_things_with_the_same_blanks(lang):
    said = {part: of for part, of in words.WORDS[lang].items() if part not in TRANSLATED}
    assert shape(said) == shape(words.WORDS["en"])
    assert words.words_of(lang)["lang"] == lang


def test_what_is_said_in_english_is_translated(records):
    table = cn.profile(records)
    assert set(words.WORDS["fr"]["formulas"]) == set(table["indicator"])
    assert set(words.WORDS["fr"]["units"]) == set(table["unit"])
    assert set(records.activities["type"].dropna()) <= set(words.WORDS["fr"]["activities"])


def test_a_language_is_one_file():
    files = {path.stem for path in (ROOT / "collabnet" / "data" / "words").iterdir()}
    assert files == set(words.WORDS) == {"en", "fr"}


def test_the_language_of_the_settings_is_the_default(monkeypatch):
    monkeypatch.setattr("collabnet.settings.LANGUAGE", "fr")
    assert words.words_of(None)["work"] == "copublications"
    with pytest.raises(UnknownNameError, match="Known: en, fr"):
        words.words_of("xx")


def test_none_one_and_many_have_their_forms():
    said = [words.count(EN, "shown", n) for n in (0, 1, 1200)]
    assert said == ["no partner", "1 partner", "1,200 partners"]
    assert words.count(FR, "outside", 0) == ""


@pytest.mark.parametrize(
    ("value", "en", "fr"), [(1234.5, "1,234.5", "1\u202f234,5"), (0.3333, "0.33", "0,33")]
)
def test_numbers_are_written_as_the_language_does(value, en, fr):
    assert (words.number(value, EN), words.number(value, FR)) == (en, fr)


def test_a_capital_leaves_the_other_letters_alone():
    assert (words.capital("no SME"), words.capital("")) == ("No SME", "")


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ({"kind": "work", "years": (2019, 2024), "count": "full"}, ", full counting"),
        ({"kind": "work", "years": (2019, 2024)}, ""),
    ],
)
def test_a_note_is_told_with_its_years_and_its_counting(note, said):
    assert words.told(note, EN) == "co-publications 2019–2024" + said


def test_a_table_without_note_tells_nothing():
    assert words.told({}, EN) == ""
    assert words.spanned({}, EN) == "joint activities"
    assert words.spanned({"kind": "work", "years": (2024, 2024)}, EN) == "co-publications 2024"


def test_a_link_without_an_end_is_open():
    spans = [(2008, None), (2019, 2024), (2024, 2024), (None, None)]
    assert [words.years(*span, EN) for span in spans] == ["since 2008", "2019–2024", "2024", ""]


def test_an_institution_has_its_name_in_the_language_or_its_usual_one():
    liege = {"name": "University of Liège", "names": json.dumps({"fr": "Université de Liège"})}
    assert words.name_in(liege, "fr") == "Université de Liège"
    assert words.name_in(liege, "de") == words.name_in({**liege, "names": None}, "fr")


def test_a_text_is_written_as_it_stands_on_one_line():
    assert words.plain("R&D <b>$x$</b>") == "R&amp;D &lt;b&gt;&#36;x&#36;&lt;/b&gt;"
    assert words.plain("a\n b\x00\u202e") == "a b"
    assert words.plain("x" * 100) == "x" * 89 + "…"


def test_a_word_without_end_is_cut_as_a_shorter_one_is():
    assert words.wrap("x" * 10_000, 90, 12, 2) == words.wrap("x" * 100, 90, 12, 2)


def test_long_texts_are_wrapped_and_cut():
    assert words.wrap("University of Luxembourg", 90, 12, 2) == ["University of", "Luxembourg"]
    lines = words.wrap(
        "Rheinland-Pfälzische Technische Universität Kaiserslautern-Landau", 170, 12, 2
    )
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert all(words.text_width(line, 12) <= 170 for line in lines)
    assert words.text_width("mm", 10) > words.text_width("ii", 10)
