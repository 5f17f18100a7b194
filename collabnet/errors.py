"""What collabnet raises: few kinds, all `ValueError`, one clear sentence each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Integral


class CollabnetError(ValueError):
    """Base of everything collabnet raises on purpose."""


class InputError(CollabnetError):
    """A file or folder could not be read as what it was taken for."""


class FetchError(CollabnetError):
    """A server cannot be reached or refuses, or what it sends cannot be kept."""


class SchemaError(CollabnetError):
    """A table lacks a column, or holds a value the data model does not allow."""


class UnknownNameError(CollabnetError):
    """A name (region, institution, level, format …) is not one of those known.

    The message lists the nearest names, or all of them where they are few.
    """

    def __init__(self, what: str, given: object, known: Iterable[str]) -> None:
        names = sorted(map(str, known))
        close = difflib.get_close_matches(str(given).casefold(), names, n=3, cutoff=0.6)
        if close:
            hint = f"Did you mean {' or '.join(map(repr, close))}?"
        elif len(names) <= 20:
            hint = f"Known: {', '.join(names) or 'none'}."
        else:
            hint = f"There are {len(names)} of them, among which {', '.join(names[:8])} …"
        super().__init__(f"Unknown {what} {str(given)!r}. {hint}")


class StoreError(CollabnetError):
    """A store is missing, incomplete, or written by a newer collabnet."""


class MissingExtraError(CollabnetError):
    """A feature needs an optional library that is not installed."""

    def __init__(self, feature: str, library: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs {library}. Install it with: pip install 'collabnet[{extra}]'"
        )


def check_whole(least: int, **given: object) -> None:
    """Raise an error unless all that is given are whole numbers, `least` or more."""
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise CollabnetError(
                f"{name}={value!r}: a whole number, {least} or more, was expected."
            )
