"""``python -m spinec``."""

from spinec.cli import main

main()
