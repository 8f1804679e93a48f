"""Several workers on this machine: processes that share a study, and are replaced when they end too early."""

from __future__ import annotations

import multiprocessing
import sys
import time
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from optuna import Study

from spinec.search.job import Job, finished, work_alone
from spinec.search.signals import GRACE, follow, held_back, interrupting, kill
from spinec.search.verdicts import MOST_TOLD
from spinec.spec.errors import SearchError

POLL = 0.5  # seconds between two looks
MOST_DEATHS = 10  # of all workers together, while not one trial is finished


class Worker(NamedTuple):
    """A process, and what it says if it fails."""

    process: SpawnProcess
    failure: Connection


def work_in_processes(job: Job, workers: int, study: Study, told: Callable[[], object]) -> None:
    """Have workers work until the study has its trials.

    Raises:
        SearchError: when a worker fails, or workers end one after the other and nothing gets done.
        KeyboardInterrupt: at Ctrl-C, or at a signal that would end this process.
    """
    crew: dict[int, Worker] = {}
    resource_tracker.ensure_running()  # or the first worker starts it, and with it lets signals through
    with interrupting() as interrupted:
        try:
            for index in range(workers):
                _start(crew, job, index)
            _attend(crew, job, study, lambda: (interrupted(), told()))
        finally:
            _end(crew.values())


def _attend(crew: dict[int, Worker], job: Job, study: Study, told: Callable[[], object]) -> None:
    """Replace workers that end while there is work."""
    done, deaths = finished(study), 0
    while True:
        time.sleep(POLL)
        codes = {index: worker.process.exitcode for index, worker in crew.items()}
        told()
        if (now := finished(study)) > done:
            done, deaths = now, 0
        lost = [index for index, code in codes.items() if code or (code == 0 and now < job.trials)]
        for index in lost:
            if failure := _failure(crew[index]):
                raise SearchError(f"worker {index} failed, and --resume goes on from here: {failure}")
            deaths += 1
            if deaths > MOST_DEATHS * len(crew):
                raise SearchError(f"{deaths} workers ended, and not one trial was finished")
            _start(crew, job, index)
        if not lost and all(code == 0 for code in codes.values()):
            return


def _start(crew: dict[int, Worker], job: Job, index: int) -> None:
    """A worker in a fresh interpreter: neither database connections nor threads may be inherited.

    It is no daemon, since those may have no children, as evaluators that load data do.
    """
    context = multiprocessing.get_context("spawn")
    failure, sender = context.Pipe(duplex=False)
    with held_back():
        process = context.Process(target=_work, args=(job, index, sender), daemon=False)
        process.start()
        crew[index] = Worker(process, failure)
    sender.close()


def _end(crew: Collection[Worker]) -> None:
    """Ask workers to end, which those that are done do not mind, and end at once whoever takes too long."""
    end = time.monotonic() + GRACE
    try:
        for worker in crew:
            worker.process.terminate()  # what they are at is tried again
        for worker in crew:
            worker.process.join(max(0.0, end - time.monotonic()))
    finally:  # also at a second Ctrl-C
        for worker in crew:
            kill(worker.process)


def _failure(worker: Worker) -> str:
    with suppress(EOFError):
        if worker.failure.poll():
            return str(worker.failure.recv())
    return ""


def _work(job: Job, index: int, failure: Connection) -> None:
    try:
        wanted = follow(multiprocessing.parent_process())  # where it was told to end meanwhile, it is so here
        work_alone(job, index, wanted=wanted)
    except SearchError as error:
        failure.send(str(error))
        sys.exit(1)
    except KeyboardInterrupt as interrupt:  # the first process says so, if anybody has to
        sys.exit(128 + int(interrupt.args[0]) if interrupt.args else 1)
    except Exception:
        failure.send(traceback.format_exc()[-MOST_TOLD:])
        sys.exit(1)
