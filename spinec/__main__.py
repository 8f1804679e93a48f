"""``python -m spinec``, and the script `spinec`."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = 128 + signal.SIGINT
"""The exit code that shells expect after Ctrl-C."""


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, from the first import on."""
    try:
        from spinec.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # on the way out nothing is left to tell


if __name__ == "__main__":
    main()
