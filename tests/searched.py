"""What studies in tests are about: small spaces, and evaluators that keep a journal of what they were asked."""

import multiprocessing
import os
import sys
import time
from pathlib import Path

from optuna import TrialPruned

JOURNAL = "SPINEC_TEST_JOURNAL"
SMALL = """
name: small
input: {size: 64}
blocks:
  stem: {kind: conv, level: 1, dim: 8, inputs: [image]}
  b1: {kind: mbconv, level: 2, dim: 24, inputs: [stem]}
  b2: {kind: mbconv, level: 3, dim: 48, inputs: [b1]}
  b3: {kind: mbconv, level: 4, dim: 96, inputs: [b2]}
outputs: {out: b3}
"""


def note(word, spec):
    """One line of the journal, written at once so that lines of several processes do not mix."""
    line = f"{word} {','.join(str(block.dim) for block in spec.blocks.values())}\n"
    journal = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(journal, line.encode())
    os.close(journal)


def noted(word, journal):
    lines = Path(journal).read_text().splitlines() if Path(journal).exists() else []
    return [line.split()[1] for line in lines if line.startswith(word)]


def value(spec):
    """What every evaluator here gives: any number that the dims decide."""
    return float(sum(i * block.dim for i, block in enumerate(spec.blocks.values(), 1)))


def quick(spec):
    note("begun", spec)
    found = value(spec)
    note("done", spec)
    return found


def slow(spec):
    note("begun", spec)
    time.sleep(0.02)
    note("done", spec)
    return value(spec)


def fragile(spec):
    """Fails as long as a file beside the journal says so."""
    note("begun", spec)
    if Path(os.environ[JOURNAL]).with_name("broken").exists():
        raise RuntimeError("the disk is full")
    return value(spec)


def pruned(spec, trial):
    note("begun", spec)
    trial.report(value(spec), 1)
    raise TrialPruned


def two(spec):
    return value(spec), float(spec.blocks["b3"].dim)


def sometimes_infinite(spec):
    """Infinite for every third candidate, as where an evaluator divides by zero."""
    note("begun", spec)
    return float("inf") if len(noted("begun", os.environ[JOURNAL])) % 3 == 0 else value(spec)


def sometimes_broken(spec):
    """Fails on every third candidate, as where memory runs out."""
    note("begun", spec)
    if len(noted("begun", os.environ[JOURNAL])) % 3 == 0:
        raise MemoryError("out of memory")
    return value(spec)


def endless(spec):
    """Busy until it is ended, in a child as well; the journal says in which process."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,), daemon=True)
    child.start()
    journal = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(journal, f"busy {os.getpid()},{child.pid}\n".encode())
    time.sleep(3600)


def unruly(spec):
    """What evaluators do: it prints, has children, one of which leaves by an exception, and ends its process once."""
    print("chatter")
    os.system("echo chatter of a program")
    if os.fork() == 0:
        sys.exit(3)
    _, status = os.wait()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply(abs, (value(spec),))
    ended = Path(os.environ[JOURNAL]).with_name("ended")
    if not ended.exists():
        ended.touch()
        os._exit(0)
    note(f"left-{os.waitstatus_to_exitcode(status)}", spec)
    return found
