"""The joint activities of one institution are those of its links."""

import pandas as pd
import pytest

import collabnet as cn
from collabnet.links import joint
from conftest import ROOT


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """Return a store of the shipped data."""
    return cn.ingest([ROOT / "data"], tmp_path_factory.mktemp("shipped") / "store")


@pytest.mark.parametrize("kind", ["work", "agreement", "project"])
def test_joint_activities_of_an_institution_add_up_to_its_links(shipped, kind):
    home, years = "00afp2z80", (2019, 2024)
    rows = joint(shipped, kind, home, years=years)
    links = cn.around(cn.edges(shipped, kind, years=years, count="fractional"), home)
    shares = rows.dropna(subset="partner").assign(share=lambda table: 1 / (table["n"] - 1))
    found = shares.groupby("partner")["share"].agg(["sum", "size"])
    assert found.index.tolist() == links["partner"].tolist()
    assert found["sum"].to_numpy() == pytest.approx(links["weight"])
    assert found["size"].tolist() == links["activities"].tolist()


def test_an_activity_of_an_institution_alone_is_among_its_joint_ones_without_a_partner():
    works = pd.DataFrame({"activity_id": ["p1"], "kind": "work", "start": "2024"})
    authors = pd.DataFrame({"activity_id": ["p1"], "institution_id": ["L"]})
    records = cn.Records({"activities": works, "participants": authors})
    (row,) = joint(records, "work", "L").to_dict("records")
    assert pd.isna(row["partner"])
    assert (row["activity"], row["first"], row["last"], row["n"]) == ("p1", 2024, 2024, 1)
