# Prints what the scheduler's classes (the ORM models, outside of any task)
# read: the digest of each value, or the name of the error.
import hashlib
import json

from airflow.models import Variable
from airflow.models.connection import Connection

def digest(read):
    try:
        return hashlib.sha256(read().encode()).hexdigest()
    except Exception as e:
        return type(e).__name__

print(json.dumps({
    "variable": digest(lambda: Variable.get("my-test-variable")),
    "connection": digest(lambda: Connection.get_connection_from_secrets("my-test-connection").get_uri()),
}))
