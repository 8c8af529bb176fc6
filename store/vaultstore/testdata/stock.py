"""Look-ups of Airflow's own VaultBackend, one after the other.

Reads a list of {kwargs, env, operation, id} as JSON and writes a list of
{result} or {error: {type, module, message, mro, cause}}. Each case has the
environment that it names, and nothing else of what a log-in reads.
"""

import importlib
import json
import logging
import os
import socket
import sys

logging.disable(logging.CRITICAL)

from airflow.providers.hashicorp.secrets.vault import VaultBackend

getaddrinfo, connect = socket.getaddrinfo, socket.socket.connect


def elsewhere(host, port):
    """Leads to the test's own server in place of Google's."""
    place = os.environ.get("GOOGLE_TEST_IAM")
    if place and str(host).endswith(".googleapis.com"):
        host, _, port = place.partition(":")
    return host, int(port or 0)


socket.getaddrinfo = lambda host, port, *args, **kwargs: getaddrinfo(*elsewhere(host, port), *args, **kwargs)
socket.socket.connect = lambda self, address: connect(self, elsewhere(*address) if len(address) == 2 else address)

FOREIGN = ("VAULT_", "AWS_", "GOOGLE_", "GCE_", "HOME", "HTTPLIB2_", "REQUESTS_CA_BUNDLE", "NO_GCE_CHECK")


def describe(error):
    kind = type(error)
    mro = [c.__name__ for c in kind.__mro__ if c not in (Exception, BaseException, object)]
    return {
        "type": kind.__name__,
        "module": kind.__module__,
        "message": str(error),
        "mro": mro,
        "cause": type(error.__cause__).__name__ if error.__cause__ else None,
    }


def ask(case):
    for name in [n for n in os.environ if n.startswith(FOREIGN)]:
        del os.environ[name]
    os.environ.update(case["env"])
    if "boto3" in sys.modules:
        sys.modules["boto3"].DEFAULT_SESSION = None
    if "google.auth.compute_engine._metadata" in sys.modules:  # it reads GCE_METADATA_* when it is loaded
        importlib.reload(sys.modules["google.auth.compute_engine._metadata"])
    try:
        backend = VaultBackend(**case["kwargs"])
        return {"result": getattr(backend, case["operation"])(case["id"])}
    except Exception as error:
        return {"error": describe(error)}


print(json.dumps([ask(case) for case in json.load(sys.stdin)]))
