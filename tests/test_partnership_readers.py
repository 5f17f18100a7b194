"""Projects, agreements and mobility as the EU's own systems export them."""

import gzip
import json
import tracemalloc
import zipfile
from collections import Counter

import pytest
from files import assert_same, put, put_xlsx, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import collabnet as cn
from collabnet import readers
from collabnet.readers import erasmus, ewp

LIEGE_PIC, OTHER_PIC = "999976105", "999997930"


def read_one(folder, name, content, **options):
    return cn.read(put(folder, name, content), **options)


def source_of(records):
    return {k: records.provenance["sources"][0][k] for k in ("format", "read", "kept")}


# CORDIS

PROJECTS = """"id";"acronym";"status";"title";"startDate";"endDate";"totalCost";"legalBasis"\
;"topics";"frameworkProgramme";"fundingScheme";"objective";"contentUpdateDate"
"101";"ALPHA";"SIGNED";"Alpha; a title";"2023-01-01";"2026-12-31";"1.234.567,5";"HORIZON.2.1";"T-1"\
;"HORIZON";"HORIZON-RIA";"on two
lines";"2024-01-15 10:00:00"
"102";"BETA";"CLOSED";"Nobody is named";"";"";"";"";"";"HORIZON";"";"";""
"104";"DELTA";"CLOSED";"A wrong date";"soon";"";"";"";"";"HORIZON";"";"";""
"""
ORGANISATIONS = f""""projectID";"projectAcronym";"organisationID";"name";"activityType"\
;"country";"role";"ecContribution";"netEcContribution";"endOfParticipation"
"101";"ALPHA";"{LIEGE_PIC}";"UNIVERSITE DE LIEGE";"HES";"BE";"coordinator";"1000.5";"";"false"
"101";"ALPHA";"{OTHER_PIC}";"CNRS";"REC";"EL";"associatedPartner";"1000,5";"7";"true"
"103";"GAMMA";"{OTHER_PIC}";"CNRS";"REC";"XK";"thirdParty";"";"";"2024-06-30"
"""
SUBJECTS = """"projectID";"euroSciVocCode";"euroSciVocPath";"euroSciVocTitle"
"101";"/23/45";"/natural sciences/physics";"physics"
"101";"/25";"/engineering";"engineering"
"999";"/25";"/engineering";"engineering"
"""
PARTS = {"project.csv": PROJECTS, "organization.csv": ORGANISATIONS, "euroSciVoc.csv": SUBJECTS}


def put_zip(folder, name, members):
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return folder / name


@pytest.fixture
def unpacked(tmp_path):
    for name, content in PARTS.items():
        put(tmp_path, f"cordis/{name}", content)
    return tmp_path / "cordis"


def test_a_cordis_zip_gives_projects_with_dates_parties_and_subjects(tmp_path):
    records = cn.read(put_zip(tmp_path, "c.zip", {f"csv/{n}": text for n, text in PARTS.items()}))
    columns = ("activity_id", "title", "start", "end", "end_status", "amount", "programme", "type")
    assert rows(records.activities, *columns) == [
        [
            *("cordis:101", "Alpha; a title", "2023-01-01", "2026-12-31", "known", 1234567.5),
            *("HORIZON", "HORIZON-RIA"),
        ],
        ["cordis:102", "Nobody is named", None, None, "unknown", None, "HORIZON", None],
        ["cordis:103", "GAMMA", None, None, "unknown", None, "EU framework programme", None],
    ]
    columns = ("activity_id", "role", "country", "contribution", "net_contribution", "until")
    assert rows(records.participants, *columns, "left_early") == [
        ["cordis:101", "coordinator", "BE", 1000.5, None, None, False],
        ["cordis:101", "associatedPartner", "GR", 1000.5, 7.0, None, True],
        ["cordis:103", "thirdParty", "XK", None, None, "2024-06-30", False],
    ]
    assert rows(records.fields, "activity_id", "scheme", "code", "share") == [
        ["cordis:101", "euroscivoc", "natural sciences/physics", 0.5],
        ["cordis:101", "euroscivoc", "engineering", 0.5],
    ]
    assert rows(records.quarantine, "record", "reason") == [
        ["csv/project.csv, line 5", "start is no date: 104"],
        ["csv/euroSciVoc.csv, line 4", "no project of this number: 999"],
    ]


