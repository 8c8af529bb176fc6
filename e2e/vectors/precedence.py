"""precedence: whole look-up chains, every case in an interpreter of its own.

Airflow reads its configuration, builds its backends and decides where it runs
while it is imported, so nothing less than a fresh process is the real thing.
`expect` starts one; `one_case` is what runs inside.
"""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import types

from observe import NotApplicable, Records, error, plain

STATE = types.SimpleNamespace(store={}, calls=[], constructed=[])
CONNECTION = ("conn_id", "conn_type", "description", "host", "login", "password", "schema", "port", "extra")
# Where a case says nothing: as every installation, with a key to encrypt with.
CONFIGURATION = "[core]\nfernet_key = MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=\n"
LOUD = {"warning", "error", "critical"}
# A remark about the backend's options among the lines that Airflow prints while
# it starts, bare or in the form of its console log.
REMARK = re.compile(r"(?:.*(?:\} [A-Z]+ - |\[[a-z]+ *\] ))?(?P<message>.*\[\w+\] \w*backend_kwargs.*?)(?: {2,}\[.*)?$")



def expect(case):
    with tempfile.TemporaryDirectory() as home:
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        environment |= {
            "HOME": home,
            "AIRFLOW_HOME": home,
            "PYTHONPATH": os.path.dirname(os.path.abspath(__file__)),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if case["context"] == "sdk_server":
            environment["_AIRFLOW_PROCESS_CONTEXT"] = "server"
        environment |= case["env"]
        with open(os.path.join(home, "airflow.cfg"), "w", encoding="utf-8") as file:
            file.write(CONFIGURATION if case.get("cfg") is None else case["cfg"])
        source, target = os.path.join(home, "case.json"), os.path.join(home, "out.json")
        with open(source, "w", encoding="utf-8") as file:
            json.dump(case, file)
        script = "import precedence, sys; precedence.one_case(*sys.argv[1:])"
        done = subprocess.run([sys.executable, "-c", script, source, target], env=environment, capture_output=True, text=True)
        if not os.path.exists(target):
            raise RuntimeError(f"ended with {done.returncode}: {done.stderr[-3000:]}")
        with open(target, encoding="utf-8") as file:
            out = json.load(file)
        if "not_applicable" in out:
            raise NotApplicable(out["not_applicable"])
        return out


def one_case(source, target):
    with open(source, encoding="utf-8") as file:
        case = json.load(file)
    STATE.store = case["store"]
    try:
        out = answered(case)
    except NotApplicable as why:
        out = {"not_applicable": str(why)}
    with open(target + ".part", "w", encoding="utf-8") as file:
        json.dump(plain(out), file, ensure_ascii=False, allow_nan=False)
    os.rename(target + ".part", target)


def answered(case):
    log = os.path.join(os.environ["AIRFLOW_HOME"], "start.log")
    failure = None
    try:
        with printed_to(log):
            importlib.import_module("airflow.configuration")
    except Exception as exc:
        failure = exc
    if failure is not None:
        return {"import_error": error(failure)}
    with open(log, encoding="utf-8") as file:
        lines = [m["message"] for m in (REMARK.match(line.rstrip()) for line in file) if m]
    chain = Server(case) if case["context"] == "server" else Sdk(case)
    records = Records(("airflow", "task", "py"))
    records.install()
    out = {"results": [result(chain, records, op) for op in case["ops"]]}
    if "labbackend" in sys.modules:
        out["store_calls"], out["backend_constructed_with"] = STATE.calls, STATE.constructed
    if case["context"] == "worker":
        out["execution_api_calls"] = chain.api.calls
    if lines:
        out["startup_log_lines"] = lines
    return out


class printed_to:
    """Lead standard output and error into a file, also those of C code."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        sys.stdout.flush()
        self.before = os.dup(1), os.dup(2)
        file = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)

    def __exit__(self, *_):
        sys.stdout.flush()
        for number, saved in enumerate(self.before, 1):
            os.dup2(saved, number)
            os.close(saved)


def result(chain, records, op):
    arguments = {name: value for name, value in op.items() if name != "op"}
    records.take()
    out = {}
    try:
        out.update(getattr(chain, op["op"])(**arguments))
    except NotApplicable:
        raise
    except BaseException as exc:  # a backend may end the process, and that is an answer
        out["error"] = error(exc)
    logs = [r for r in records.take() if r["level"] in LOUD or r["message"].startswith("Unable to retrieve")]
    if logs:
        out["logs"] = logs
    return out


def call(method, *args, **options):
    """Call it, unless the case is about teams and the method knows none."""
    if "team_name" in options and "team_name" not in inspect.signature(method).parameters:
        raise NotApplicable(f"{method.__qualname__} knows no teams")
    return method(*args, **options)


def connection(read):
    cls = type(read)
    return {"class": f"{cls.__module__}.{cls.__qualname__}", **{name: getattr(read, name) for name in CONNECTION}}


def names(backends):
    return {"value": [type(backend).__name__ for backend in backends]}


class Server:
    """The models, as the scheduler and the API server call them."""

    def __init__(self, case):
        prepare_database(case)
        from airflow.models import Connection, Variable

        self.variable, self.connection = Variable, Connection

    def var_get(self, key, **options):
        return {"value": call(self.variable.get, key, **options)}

    def conn_get(self, conn_id, **options):
        return {"connection": connection(call(self.connection.get_connection_from_secrets, conn_id, **options))}

    def conf_get(self, section, key, which, **options):
        module = "airflow.configuration" if which == "core" else "airflow.sdk.configuration"
        return {"value": importlib.import_module(module).conf.get(section, key, **options)}

    def models_var_get(self, key, **options):
        from airflow.models import Variable

        return {"value": Variable.get(key, **options)}

    def backends(self):
        from airflow.configuration import ensure_secrets_loaded

        return names(ensure_secrets_loaded())


class Sdk(Server):
    """The Task SDK, in whichever process the context stands for."""

    def __init__(self, case):
        try:
            from airflow.sdk import Connection, Variable
        except ImportError as exc:
            raise NotApplicable("this Airflow has no Task SDK") from exc
        self.variable, self.connection, self.api = Variable, Connection, ExecutionAPI(case.get("api", {}))
        if case["context"] == "sdk_server":
            prepare_database(case)
        if case["context"] == "worker":
            from airflow.sdk.execution_time import task_runner

            task_runner.SUPERVISOR_COMMS = self.api

    def conn_get(self, conn_id, **options):
        return {"connection": connection(self.connection.get(conn_id, **options))}

    def backends(self):
        from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded

        return names(ensure_secrets_backend_loaded())


class ExecutionAPI:
    """The supervisor's channel: the worker's only network client."""

    def __init__(self, answers):
        self.answers, self.calls = answers, []

    def send(self, message):
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time import comms

        if isinstance(message, comms.GetVariable):
            kind, key = "variable", message.key
        elif isinstance(message, comms.GetConnection):
            kind, key = "connection", message.conn_id
        else:
            return None
        self.calls.append([kind, key])
        given = self.answers.get(kind + "s", {}).get(key, {"error": "NOT_FOUND"})
        if "raise" in given:
            raise importlib.import_module("labbackend").exception(given["raise"])
        if "error" in given:
            return comms.ErrorResponse(error=ErrorType[given["error"]])
        if kind == "variable":
            return comms.VariableResult(key=key, value=given["v"])
        # The API leaves no field out, a case those that are null.
        required = [field.alias or name for name, field in comms.ConnectionResult.model_fields.items() if field.is_required()]
        return comms.ConnectionResult(**{**dict.fromkeys(required), "conn_id": key, **given["v"]})


def prepare_database(case):
    """The metadata database with the case's rows, unencrypted."""
    import sqlite3

    import metastore

    settings = importlib.import_module("airflow.settings")
    if getattr(settings, "engine", None) is None:
        settings.configure_orm()
    metastore.create_tables(settings.engine)
    rows, given = [], case.get("db", {})
    rows += [("team", {"name": name}) for name in given.get("teams", ())]
    for key, value in given.get("variables", {}).items():
        value = value if isinstance(value, dict) else {"v": value}
        row = {"key": key, "val": value["v"], "is_encrypted": 0}
        rows.append(("variable", with_team(row, value)))
    for key, value in given.get("connections", {}).items():
        fields = value.get("v", value)
        row = {"conn_id": key, **fields, "is_encrypted": 0, "is_extra_encrypted": 0}
        rows.append(("connection", with_team(row, value)))
    db = sqlite3.connect(os.path.join(os.environ["AIRFLOW_HOME"], "airflow.db"))
    with db:
        for table, row in rows:
            metastore.insert(db, table, row)
    db.close()


def with_team(row, value):
    return {**row, "team_name": value["team"]} if "team" in value else row
