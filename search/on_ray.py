"""Workers on Ray: tasks on any machine of a cluster, which share a study through a database they all reach."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from spinec.search.job import Job, work_alone
from spinec.spec.errors import SearchError

POLL = 1.0  # seconds between two looks


def work_on_ray(job: Job, workers: int, told: Callable[[], object]) -> None:
    """Have Ray tasks work until the study has its trials; one whose machine is lost is started again elsewhere.

    Ray is the cluster that is running, or that RAY_ADDRESS names; one of this machine's own where there is none.

    Raises:
        SearchError: when Ray is not installed, or a worker fails.
    """
    if find_spec("ray") is None:
        raise SearchError("Ray is not installed: pip install 'spinec[search,ray]'")
    import ray

    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False)
    task = ray.remote(max_retries=-1)(work_alone)
    waiting = [task.remote(job, index) for index in range(workers)]
    try:
        while waiting:
            done, waiting = ray.wait(waiting, timeout=POLL)
            told()
            ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise SearchError(f"a worker on Ray failed: {error.cause}") from None
    finally:  # also at Ctrl-C
        for reference in waiting:
            ray.cancel(reference)