def test_a_cordis_folder_zip_and_each_of_its_files_are_the_same(tmp_path, unpacked):
    expected = cn.read(put_zip(tmp_path, "c.zip", PARTS))
    folder = cn.read(unpacked)
    assert [s["file"] for s in folder.provenance["sources"]] == ["project.csv"]
    assert folder.provenance["unrecognised"] == []
    for found in (
        folder,
        cn.read(unpacked / "organization.csv"),
        cn.read(unpacked / "project.csv"),
    ):
        for table in ("activities", "participants", "institutions", "fields"):
            left, right = (getattr(one, table) for one in (found, expected))
            place = ["source", "record"]
            same = left.drop(columns=place, errors="ignore")
            assert same.equals(right.drop(columns=place, errors="ignore")), table
        assert len(found.quarantine) == 2


def test_projects_without_organisations_are_no_source_and_organisations_alone_are(unpacked):
    (unpacked / "project.csv").unlink()
    alone = cn.read(unpacked / "organization.csv")
    assert rows(alone.activities, "activity_id", "title", "start") == [
        ["cordis:101", "ALPHA", None],
        ["cordis:103", "GAMMA", None],
    ]
    put(unpacked, "project.csv", PROJECTS)
    (unpacked / "organization.csv").unlink()
    with pytest.raises(cn.InputError, match="columns no reader knows"):
        cn.read(unpacked / "project.csv")


def test_project_dates_that_come_later_replace_none(tmp_path, unpacked):
    put(tmp_path, "first/organization.csv", ORGANISATIONS)
    cn.ingest([tmp_path / "first"], tmp_path / "store")
    store = cn.ingest([unpacked], tmp_path / "store")
    dates = store.activities.set_index("activity_id")["start"]
    assert (dates["cordis:101"], len(store.participants)) == ("2023-01-01", 3)


def test_paths_that_leave_a_zip_are_read_in_place_and_written_nowhere(tmp_path):
    outside = {f"../../{name}": text for name, text in PARTS.items()}
    (tmp_path / "in").mkdir()
    records = cn.read(put_zip(tmp_path / "in", "c.zip", outside))
    assert records.counts()["project"] == 3
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["c.zip", "in"]


def test_a_cordis_zip_bomb_and_a_zip_without_participations_are_told(tmp_path, monkeypatch):
    grown = {name: text + "\n" * 90_000 for name, text in PARTS.items()}
    bomb = put_zip(tmp_path, "bomb.zip", grown)
    for limit, said in ((80_000, "would unpack to"), (150_000, "far too large")):
        monkeypatch.setitem(readers.cordis.LARGEST, "zip", limit)
        with pytest.raises(cn.InputError, match=rf"bomb\.zip: .*{said}"):
            cn.read(bomb)
    monkeypatch.undo()
    other = put_zip(tmp_path, "other.zip", {"project.csv": PROJECTS})
    with pytest.raises(cn.InputError, match=r"other\.zip: a table with columns no reader knows"):
        cn.read(other)


def test_one_organisation_of_two_programmes_is_one_institution(real):
    records = cn.read(real / "cordis" / "organization_verbatim_rows.csv")
    twice = records.participants["institution_id"].value_counts()
    assert (len(records.participants), len(records.institutions), twice.max()) == (10, 9, 2)
    assert records.participants["net_contribution"].isna().sum() == 1


# Erasmus Without Paper


def iia(*conditions, attributes="", effect="<in-effect>true</in-effect>", ids=("1", "")):
    partners = "".join(
        f"<partner><hei-id>{hei}</hei-id>{f'<iia-id>{number}</iia-id>' if number else ''}"
        f"<iia-code>code {hei}</iia-code></partner>"
        for hei, number in zip(("uliege.be", "uni.example"), ids, strict=True)
    )
    specs = "".join(conditions)
    return (
        f'<iias-get-response xmlns="urn:v"><iia>{partners}{effect}<cooperation-conditions '
        f"{attributes}>{specs}</cooperation-conditions></iia></iias-get-response>"
    )


