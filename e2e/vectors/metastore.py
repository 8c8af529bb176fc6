"""metastore: raw rows of the metadata tables and what the ORM reads back.

The tables are SQLite ones that Airflow's own models create; the rows are put in
with plain SQL, because the models would encrypt them.
"""

import functools
import importlib
import os
import sqlite3
import tempfile

from observe import NotApplicable, Records, environment, error, put

CONNECTION = ("conn_id", "conn_type", "description", "host", "login", "password", "schema", "port", "extra")
ROW_FLAGS = ("is_encrypted", "is_extra_encrypted", "team_name")
PLAIN = "hello"


@functools.cache
def airflow():
    """Airflow on a database of this process; returns its path and the records."""
    folder = tempfile.mkdtemp(prefix="airlock-vectors-")
    path = os.path.join(folder, "airflow.db")
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{path}"
    # Otherwise the sessions of one case hold the file of the next one.
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_ENABLED"] = "False"
    settings = importlib.import_module("airflow.settings")
    importlib.import_module("airflow.models")
    if getattr(settings, "engine", None) is None:
        settings.configure_orm()
    create_tables(settings.engine)
    records = Records()
    records.install()
    return path, records


def create_tables(engine):
    """Only the tables that the cases use, of the models' own definition."""
    from airflow.models import Connection, Variable

    tables = [Connection.__table__, Variable.__table__]
    team = Connection.metadata.tables.get("team")
    if team is None:
        try:
            team = importlib.import_module("airflow.models.team").Team.__table__
        except ImportError:
            pass
    tables += [] if team is None else [team]
    Connection.metadata.create_all(engine, tables=tables)


def expect(case):
    path, records = airflow()
    changes = {"AIRFLOW__CORE__FERNET_KEY": case["fernet_key"]}
    if case.get("multi_team") is not None:
        changes["AIRFLOW__CORE__MULTI_TEAM"] = str(case["multi_team"])
    with environment(changes):
        if case["kind"] == "write":
            forget_key()
            return written(case)
        fill(path, case)
        out = {}
        for name, read in (("metastore_backend", read_backend), ("model_get", read_model)):
            forget_key()
            records.take()
            out[name] = read(case)
            out[name]["logs"] = [
                {"level": r["level"], "message": r["message"]} for r in records.take() if told(r)
            ]
        return out


def told(record):
    """Of what is below a warning only the chain's own remark is looked at."""
    return record["level"] in ("warning", "error", "critical") or record["message"].startswith("Unable to retrieve")


def forget_key():
    """Have the key read again: Airflow keeps it for the life of a process."""
    crypto = importlib.import_module("airflow.models.crypto")
    if hasattr(crypto.get_fernet, "cache_clear"):
        crypto.get_fernet.cache_clear()
    else:
        crypto._fernet = None


def insert(db, table, row):
    """Put in raw column values, where this Airflow's table has the columns."""
    known = {column[1] for column in db.execute(f"PRAGMA table_info({table})")}
    if not known:
        raise NotApplicable(f"there is no table {table}")
    unknown = set(row) - known
    if unknown:
        raise NotApplicable(f"the table {table} has no column {', '.join(sorted(unknown))}")
    columns = ", ".join(f'"{name}"' for name in row)
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def fill(path, case):
    table = "variable" if case["kind"] == "variable" else "connection"
    db = sqlite3.connect(path)
    with db:
        existing = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for name in {"variable", "connection", "team"} & existing:
            db.execute(f"DELETE FROM {name}")
        if "team" in existing:
            db.executemany("INSERT INTO team (name) VALUES (?)", [(team,) for team in case["teams"]])
        for row in case["rows"]:
            insert(db, table, row)
    db.close()


def team(case):
    """The argument, where the case gives one: Airflow 2 does not know it."""
    return {} if case["team_name"] is None else {"team_name": case["team_name"]}


def read_backend(case):
    from airflow.secrets.metastore import MetastoreBackend

    backend = MetastoreBackend()
    try:
        if case["kind"] == "variable":
            return {"value": backend.get_variable(key=case["id"], **team(case))}
        read = backend.get_connection(case["id"], **team(case))
    except Exception as exc:
        return {"error": error(exc)}
    if read is None:
        return {"connection": None}
    out = fields(read, (*CONNECTION, *(name for name in ROW_FLAGS if hasattr(type(read), name))))
    put(out, "get_uri", read.get_uri)
    return {"connection": out}


def read_model(case):
    from airflow.models import Connection, Variable

    try:
        if case["kind"] == "variable":
            return {"value": Variable.get(case["id"], **team(case))}
        read = Connection.get_connection_from_secrets(case["id"], **team(case))
    except Exception as exc:
        return {"error": error(exc)}
    return {"connection": fields(read, CONNECTION)}


def fields(connection, names):
    out = {}
    for name in names:
        put(out, name, lambda: getattr(connection, name))
    return out


def written(case):
    """The raw columns of a model that is constructed, before any database."""
    from airflow.models import Connection, Variable
    from cryptography.fernet import Fernet

    if case["model"] == "connection":
        made = Connection(conn_id="x", conn_type="t", password=PLAIN, extra='{"a": 1}')
        return {
            "is_encrypted": made.is_encrypted,
            "is_extra_encrypted": made.is_extra_encrypted,
            "password_column_is_plain": made._password == PLAIN,
        }
    made = Variable(key="x", val=PLAIN)
    out = {"is_encrypted": made.is_encrypted, "val_is_plain": made._val == PLAIN}
    if made.is_encrypted:
        first = Fernet(case["fernet_key"].split(",")[0].encode())
        out["decrypts_with_first_key"] = first.decrypt(made._val.encode()).decode()
    return out
