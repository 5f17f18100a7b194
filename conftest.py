"""Names every docstring example may use."""

import pytest


@pytest.fixture(autouse=True)
def _names(request):
    if isinstance(request.node, pytest.DoctestItem):
        import pandas as pd

        import collabnet as cn

        request.getfixturevalue("doctest_namespace").update(cn=cn, pd=pd)