def spec(
    kind="student-studies", *, per_year="<mobilities-per-year>2</mobilities-per-year>", back=0
):
    heis = ["uliege.be", "uni.example"][:: -1 if back else 1]
    return (
        f"<{kind}-mobility-spec><sending-hei-id>{heis[0]}</sending-hei-id><receiving-hei-id>"
        f"{heis[1]}</receiving-hei-id><receiving-first-academic-year-id>2021/2022"
        "</receiving-first-academic-year-id><receiving-last-academic-year-id>2026/2027"
        f"</receiving-last-academic-year-id>{per_year}<subject-area><isced-f-code>0314"
        f"</isced-f-code></subject-area></{kind}-mobility-spec>"
    )


def test_an_agreement_is_the_same_in_versions_6_and_7(real):
    old, new = (cn.read(real / "ewp" / f"get-response-v{n}.xml") for n in (6, 7))
    for records in (old, new):
        conditions = json.loads(records.activities["conditions"].iloc[0])
        assert [(c["type"], c["per_year"]) for c in conditions] == [
            ("staff-teacher", 2),
            ("student-studies", None),
        ]
        del records.activities["conditions"]
    assert_same(old, new)


def test_the_examples_of_versions_6_and_7_are_one_agreement(real):
    files = ("get-response-v6.xml", "get-response-example.xml")
    old, new = (cn.read(real / "ewp" / name) for name in files)
    expected = ["ewp:hibo.no/1954991", "agreement", "2014", "2021", "known", "in effect"]
    for records in (old, new):
        columns = ("activity_id", "kind", "start", "end", "end_status", "status")
        assert rows(records.activities, *columns) == [expected]
        assert rows(records.participants, "institution_id", "role", "position") == [
            ["hei:uw.edu.pl", "signatory", 1],
            ["hei:hibo.no", "signatory", 2],
        ]
        assert rows(records.fields, "scheme", "code", "share") == [["isced-f", "0314", 1.0]]
    both = old + new
    assert (both.counts()["agreement"], both.provenance["merged"]) == (1, 1)
    assert rows(new.participants, "planned_student", "planned_staff") == [[12, 2], [None, 4]]


def test_planned_mobility_is_no_flow(real):
    records = cn.read(real / "ewp" / "get-response-example.xml")
    assert "mobility" not in records.counts()
    assert cn.flows(records).empty


def test_a_number_not_yet_defined_is_unknown_and_so_is_its_sum(tmp_path):
    open_ = '<mobilities-per-year not-yet-defined="true">3</mobilities-per-year>'
    text = iia(spec(), spec("student-traineeship", per_year=open_), spec("staff-training", back=1))
    people = read_one(tmp_path, "a.xml", text).participants
    assert rows(people, "planned_student", "planned_staff") == [[None, None], [None, 2]]


def test_both_partners_answers_are_one_agreement(tmp_path):
    ours, theirs = iia(spec(), ids=("1", "")), iia(spec(), ids=("1", "X"))
    put(tmp_path, "ours.xml", ours)
    put(tmp_path, "theirs.xml", theirs)
    assert cn.read(tmp_path).activities["activity_id"].tolist() == ["ewp:uliege.be/1"]


def test_an_agreement_ended_as_a_whole_has_no_known_end(tmp_path):
    ended = read_one(tmp_path, "a.xml", iia(spec(), attributes='terminated-as-a-whole="true"'))
    columns = ("status", "start", "end", "end_status")
    assert rows(ended.activities, *columns) == [["terminated", "2021", None, "unknown"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            iia(spec(), effect="<in-effect>false</in-effect>"),
            "not in effect: a draft or a proposal",
        ),
        (iia(spec(), ids=("", "")), "needs two partners and the iia-id"),
        (iia(spec().replace("uliege.be", "", 1)), "an institution has no sending-hei-id"),
        ("<iias-get-response/>", "it has a header and no row"),
        ("<institutions-response/>", "no institution could be read"),
        ("<iias-get-response><iia>", r"broken XML \(no element found"),
        (
            '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><iias-get-response>&b;'
            "</iias-get-response>",
            "XML with a document type or entities",
        ),
        (
            '<!DOCTYPE x SYSTEM "file:///etc/passwd"><iias-get-response><iia/></iias-get-response>',
            "XML with a document type or entities",
        ),
        ("<iias-index-response><iia-id>1</iia-id></iias-index-response>", "ids or counts only"),
        ("<html><iias-get-response/></html>", "this is a web page, not data"),
    ],
)
def test_an_answer_that_cannot_be_read_is_told_in_a_sentence(tmp_path, text, said):
    with pytest.raises(cn.InputError, match=said):
        read_one(tmp_path, "a.xml", text)


