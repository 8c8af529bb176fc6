"""Ask the stock CloudSecretManagerBackend for references.

Standard input is {"kwargs": {...}, "refs": [[method, id, team or null], ...]};
standard output is one [kind, text] for each: ["value", text or null], or the
type and the text of the exception.
"""

import json
import os
import sys

# Airflow logs to standard output.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from airflow.providers.google.cloud.secrets.secret_manager import CloudSecretManagerBackend  # noqa: E402


def ask(backend, method, key, team):
    try:
        if team is None:
            return ["value", getattr(backend, method)(key)]
        return ["value", getattr(backend, method)(key, team_name=team)]
    except Exception as e:
        return [type(e).__name__, str(e)]


given = json.load(sys.stdin)
backend = CloudSecretManagerBackend(**given["kwargs"])
json.dump([ask(backend, *ref) for ref in given["refs"]], answers)
answers.close()
