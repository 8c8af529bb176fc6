"""connection_parse: what the two Connection classes make of one definition."""

import copy

from observe import deserialize, error, put, sdk_connection

# Also the order in which a re-parsed connection is compared.
FIELDS = ("conn_type", "host", "login", "password", "schema", "port")
COMPARED = (*FIELDS, "extra")


def expect(case):
    from airflow.models import Connection as orm

    sdk = sdk_connection()
    kind, value = case["kind"], case["value"]
    if kind == "local_filesystem":
        return {"sdk": None, "orm": observed(orm, lambda: local_file_value(value))}
    readings = {}
    for name, cls in (("sdk", sdk), ("orm", orm)):
        readings[name] = cls and observed(cls, lambda: build(cls, kind, value))
    readings["same"] = readings["sdk"] == readings["orm"]
    return readings


def build(cls, kind, value):
    if kind == "serialized":
        return deserialize(cls, "c", value)
    if kind == "fields":
        return cls(conn_id="c", **copy.deepcopy(value))
    raise ValueError(f"kind {kind!r} is not understood")


def local_file_value(value):
    # The file's own parser is not of interest here; this is the step after it.
    from airflow.secrets.local_filesystem import _create_connection

    return _create_connection("c", copy.deepcopy(value))


def observed(cls, make):
    try:
        connection = make()
    except Exception as exc:
        return {"error": error(exc)}
    out = {"conn_id": connection.conn_id}
    for name in (*FIELDS, "description"):
        put(out, name, lambda: getattr(connection, name))
    put(out, "extra_raw", lambda: connection.extra)
    put(out, "extra", lambda: connection.extra_dejson)
    put(out, "get_uri", connection.get_uri)
    if "get_uri" in out:
        reparse(out, cls, connection)
    put(out, "as_json", lambda: connection.as_json())
    return out


def reparse(out, cls, connection):
    """What changes when the URI of a connection is read again."""
    try:
        again = deserialize(cls, "c", out["get_uri"])
        new = {name: getattr(again, name) for name in FIELDS}
        new["extra"] = again.extra_dejson
    except Exception as exc:
        out["uri_reparse_error"] = error(exc)
        return
    out["uri_reparse_changes"] = {name: new[name] for name in COMPARED if new[name] != out.get(name)}