def test_a_packed_answer_that_grows_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ewp, "LARGEST", 100_000)
    text = iia(spec()).replace("<iia>", " " * 10_000_000 + "<iia>")
    path = put(tmp_path, "a.xml", gzip.compress(text.encode()))
    tracemalloc.start()
    with pytest.raises(cn.InputError, match="unpacks to more than"):
        cn.read(path)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_index_and_stats_are_left_alone_in_a_folder(real):
    records = cn.read(real / "ewp")
    assert records.provenance["unrecognised"] == [
        "index-response-example.xml",
        "stats-response-example.xml",
    ]
    counts = records.counts()
    sizes = [counts[n] for n in ("agreement", "mobility", "participants", "institutions", "fields")]
    assert sizes == [2, 1, 6, 5, 2]


def test_an_outgoing_mobility_is_a_flow_of_one_without_the_person(real):
    records = cn.read(real / "ewp" / "omobilities-get-response-example.xml", with_names=True)
    columns = ("start", "amount", "type", "level", "academic_year", "part_of")
    assert rows(records.activities, *columns) == [
        [
            *("2009", 1.0, "student-studies", "EQF 8", "2009/2010"),
            "ewp:uio.no/dd87538e-49e3-44ae-844e-55ad1b819ce9",
        ]
    ]
    assert cn.flows(records).to_numpy().tolist() == [["hei:uio.no", "hei:uw.edu.pl", 1.0, 1]]
    everything = " ".join(getattr(records, t).to_csv() for t in ("activities", "participants"))
    assert not any(word in everything for word in ("Sidorov", "1985", "ivan", "citizen"))


def test_a_nominated_student_has_not_gone(tmp_path, real):
    path = real / "ewp" / "omobilities-get-response-example.xml"
    text = path.read_text(encoding="utf-8").replace("<status>live", "<status>nomination")
    with pytest.raises(cn.InputError, match="status 'nomination': a stay counts where"):
        read_one(tmp_path, "m.xml", text)


def test_an_institution_answer_names_the_institution_in_its_languages(real):
    bodies = cn.read(real / "ewp" / "institutions-response-example.xml").institutions
    columns = ("institution_id", "name", "country", "city", "erasmus_code", "hei_id")
    assert rows(bodies, *columns) == [
        ["hei:uio.no", "University of Oslo", "NO", "Oslo", "N OSLO01", "uio.no"]
    ]
    assert json.loads(bodies["names"].iloc[0])["no"] == "Universitetet i Oslo"


# Erasmus+ mobility

RAW = [
    *("Project Reference", "Academic Year", "Activity (mob)", "Field of Education"),
    *("Education Level", "Sending Country Code", "Sending Organization"),
    *("Sending Organisation Erasmus Code", "Receiving Country Code", "Receiving Organization"),
    *("Receiving Organisation Erasmus Code", "Participants"),
]
STUDY = ["P1", "2019-2020", "Student mobility", "0311 - Economics", "ISCED-7"]
MOVES = [
    [*STUDY, "BE", "Université de Liège", "B   LIEGE01", "EL", "Aristotle", "G THESSAL01", "3"],
    [*STUDY, "BE", "UNIVERSITE DE LIEGE", "B  LIEGE01", "EL", "Aristotle", "G THESSAL01", "4"],
    ["P2", *STUDY[1:3], "? Unknown ?", "", "UK", "A school", "-", "BE", "Liège", "B LIEGE01", "2"],
    ["P3", *STUDY[1:], "BE", "Liège", "B  LIEGE01", "BE", "Liège", "B  LIEGE01", "1"],
    ["P4", *STUDY[1:], "BE", "Liège", "B  LIEGE01", "??", "", "-", "9"],
    ["P5", *STUDY[1:], "Belgium", "Liège", "B  LIEGE01", "FR", "", "", "9"],
    ["P6", *STUDY[1:], "BE", "Liège", "B  LIEGE01", "FR", "", "", "about 5"],
    ["P7"],
]


