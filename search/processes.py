"""Several workers on this machine: processes that share a study, and are replaced when they are killed."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess

from optuna import Study

from spinec.search.run import Job, finished, work_alone
from spinec.spec.errors import SearchError

POLL = 0.5  # seconds between two looks
MOST_DEATHS = 10  # of all workers together, while not one trial is finished


def work_in_processes(job: Job, workers: int, study: Study, told: Callable[[], object]) -> None:
    """Have workers work until the study has its trials.

    Raises:
        SearchError: when a worker fails, or workers are killed one after the other and nothing gets done.
    """
    crew = {index: _start(job, index) for index in range(workers)}
    done, deaths = finished(study), 0
    try:
        while any(worker.exitcode != 0 for worker in crew.values()):
            time.sleep(POLL)
            told()
            if (now := finished(study)) > done:
                done, deaths = now, 0
            for index, worker in crew.items():
                if worker.exitcode is not None and worker.exitcode > 0:
                    raise SearchError("a worker failed, as is told above; --resume goes on from here")
                if worker.exitcode is not None and worker.exitcode < 0:  # killed, by the system or by somebody
                    crew[index] = _start(job, index)
                    deaths += 1
            if deaths > MOST_DEATHS * workers:
                raise SearchError(f"{deaths} workers were killed, and not one trial was finished")
    finally:
        for worker in crew.values():
            worker.terminate()  # what they are at is tried again; those that are done do not mind
            worker.join()


def _start(job: Job, index: int) -> SpawnProcess:
    """A worker in a fresh interpreter: neither database connections nor threads may be inherited."""
    worker = multiprocessing.get_context("spawn").Process(target=_work, args=(job, index), daemon=True)
    worker.start()
    return worker


def _work(job: Job, index: int) -> None:
    parent = multiprocessing.parent_process()
    try:
        work_alone(job, index, wanted=lambda: parent is None or parent.is_alive())
    except SearchError as error:
        sys.exit(f"worker {index}: {error}")
    except KeyboardInterrupt:  # whoever pressed Ctrl-C is told by the first process
        sys.exit(1)
