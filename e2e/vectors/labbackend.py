"""The custom secrets backends that the cases of precedence name.

They answer from the case's own store, and what happens to them is kept in
precedence.STATE: Airflow loads this module by name, in the middle of its start.
"""

import builtins
import importlib

from airflow.secrets import BaseSecretsBackend
from precedence import STATE


def answer(kind, key, *team):
    """What the store says: {v}, {raise}, a list of them in turn, or nothing."""
    STATE.calls.append([kind, key, *team])
    given = STATE.store.get(kind, {}).get(key)
    if isinstance(given, list):
        asked = sum(call[:2] == [kind, key] for call in STATE.calls)
        given = given[min(asked, len(given)) - 1]
    if given is None:
        return None
    if "raise" in given:
        raise exception(given["raise"])
    return given["v"]


def exception(name):
    for module in (builtins, importlib.import_module("airflow.exceptions")):
        if hasattr(module, name):
            return getattr(module, name)(f"fake {name}")
    return getattr(importlib.import_module("airflow.sdk.exceptions"), name)(f"fake {name}")


class FakeBackend(BaseSecretsBackend):
    """Takes any kwargs and knows teams, as backends of today do."""

    def __init__(self, **kwargs):
        super().__init__()
        STATE.constructed.append(kwargs)
        if STATE.store.get("init_raise"):
            raise RuntimeError("fake init failure")

    def get_conn_value(self, conn_id, team_name=None):
        return answer("connections", conn_id)

    def get_variable(self, key, team_name=None):
        return answer("variables", key)

    def get_config(self, key):
        return answer("config", key)


class OtherBackend(FakeBackend):
    """A second class, for options that choose between two."""


class StrictBackend(FakeBackend):
    """Takes no kwargs at all."""

    def __init__(self):
        super().__init__()


class TeamEcho(FakeBackend):
    """Notes the team that it is given."""

    def get_conn_value(self, conn_id, team_name=None):
        return answer("connections", conn_id, team_name)

    def get_variable(self, key, team_name=None):
        return answer("variables", key, team_name)


class OldSignatureBackend(FakeBackend):
    """Written before there were teams."""

    def get_conn_value(self, conn_id):
        return answer("connections", conn_id)

    def get_variable(self, key):
        return answer("variables", key)