def clean(name):
    return name.lower().replace(" (", "_").replace(")", "").replace(" ", "_")


@pytest.mark.parametrize(("names", "delimiter"), [(RAW, ";"), (list(map(clean, RAW)), ",")])
def test_persons_are_added_up_and_rows_not_counted(tmp_path, names, delimiter):
    text = "\n".join(delimiter.join(line) for line in [names, *MOVES])
    records = read_one(tmp_path, "ka1.csv", text)
    assert source_of(records) == {"format": "erasmus", "read": 8, "kept": 5}
    columns = ("amount", "start", "end", "type", "level", "academic_year")
    assert rows(records.activities, *columns) == [
        [7.0, "2019", "2019", "Student mobility", "ISCED-7", "2019-2020"],
        [2.0, "2019", "2019", "Student mobility", "", "2019-2020"],
        [1.0, "2019", "2019", "Student mobility", "ISCED-7", "2019-2020"],
        [9.0, "2019", "2019", "Student mobility", "ISCED-7", "2019-2020"],
    ]
    assert rows(records.participants, "institution_id", "role", "country") == [
        ["erasmus:B LIEGE01", "sending", "BE"],
        ["erasmus:G THESSAL01", "receiving", "GR"],
        ["name:a school|GB", "sending", "GB"],
        ["erasmus:B LIEGE01", "receiving", "BE"],
        ["erasmus:B LIEGE01", "sending", "BE"],
        ["erasmus:B LIEGE01", "receiving", "BE"],
        ["erasmus:B LIEGE01", "sending", "BE"],
        [None, "receiving", None],
    ]
    assert records.fields["code"].tolist() == ["0311"] * 3
    assert rows(records.quarantine, "record", "reason") == [
        ["line 7", "sending country 'Belgium' is no code of two letters"],
        ["line 8", "participants 'about 5' is not a whole number"],
        ["line 9", "1 columns where the header has 12"],
    ]


def test_country_flows_of_2013_add_up(real):
    records = cn.read(real / "erasmus" / "erasmus_country_flows_2013_14.csv")
    assert source_of(records) == {"format": "erasmus", "read": 928, "kept": 928}
    amount = records.activities.set_index("activity_id")["amount"]
    people = records.participants
    belgian = people.query("role == 'sending' and country == 'BE'")["activity_id"]
    assert (len(amount), amount.sum(), amount[belgian].sum()) == (928, 212_208, 6247)
    assert people["country"].nunique() == 34
    assert records.activities["start"].isna().all()


# Erasmus+ projects

GRANT = "EU Grant award in euros (This amount represents the grant awarded)"
RESULTS = [
    *("Programme", "Key Action", "Action Type", "Call year", "Start Date", "End Date"),
    *("Project Identifier", "Project Title", GRANT, "Participating countries"),
    *("Coordinating organisation name", "Coordinator's country", "Partner 1 name"),
    *("Partner 1 country", "Partner 2 organisation name", "Partner 2 country"),
]
RESULT = [
    *("Erasmus+", "KA2", "Strategic Partnerships", "2020", "2020-09-01", "2023-08-31"),
    *("2020-1-BE01-KA203-000001", "A made-up title", "1,234.5", "BE,FR,EL"),
    *("Université de Liège", "BE", "Université de Lorraine", "France", "A Greek school", "EL"),
]


