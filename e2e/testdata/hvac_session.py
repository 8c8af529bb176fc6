# One session of hvac, the client of the stock Airflow provider, and of what
# people script beside it. Prints what each call answered, without what differs
# from server to server and from run to run, so that two servers can be
# compared. Values are shown by their digest.
import hashlib
import json
import os

import hvac
from hvac.exceptions import VaultError

VOLATILE = {"created_time", "updated_time", "deletion_time", "request_id", "lease_id", "lease_duration",
            "renewable", "wrap_info", "warnings", "auth", "mount_type"}

client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
kv = client.secrets.kv.v2
value = os.environ["SECRET"]

def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest() if text.startswith("CANARY-") else text

def stable(x):
    if isinstance(x, dict):
        kept = {k: stable(v) for k, v in x.items() if k not in VOLATILE}
        if x.get("deletion_time"):
            kept["deleted"] = True
        return kept
    if isinstance(x, list):
        return [stable(v) for v in x]
    return digest(x) if isinstance(x, str) else x

def show(title, call):
    try:
        answer = call()
        answer = answer if isinstance(answer, (dict, bool, str, type(None))) else f"HTTP {answer.status_code}"
        print(title, json.dumps(stable(answer), sort_keys=True))
    except VaultError as e:
        print(title, type(e).__name__)

def write(path, secret, cas=None):
    return lambda: kv.create_or_update_secret(path, secret=secret, cas=cas, mount_point="secret")

def read(path, version=None):
    return lambda: kv.read_secret_version(path, version=version, mount_point="secret", raise_on_deleted_version=True)

show("authenticated", client.is_authenticated)
show("initialized", client.sys.is_initialized)
show("sealed", client.sys.is_sealed)
show("lookup-self", lambda: "id" in client.auth.token.lookup_self()["data"])

show("missing", read("variables/session"))
show("write 1", write("variables/session", {"value": value}))
show("read", read("variables/session"))
show("write 2", write("variables/session", {"value": value + "2"}, cas=1))
show("write against another version", write("variables/session", {"value": "lost"}, cas=1))
show("write only if absent", write("variables/session", {"value": "lost"}, cas=0))
show("read 1", read("variables/session", 1))
show("read 2", read("variables/session", 2))
show("read 9", read("variables/session", 9))
show("patch", lambda: kv.patch("variables/session", secret={"note": "kept"}, mount_point="secret"))
show("patched", read("variables/session"))
show("patch missing", lambda: kv.patch("variables/nowhere", secret={"a": "b"}, mount_point="secret"))
show("delete latest", lambda: kv.delete_latest_version_of_secret("variables/session", mount_point="secret"))
show("deleted", read("variables/session"))
show("undelete", lambda: kv.undelete_secret_versions("variables/session", versions=[3], mount_point="secret"))
show("undeleted", read("variables/session"))
show("delete version", lambda: kv.delete_secret_versions("variables/session", versions=[1], mount_point="secret"))
show("deleted version", read("variables/session", 1))
show("destroy", lambda: kv.destroy_secret_versions("variables/session", versions=[2], mount_point="secret"))
show("destroyed", read("variables/session", 2))
show("metadata", lambda: kv.read_secret_metadata("variables/session", mount_point="secret"))
show("custom metadata", lambda: kv.update_metadata("variables/session", custom_metadata={"owner": "data"}, mount_point="secret"))
show("metadata again", lambda: kv.read_secret_metadata("variables/session", mount_point="secret"))

show("connection", write("connections/session", {"conn_uri": "http://airflow:" + value + "@example.com"}))
show("connection of fields", write("connections/fields", {"conn_type": "http", "password": value, "port": 8080}))
show("read fields", read("connections/fields"))
show("plain", write("team/app/token", {"a": value, "n": 1.5, "deep": {"list": [1, None, True]}, "empty": ""}))
show("read plain", read("team/app/token"))
show("unicode", write("variables/größe 2", {"value": "ü✓"}))
show("read unicode", read("variables/größe 2"))
show("empty", write("variables/empty", {"value": ""}))
show("read empty", read("variables/empty"))
show("list", lambda: kv.list_secrets("", mount_point="secret"))
show("list variables", lambda: kv.list_secrets("variables", mount_point="secret"))
show("list nothing", lambda: kv.list_secrets("nowhere", mount_point="secret"))
show("delete all", lambda: kv.delete_metadata_and_all_versions("variables/session", mount_point="secret"))
show("gone", read("variables/session"))
show("list after", lambda: kv.list_secrets("variables", mount_point="secret"))

client.token = "no-such-token"
show("another token", read("variables/empty"))
show("not authenticated", client.is_authenticated)
