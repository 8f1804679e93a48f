"""Processes or devices that learn together, by tf.distribute: each has its share of a batch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from spinec.backends.processes import Across, Place
from spinec.backends.tensorflow.framework import load_keras, quiet
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    import tensorflow as tf

CLUSTER = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'


def join(across: Across) -> Place:
    """Take part in what TF_CONFIG says, or take all devices; which of the processes this one is.

    Raises:
        BackendError: where TF_CONFIG cannot be read, or there is no such device.
    """
    if across != "processes":
        return Place(devices=strategy(across).num_replicas_in_sync, across=across)
    told = os.environ.get("TF_CONFIG", "")
    if os.environ.get("WORLD_SIZE", "1") != "1" and not told:
        raise BackendError(
            "torchrun starts processes of PyTorch: those of TensorFlow are told of each other by TF_CONFIG"
        )
    try:
        config = json.loads(told or "{}")
        jobs = config.get("cluster", {})
        hosts = [(job, i) for job in ("chief", "worker") for i in range(len(jobs.get(job, ())))]
        if len(hosts) < 2:
            return Place()
        rank = hosts.index((config["task"]["type"], int(config["task"]["index"])))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackendError(f"TF_CONFIG: expected {CLUSTER}, got {told}") from None
    return Place(rank, len(hosts), devices=strategy(across).num_replicas_in_sync // len(hosts))


@cache
def strategy(across: Across) -> tf.distribute.Strategy:
    """What shares a batch. It must be made before TensorFlow computes anything.

    Raises:
        BackendError: where there is no such device.
    """
    load_keras()
    import tensorflow as tf

    if across == "tpu":
        try:
            resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
            tf.config.experimental_connect_to_cluster(resolver)
            tf.tpu.experimental.initialize_tpu_system(resolver)
        except (ValueError, tf.errors.OpError) as error:
            raise BackendError(f"--across tpu: no TPU is found: {str(error).splitlines()[0]}") from None
        return tf.distribute.TPUStrategy(resolver)
    if across == "devices":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        return tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices(kind)])
    with quiet():
        return tf.distribute.MultiWorkerMirroredStrategy()


def in_all(some: Any) -> Any:
    """What these come to in all replicas: what a loss is over."""
    import tensorflow as tf

    return tf.stop_gradient(tf.distribute.get_replica_context().all_reduce("SUM", tf.reduce_sum(some)))


@contextmanager
def together() -> Iterator[None]:
    """Say that another process is gone, not how that was found out."""
    import tensorflow as tf

    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError) as error:
        raise BackendError(f"another process of this run is gone: {error.message.splitlines()[0]}") from None