def test_a_project_result_is_one_project_with_all_its_partners(tmp_path):
    wide = [f"Partner {n} {what}" for n in range(3, 90) for what in ("name", "country", "website")]
    last = [*[""] * (len(wide) - 3), "The last", "NL", ""]
    records = cn.read(
        put_xlsx(tmp_path, "e.xlsx", ["A banner"], [*RESULTS, *wide], [*RESULT, *last])
    )
    columns = ("activity_id", "kind", "type", "start", "end", "amount")
    assert rows(records.activities, *columns) == [
        [
            *("erasmus:2020-1-BE01-KA203-000001", "project", "Strategic Partnerships"),
            *("2020-09-01", "2023-08-31", 1234.5),
        ]
    ]
    assert rows(records.participants, "affiliation", "role", "country") == [
        ["Université de Liège", "coordinator", "BE"],
        ["Université de Lorraine", "partner", "FR"],
        ["A Greek school", "partner", "GR"],
        ["The last", "partner", "NL"],
    ]
    assert source_of(records) == {"format": "erasmus-projects", "read": 1, "kept": 1}


def test_a_project_result_whose_date_is_none_is_listed_once(tmp_path):
    bad = ["soon" if cell == "2020-09-01" else cell for cell in RESULT]
    text = "\n".join("\t".join(line) for line in (RESULTS, RESULT, bad))
    records = read_one(tmp_path, "e.tsv", text)
    assert records.quarantine["record"].tolist() == ["line 3"]
    assert source_of(records) == {"format": "erasmus-projects", "read": 2, "kept": 1}


# Interreg


def test_interreg_partners_are_read_whole(real):
    path = real / "interreg" / "rawdata.json"
    given = json.loads(path.read_text(encoding="utf-8"))
    records = cn.read(path)
    assert source_of(records) == {"format": "interreg", "read": 1196, "kept": 1196}
    people, acts = records.participants, records.activities
    named = {(g["program"], g["projektnamn"], g["organisationsnamn"]) for g in given}
    named = [one for one in named if one[2]]
    unnamed = sum(not g["organisationsnamn"] for g in given)
    assert (len(acts), people["institution_id"].isna().sum()) == (586, unnamed)
    assert abs(len(people) - len(named) - unnamed) <= 2  # two are written with other accents
    assert set(people["country"]) == {"SE"}
    assert set(people["role"]) == {"coordinator", "partner", "associated partner"}
    assert people["institution_id"].str.startswith("name:").sum() == len(people) - unnamed


def test_interreg_dates_that_cannot_be_are_kept_as_far_as_they_are_known(real):
    acts = cn.read(real / "interreg" / "rawdata.json").activities
    doubtful = acts[acts["note"] != ""]
    assert rows(doubtful, "end", "end_status") == [
        ["2027-02", "known"],
        ["2026-09", "known"],
        [None, "unknown"],
    ]


def partner(project, name, role="PP", **facts):
    dates = {"startdatum": "2023-01-01", "slutdatum": "2025-12-31"}
    named = {"program": "AURORA", "projektnamn": project, "organisationsnamn": name}
    return named | dates | {"organisationsroll": role, "land": "Sverige"} | facts


def test_the_interreg_partner_who_comes_later_is_a_member_from_then(tmp_path):
    given = [
        partner("X", "Lead", "LP"),
        partner("X", "Later", startdatum="2024-05-01"),
        partner("X", None),
        partner("X", None),
        {"program": "AURORA"},
        7,
    ]
    records = read_one(tmp_path, "i.json", json.dumps(given))
    assert rows(records.participants, "affiliation", "role", "since", "country") == [
        ["Lead", "coordinator", None, "SE"],
        ["Later", "partner", "2024-05-01", "SE"],
        [None, "partner", None, "SE"],
        [None, "partner", None, "SE"],
    ]
    assert records.quarantine["record"].tolist() == ["item 5", "item 6"]
    with pytest.raises(cn.InputError, match=r"i\.json: broken JSON"):
        read_one(tmp_path, "i.json", json.dumps(given)[:-5])


# Every real file, and anything at all


