"""Runs cases in real Airflow and says what each printed, logged or raised.

Standard input is JSON: a list of {"name", "env", "code", "debug"}. Each case is
a process of its own, forked before any of Airflow is imported, with the
case's environment and nothing else; what Airflow stands on is imported once.
As many run at a time as there are cores.
Standard output is one line of JSON for each: {"name", "said"}.
"""

import copy
import gc
import importlib
import importlib.machinery
import json
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
import types

# The parts of Airflow that cases use.
PARTS = [
    "airflow.models",
    "airflow.__main__",
    "airflow.sdk.execution_time.supervisor",
    "airflow.providers.hashicorp.secrets.vault",
    "airflow.providers.amazon.aws.secrets.systems_manager",
    "airflow.providers.google.cloud.secrets.secret_manager",
    "airflow.providers.microsoft.azure.secrets.key_vault",
]

# Parts of Airflow that are the same in each case: they read no setting and no
# variable of the environment.
SAME = [
    "airflow.sdk.api.datamodels._generated",
    "airflow.sdk.execution_time.comms",
    "airflow.callbacks.callback_requests",
    "airflow.timetables.interval",
    "airflow.triggers.base",
]

# What a case's code may call.
PRELUDE = """
def variable(key, **kwargs):
    from airflow.models import Variable
    print("variable:", repr(Variable.get(key, **kwargs)))

def connection(conn_id):
    from airflow.sdk.bases.hook import BaseHook
    from airflow.models.connection import Connection
    c = Connection.get_connection_from_secrets(conn_id)
    print("connection:", c.conn_type, c.login, c.password, c.host, c.port, c.schema, c.extra)

def option(section, key):
    from airflow.configuration import conf
    print("option:", repr(conf.get(section, key)))

def backend(worker=False):
    from airflow.configuration import ensure_secrets_loaded
    if worker:
        from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded
        b = ensure_secrets_backend_loaded()[0]
    else:
        b = ensure_secrets_loaded()[0]
    print("backend:", type(b).__name__)
    return b

def uri(text):
    from airflow.sdk.definitions.connection import Connection
    c = Connection.from_uri(text, conn_id="x") if hasattr(Connection, "from_uri") else None
    if c is None:
        from airflow.models.connection import Connection as Model
        c = Model(conn_id="x", uri=text)
    print("connection:", c.conn_type, c.login, c.password, c.host, c.port, c.schema, c.extra)

def starts():
    import sys
    from airflow.__main__ import main
    sys.argv = ["airflow", "version"]
    main()
    print("Airflow started")

def construct(class_name, kwargs):
    import os
    os.environ["AIRFLOW__SECRETS__BACKEND"], os.environ["AIRFLOW__SECRETS__BACKEND_KWARGS"] = class_name, kwargs
    from airflow.configuration import get_custom_secret_backend
    return get_custom_secret_backend()

def attempt(call, *args):
    try:
        print("answer:", repr(call(*args)))
    except Exception as e:
        print(f"raised: {type(e).__name__}: {e}")

def listen(status=404, body="{}"):  # a server that prints what it is asked; returns its URL
    import http.server, threading
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            print("asked:", self.command, self.path, [f"{k}: {v}" for k, v in self.headers.items()], sent, flush=True)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())
        do_POST = do_PUT = do_GET
        def log_message(self, *args): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"

def asked():
    # Every request over HTTP is printed and listed; of what goes to AWS with
    # its body, of what goes to Vault with its headers' names. Values of headers
    # and what a log-in sends are not.
    import http.client, os, re
    send, lines = http.client.HTTPConnection.send, []
    def tell(self, data):
        text = data.decode("latin-1") if isinstance(data, bytes) else ""
        head, _, body = text.partition("\\r\\n\\r\\n")
        if re.match("[A-Z]+ \\\\S+ HTTP/1", head):
            self.to_aws = "x-amz-target:" in head.lower()
            names = re.findall("(?im)^(x-vault-(?!request)[a-z]+):", head)
            own = os.environ.get("VAULT_TOKEN")
            lines.append(" ".join([head.split(" HTTP/")[0], *names, *(["with VAULT_TOKEN"] if own and own in head else [])]))
            print("asked:", lines[-1])
        if getattr(self, "to_aws", False) and (body or text).startswith("{"):
            lines.append(body or text)
            print("asked:", lines[-1])
        return send(self, data)
    http.client.HTTPConnection.send = tell
    return lines

def dag(text):
    import importlib.util, tempfile, os
    path = os.path.join(tempfile.mkdtemp(), "d.py")
    open(path, "w").write(text)
    spec = importlib.util.spec_from_file_location("d", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    print("dag: imported")
"""


def child(case, out):
    os.dup2(out.fileno(), 1)
    os.dup2(out.fileno(), 2)
    os.environ.clear()
    os.environ.update(case["env"])
    os.chdir(tempfile.mkdtemp(dir=case["env"]["AIRFLOW_HOME"]))  # other cases run at the same time
    try:
        if case.get("debug"):
            os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "DEBUG"
        scope = {}
        exec(PRELUDE, scope)
        exec(case["code"], scope)
    except BaseException:  # also SystemExit: a case never ends this program
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


