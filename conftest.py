"""Names every docstring example may use, and what notebooks are compared by."""

import pytest


@pytest.fixture(autouse=True)
def _names(request):
    if isinstance(request.node, pytest.DoctestItem):
        import pandas as pd

        import collabnet as cn

        request.getfixturevalue("doctest_namespace").update(cn=cn, pd=pd)


def pytest_collection_modifyitems(items):
    """Compare the tables of notebooks as plain text: their HTML is not stored."""
    for item in items:
        if hasattr(item.parent, "skip_compare"):  # a notebook, read by nbval
            item.parent.skip_compare = (*item.parent.skip_compare, "text/html")
