"""International collaborations of a university: graphs, regions, maps and an offline atlas.

The public API is listed in `__init__.pyi`, on one screen. A name is loaded when it is first used
(Scientific Python, SPEC 1), so that a command, or a process that reads, loads what it needs.
"""

import sys
from importlib.metadata import version

import lazy_loader

from collabnet import settings as settings

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = version("collabnet")

if "IPython" in sys.modules:
    from collabnet import lab

    lab.set_up()
