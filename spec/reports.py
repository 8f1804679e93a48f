"""Faults for machines: JSON, SARIF 2.1.0 for code scanning, and the commands that annotate files on GitHub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from spinec.spec.codes import codes
from spinec.spec.errors import Fault, Place
from spinec.spec.results import Result

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
Faults = Mapping[str, Sequence[Fault]]  # of each file that was checked


def to_json(found: Faults, *, passed: bool) -> str:
    """A result of the kind 'faults': whether each file is valid, and every fault with its place."""
    files = [
        {"file": name, "valid": all(fault.severity == "warning" for fault in faults)} for name, faults in found.items()
    ]
    rows = [_entry(name, fault) for name, faults in found.items() for fault in faults]
    result: Result = {"kind": "faults", "passed": passed, "about": {"files": files}, "rows": rows, "total": None}
    return json.dumps(result, indent=2)


def to_sarif(found: Faults, version: str) -> str:
    """A SARIF log of one run; the rules are the codes that occur."""
    faults = [(name, fault) for name, given in found.items() for fault in given]
    used = sorted({fault.code for _, fault in faults})
    rules = [{"id": code, "shortDescription": {"text": codes()[code].title}} for code in used]
    driver = {"name": "spinec", "version": version, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(*each) for each in faults],
    }
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def to_github(found: Faults) -> str:
    """One workflow command a fault, which shows it in the changes of a pull request."""
    return "\n".join(_command(name, fault) for name, faults in found.items() for fault in faults)


def _entry(name: str, fault: Fault) -> dict[str, Any]:
    place = fault.place
    return {
        "checked": name,
        "code": fault.code,
        "severity": fault.severity,
        "message": fault.message,
        "hint": fault.advice,
        "file": place.source.name if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "length": place.length if place else None,
        "used_at": [
            {"file": use.source.name, "line": use.line, "column": use.column} for use in (place.uses if place else ())
        ],
    }


def _result(name: str, fault: Fault) -> dict[str, object]:
    place = fault.place
    result: dict[str, object] = {
        "ruleId": fault.code,
        "level": fault.severity,
        "message": {"text": _told(fault)},
        "locations": [_location(place) if place else {"physicalLocation": {"artifactLocation": {"uri": _uri(name)}}}],
    }
    used = [_location(use) | {"message": {"text": "used here"}} for use in place.uses] if place else []
    return result | ({"relatedLocations": used} if used else {})


def _location(place: Place) -> dict[str, object]:
    region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.length}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(place.source.name)}, "region": region}}


def _uri(name: str) -> str:
    from urllib.parse import quote

    return quote(name.replace("\\", "/"), errors="replace")


def _command(name: str, fault: Fault) -> str:
    place = fault.place
    at = f",line={place.line},col={place.column},endColumn={place.column + place.length}" if place else ""
    file = _escaped(place.source.name if place else name, ",:")
    return f"::{fault.severity} file={file}{at},title={fault.code}::{_escaped(_told(fault) + _used(place))}"


def _told(fault: Fault) -> str:
    return f"{fault.message} ({fault.advice})" if fault.advice else fault.message


def _used(place: Place | None) -> str:
    return "".join(f", used at {use}" for use in place.uses) if place else ""


def _escaped(text: str, also: str = "") -> str:
    """As workflow commands want it: a fault is one line, whatever a spec says."""
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
