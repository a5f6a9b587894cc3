"""The command `tlswire`: it reads arguments, and leaves the work to the library.

Its own requirements, click and rich, are the extra `cli`; without them there is one line that says so.
"""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec

EXTRA = ("click", "rich")


def main() -> None:
    """Runs the command with the arguments of the process, and ends the process with its exit status."""
    gc.disable()  # until `work_begins`: what is made by importing stays, and to look through it takes 20 ms
    try:
        for name in EXTRA:
            if find_spec(name) is None:  # rich is imported when a bar is drawn, in the midst of the work
                raise ModuleNotFoundError(name=name)
        from tlswire.cli.commands import run
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] not in EXTRA:
            raise
        print(f"tlswire: the command line needs {missing.name}: pip install 'tlswire[cli]'", file=sys.stderr)
        sys.exit(2)
    status = run()
    gc.freeze()  # at its end the interpreter would look through all that is left for cycles, which takes up to 15 ms
    sys.exit(status)
