"""What fuzzing starts from: specs cut short, mistakes, hostile documents, and the words of the language."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from hostile import HOSTILE, ROOT
from mutations import MUTATIONS, Doc, some

from spinec.spec.heads import Head
from spinec.spec.kinds.library import KINDS
from spinec.spec.library import fragments, library
from spinec.spec.schema import schema

LONGEST = 1024  # bytes of an input; faults do not need more
LINES = 14  # of a spec that is cut short
MUTATED = "mobilenet-v2-ssdlite"  # has a parent, a scale and blocks of its own
PUNCTUATION = "{ } [ ] , : - ? # ' | > &a *a !! << --- ... %YAML null 1e5 .inf".split()


def choices() -> Iterator[bytes]:
    """What `emitter` starts from: bytes enough for specs of every size."""
    random = Random(0)
    yield from (random.randbytes(random.randrange(500)) for _ in range(200))


def texts() -> Iterator[bytes]:
    """What `loader` starts from."""
    for path in (*library().values(), *fragments().values(), *sorted((ROOT / "tests" / "faults").glob("*.yaml"))):
        yield "".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:LINES]).encode()
    doc = Doc(MUTATED, library()[MUTATED].read_text(encoding="utf-8"))
    for mutation in MUTATIONS:
        yield from (mutant.text.encode() for mutant in some(mutation.make(doc), 1))
    for hostile in HOSTILE:
        with tempfile.TemporaryDirectory() as folder:
            made = hostile.make(Path(folder))
        yield made[:LONGEST] if isinstance(made, bytes) else made.encode()[:LONGEST]


def words() -> Iterator[str]:
    """The words of the language: keys, kinds, choices, and what YAML is made of."""
    yield from dict.fromkeys(
        [*_words(schema()), *KINDS, *Head.kinds, *library(), *fragments(), *PUNCTUATION, "\n  ", "\t", ": ", '"']
    )


def _words(part: object) -> Iterator[str]:
    """Every key and every choice of a JSON schema."""
    match part:
        case dict():
            for key, inner in part.items():
                if key in ("properties", "enum") and isinstance(inner, dict | list):
                    yield from (each for each in inner if isinstance(each, str))
                yield from _words(inner)
        case list():
            for inner in part:
                yield from _words(inner)


def dictionary() -> str:
    """The words as libFuzzer reads them."""
    escaped = ("".join(c if c.isalnum() or c in "_-. " else f"\\x{ord(c):02x}" for c in word) for word in words())
    return "".join(f'"{word}"\n' for word in escaped)


SEEDS = {"loader": texts, "emitter": choices}


def write(target: str, folder: Path) -> None:
    """Write what a target starts from into a folder, each input once."""
    for number, seed in enumerate(dict.fromkeys(SEEDS[target]())):
        (folder / f"seed-{number:04}").write_bytes(seed)
