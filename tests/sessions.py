"""Processes of a session, as Linux shows them in /proc: a search and its workers, each of which leads a group of its own."""

from __future__ import annotations

from pathlib import Path


def shown_by(number: int | str, file: str) -> str:
    """What a process shows of itself; nothing if it has ended."""
    try:
        return Path(f"/proc/{number}/{file}").read_text()
    except OSError:
        return ""


def alive(session: int) -> list[int]:
    """The processes of a session that run; those that wait to be asked how they ended do not."""
    numbers = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    stats = {number: shown_by(number, "stat").rpartition(")")[2].split() for number in numbers}  # state, parent, group
    return [number for number, stat in stats.items() if stat and stat[0] != "Z" and int(stat[3]) == session]


def workers(first: int) -> list[int]:
    """The workers that a search has started, whether or not they have come to work."""
    children = shown_by(first, f"task/{first}/children").split()
    return [int(each) for each in children if "spawn_main" in shown_by(each, "cmdline")]
