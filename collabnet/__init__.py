"""International collaborations of a university: graphs, regions, maps and an offline atlas.

The public API is listed in `__init__.pyi`, on one screen. A name is loaded when it is first used
(Scientific Python, SPEC 1), so that a command, or a process that reads, loads what it needs.
"""

import sys

import lazy_loader

from collabnet import settings as settings

_find, _names, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __dir__() -> list[str]:
    return [*_names(), "__version__", "settings"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    return _find(name)


if "IPython" in sys.modules:
    from collabnet import lab

    lab.set_up()
