"""What every family of cases needs: how an observation is written down.

Nothing here knows a family. Airflow is imported late, because a case may have
to set the process environment first.
"""

import contextlib
import json
import logging
import math
import os
import tempfile

# Base classes that every exception has say nothing about it.
EVERY_EXCEPTION = {"Exception", "BaseException", "object"}


class NotApplicable(Exception):
    """This Airflow has nothing that the case could be about."""


def error(exc):
    """An exception by its public face: a caller can only see these three."""
    return {"type": type(exc).__name__, "module": type(exc).__module__, "message": str(exc)}


def error_with_bases(exc):
    """Like error, with what an `except` clause could match, and the cause."""
    out = error(exc)
    out["mro"] = [c.__name__ for c in type(exc).__mro__ if c.__name__ not in EVERY_EXCEPTION]
    if exc.__cause__ is not None:
        out["cause"] = type(exc.__cause__).__name__
    return out


def put(out, name, read):
    """Put what read returns in out[name], or its exception in out[name_error]."""
    try:
        out[name] = read()
    except Exception as exc:
        out[name + "_error"] = error(exc)


def plain(value):
    """The value as strict JSON can hold it: NaN and infinities are marked."""
    if isinstance(value, float) and not math.isfinite(value):
        name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return {"__float__": name}
    if isinstance(value, dict):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return {"@python": type(value).__name__, "@text": str(value)}


def sdk_connection():
    """The Task SDK's Connection class; None before Airflow 3."""
    try:
        from airflow.sdk import Connection
    except ImportError:
        return None
    return Connection


def deserialize(connection_class, conn_id, value):
    """What a secrets backend makes of a serialized connection for one class.

    Before 3.2 a backend knows one class only, which is the ORM's.
    """
    from airflow.secrets import BaseSecretsBackend

    backend = BaseSecretsBackend()
    if hasattr(backend, "_set_connection_class"):
        backend._set_connection_class(connection_class)
    return backend.deserialize_connection(conn_id=conn_id, value=value)


class Records:
    """The log records of Airflow's loggers, whichever library carries them.

    Airflow 3 logs through structlog as well as the standard library, so both
    are led here; the level and the finished text are kept.
    """

    def __init__(self, roots=("airflow",)):
        self.kept, self.roots = [], roots

    def add(self, name, level, message):
        if name.split(".")[0] in self.roots or not name:
            self.kept.append({"level": level, "logger": name, "message": message})

    def install(self):
        """Take the place of every handler; call after Airflow is imported."""
        records = self

        class Handler(logging.Handler):
            def emit(self, record):
                records.add(record.name, record.levelname.lower(), record.getMessage())

        root = logging.getLogger()
        root.handlers[:] = [Handler()]
        root.setLevel(logging.DEBUG)
        logging.disable(logging.NOTSET)
        for name, logger in list(logging.root.manager.loggerDict.items()):
            if isinstance(logger, logging.Logger) and name.split(".")[0] == "airflow":
                logger.handlers[:] = []
                logger.propagate, logger.disabled = True, False
                logger.setLevel(logging.NOTSET)
        with contextlib.suppress(ImportError):
            self._install_structlog()

    def _install_structlog(self):
        import structlog

        class Named:
            def __init__(self, *args):
                self.name = str(args[0]) if args else ""

        def keep(logger, level, event):
            self.add(logger.name, level, str(event.get("event", "")))
            raise structlog.DropEvent

        structlog.configure(
            processors=[keep],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
            logger_factory=Named,
            cache_logger_on_first_use=False,
        )

    def take(self):
        """The records since the last call."""
        kept, self.kept = self.kept, []
        return kept


@contextlib.contextmanager
def environment(changes):
    """The process environment with changes (None removes) inside the block."""
    before = dict(os.environ)
    try:
        for name, value in changes.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def with_files(value, folder, generate=None):
    """Replace each {"@file": ..} by the path of a new file in folder.

    generate, where given, first turns any other marked object into a value.
    """
    if isinstance(value, list):
        return [with_files(member, folder, generate) for member in value]
    if not isinstance(value, dict):
        return value
    made = generate(value) if generate else None
    if made is not None:
        return made
    out = {key: with_files(member, folder, generate) for key, member in value.items()}
    if "@file" not in out:
        return out
    content = out["@file"]
    text = content if isinstance(content, str) else json.dumps(content)
    handle, path = tempfile.mkstemp(suffix=out.get("@suffix", ""), dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path