# Which modules, documents and checks Airflow asks for while it is imported.
FIND = f"""
import importlib, json, sys
import jsonschema, yaml

loads, checks = [], []
load, validate = yaml.load, jsonschema.Draft7Validator.validate

def tell_load(stream, Loader):
    loads.append([getattr(stream, "name", None), Loader.__name__])
    return load(stream, Loader)

def tell_validate(self, instance):
    checks.append(json.dumps([self.schema, instance]))  # as it is now
    return validate(self, instance)

yaml.load, jsonschema.Draft7Validator.validate = tell_load, tell_validate
for name in {PARTS}:
    importlib.import_module(name)
sys.modules["airflow.models"].import_all_models()  # as the first question to the database does
modules = [m for m in sys.modules if m.partition(".")[0] not in ("airflow", "__main__")]
print(json.dumps([modules, loads, checks]))
"""


def preload():
    """Import what Airflow and the classes of the cases import, without Airflow.

    Each case reads the files that Airflow and its packages come with; their
    contents are parsed and checked here, once.
    """
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "AIRFLOW_HOME": home}
        found = subprocess.run([sys.executable, "-c", FIND], env=env, capture_output=True, text=True, check=True)
    modules, loads, checks = json.loads(found.stdout.strip().splitlines()[-1])
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # a part of a package that only imports in its place
            pass
    remember_pure()
    for path, loader in loads:
        if path is not None:
            with open(path) as file:
                sys.modules["yaml"].load(file, getattr(sys.modules["yaml"], loader))
    for schema, instance in map(json.loads, checks):
        sys.modules["jsonschema"].Draft7Validator(schema).validate(instance)
    for dist in sys.modules["importlib_metadata"].distributions():
        dist.metadata, dist.entry_points
    keep_same()
    gc.disable()  # a case ends before there is much to collect


def remember_pure():
    """Let functions remember what they return, where their arguments decide it."""
    import email

    import importlib_metadata
    import jsonschema
    import yaml

    def document(stream, Loader):
        if Loader.__name__ not in ("SafeLoader", "CSafeLoader") or not hasattr(stream, "seek"):
            return None
        text = stream.read()
        stream.seek(0)
        return Loader.__name__, text

    def checked(validator, instance):
        return json.dumps([validator.schema, instance], sort_keys=True, default=repr)

    remember(yaml, "load", document, kept=pickle.dumps, given=pickle.loads)
    remember(jsonschema.Draft7Validator, "validate", checked)
    remember(importlib_metadata.PathDistribution, "read_text", lambda dist, name: (str(dist._path), str(name)))
    remember(email, "message_from_string", lambda text, *rest: None if rest else text, given=copy.copy)


def remember(owner, name, key, kept=lambda value: value, given=lambda value: value):
    call, known = getattr(owner, name), {}

    def remembering(*args, **kwargs):
        asked = key(*args, **kwargs)
        if asked is None:
            return call(*args, **kwargs)
        if asked not in known:
            known[asked] = kept(call(*args, **kwargs))
        return given(known[asked])

    setattr(owner, name, remembering)


def keep_same():
    """Import the modules of SAME, and let a case that imports one get it as it is.

    The package itself is an empty one meanwhile, so that nothing starts Airflow.
    """
    package = types.ModuleType("airflow")
    package.__path__ = [os.path.dirname(importlib.machinery.PathFinder.find_spec("airflow").origin)]
    sys.modules["airflow"] = package
    for name in SAME:
        importlib.import_module(name)
    del sys.modules["airflow"]
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("airflow.")}
    settings = [name for name in kept if name.endswith((".settings", "airflow.configuration", "sdk.configuration"))]
    if settings:
        raise RuntimeError(f"{SAME} import {settings}, which are of each case")
    sys.meta_path.insert(0, Kept(kept))


class Kept:
    """Finds and loads modules that were imported before."""

    def __init__(self, modules):
        self.modules, self.specs = modules, {name: module.__spec__ for name, module in modules.items()}

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name in self.modules else None

    def create_module(self, spec):
        return self.modules[spec.name]

    def exec_module(self, module):
        module.__spec__ = self.specs[module.__name__]
        for value in list(vars(module).values()):  # what it imported is imported again
            name = getattr(value, "__module__", None)
            if name in self.modules:
                importlib.import_module(name)


def main():
    waiting, running = json.load(sys.stdin), {}
    preload()
    waiting.reverse()
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            case, out = waiting.pop(), tempfile.TemporaryFile("w+")
            pid = os.fork()
            if pid == 0:
                child(case, out)
            running[pid] = case["name"], out
        pid, _ = os.wait()
        name, out = running.pop(pid)
        with out:
            out.seek(0)
            print(json.dumps({"name": name, "said": out.read()}), flush=True)


main()
