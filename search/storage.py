"""Where studies are kept: a file or the URL of a database, how it is opened, and how it may be shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from spinec.spec.errors import SearchError

PATIENCE = 60  # seconds that a writer waits for another one to finish
SECRET = re.compile(r"pass|pwd|secret|token|key|odbc_connect", re.IGNORECASE)  # options of a URL that are not shown
BROKEN = (SQLAlchemyError, StorageInternalError, JSONDecodeError)


def open_storage(text: str, new: bool = True) -> RDBStorage:
    """The storage that a user named; a file that is not there is made, if `new` says so.

    Raises:
        SearchError: when it cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        url = _url_of(text)
    except (ArgumentError, ValueError):  # a port that is no number
        raise SearchError(f"{shown(text)}: expected a file, or a URL such as postgresql://user@host/name") from None
    lite = url.get_backend_name() == "sqlite"
    if lite and not new and "uri" not in url.query and not os.path.isfile(url.database or ""):
        raise SearchError(f"{shown(text)}: no such file")
    # a connection that the database closed meanwhile is made anew: an evaluation may take hours
    settings: dict[str, Any] = {"connect_args": {"timeout": PATIENCE}} if lite else {"pool_pre_ping": True}
    rendered = url.render_as_string(hide_password=False)
    try:
        storage = RDBStorage(re.sub(r"([{}])", r"\1\1", rendered), engine_kwargs=settings)  # Optuna formats the URL
    except ImportError as error:
        raise SearchError(f"{shown(text)}: the driver of this database is missing: {error.__cause__}") from None
    except (*BROKEN, RuntimeError, AssertionError) as error:  # the latter two where its version is not as it should be
        raise SearchError(f"{shown(text)}: not a storage that can be used: {_reason(error, text)}") from None
    if lite:
        _make_sure(storage)
    return storage


@contextmanager
def answering(text: str) -> Iterator[None]:
    """Tell in one line that a storage fails, whatever the block asks of it.

    Raises:
        SearchError: when it does.
    """
    try:
        yield
    except BROKEN as error:
        raise SearchError(f"{shown(text)}: the study cannot be read or written: {_reason(error, text)}") from None


def shown(text: str) -> str:
    """A file; or a URL, without what is secret in it."""
    if "://" not in text:
        return text
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        return re.sub("://.*@", "://***@", text)  # who knows what of it is the password
    secret = {name: "hidden" for name in url.query if SECRET.search(name)}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def _url_of(text: str) -> URL:
    """A file's name is taken as it is: nothing in it is quoted, or has a meaning in URLs."""
    if "://" in text:
        return make_url(text)
    return URL.create("sqlite", database=os.path.realpath(text))  # which, unlike Path.resolve, takes a loop of links


def _make_sure(storage: RDBStorage) -> None:
    """Let SQLite serve several writers: every transaction alone, and committed once the system has it.

    Optuna reads a trial's state and then sets it; only a transaction that locks from its start makes this one step.
    """

    @event.listens_for(storage.engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # leaves BEGIN to us
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(storage.engine, "begin")
    def lock(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    storage.engine.dispose()  # connections made before do not know this


def _reason(error: Exception, text: str) -> str:
    """What a driver says, in one line and without what is secret in a URL."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) and error.__cause__ else error
    said = str(cause.orig if isinstance(cause, DBAPIError) else cause).strip() or type(cause).__name__
    return _without_secrets(said.partition("\n")[0], text)


def _without_secrets(said: str, text: str) -> str:
    if "://" not in text:
        return said
    url = make_url(text)  # it was opened
    secrets = [url.password, *(url.query[name] for name in url.query if SECRET.search(name))]
    for secret in [text, *map(str, filter(None, secrets))]:
        said = said.replace(secret, "***")
    return said