@pytest.mark.slow
def test_every_real_file_of_these_kinds_is_known_without_its_name(real, tmp_path):
    known = {
        "cordis/h2020.csv.gz": ("cordis", 144_726),
        "cordis/organization_verbatim_rows.csv": ("cordis", 10),
        "ewp/01-A-get-response.part.xml": ("ewp", 1),
        "ewp/get-response-example.xml": ("ewp", 1),
        "ewp/get-response-v6.xml": ("ewp", 1),
        "ewp/get-response-v7.xml": ("ewp", 1),
        "ewp/institutions-response-example.xml": ("ewp", 1),
        "ewp/omobilities-get-response-example.xml": ("ewp", 1),
        "erasmus/erasmus_country_flows_2013_14.csv": ("erasmus", 928),
        "interreg/rawdata.json": ("interreg", 1196),
    }
    store = cn.ingest([real / name for name in known], tmp_path / "store")
    found = {s["file"]: (s["format"], s["kept"]) for s in store.provenance["sources"]}
    assert found == {name.partition("/")[2]: said for name, said in known.items()}
    kinds = {"project": 31_451 + 10 + 586, "mobility": 928 + 1, "agreement": 2}
    assert Counter(store.activities["kind"]) == kinds


def test_funds_without_a_reader_are_told_with_the_way_out(real):
    path = real / "structural_funds" / "all_funds_data_luxembourg_2007-2020.csv"
    with pytest.raises(cn.InputError, match=r"columns no reader knows .*--mapping FILE\.toml"):
        cn.read(path)


ANYTHING = settings(
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CELLS = st.text(max_size=5) | st.sampled_from(
    ["BE", "EL", "2020-2021", "B  LIEGE01", "-", "3", "5"]
)
TAGS = st.sampled_from(
    [
        *("iia", "partner", "hei-id", "iia-id", "cooperation-conditions", "in-effect"),
        *("student-studies-mobility-spec", "sending-hei-id", "receiving-hei-id", "isced-f-code"),
        *("mobilities-per-year", "sending-hei", "receiving-hei", "status", "omobility-id", "name"),
        *("receiving-academic-year-id", "other-id", "street-address", "country"),
    ]
)
ELEMENTS = st.recursive(
    st.sampled_from(["uliege.be", "1", "2020/2021", "live", "", "é"]),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", TAGS, st.lists(inner, max_size=4)
    ),
    max_leaves=20,
)


def read_or_refused(path):
    try:
        records = cn.read(path)
    except cn.CollabnetError as error:
        return path.name in str(error)
    one = records.provenance["sources"][0]
    assert one["read"] == one["kept"] + one["quarantined"] + one["merged"]
    return one["quarantined"] == len(records.quarantine)


@ANYTHING
@given(st.sampled_from(sorted(ewp.READERS)), ELEMENTS)
def test_any_answer_is_read_or_refused(tmp_path, root, inner):
    assert read_or_refused(put(tmp_path, "a.xml", f"<{root}>{inner}</{root}>"))


@ANYTHING
@given(st.sampled_from([RAW, RESULTS]), st.lists(st.lists(CELLS, max_size=18), max_size=4))
def test_any_erasmus_table_is_read_or_refused(tmp_path, header, lines):
    lines = [[*line, *[""] * len(header)][: len(header)] for line in lines] + lines
    text = "\n".join(";".join(line) for line in [header, *lines])
    assert read_or_refused(put(tmp_path, "a.csv", text.encode("utf-8", "surrogatepass")))


LEAVES = st.none() | st.integers() | st.text(max_size=4) | st.lists(st.none(), max_size=1)
KEYS = st.sampled_from([*readers.interreg.NEEDED, "projekttyp", "specifiktmal"])


@ANYTHING
@given(st.lists(st.dictionaries(KEYS, LEAVES, max_size=8) | LEAVES, max_size=4))
def test_any_interreg_list_is_read_or_refused(tmp_path, items):
    whole = [partner("X", "Y"), *items]
    assert read_or_refused(put(tmp_path, "a.json", json.dumps(whole)))


def test_the_column_of_the_grant_is_known_by_its_beginning():
    assert [erasmus._key(name) for name in (GRANT, "Coordinator's name", "Activity (mob)")] == [
        "amount",
        "coordinating_organisation_name",
        "activity_mob",
    ]
