# Writes the two rows to Airflow's metadata database with Airflow's own
# models, or deletes them. The values come from standard input, as JSON.
import json
import sys

from airflow.models import Variable
from airflow.models.connection import Connection
from airflow.utils.session import create_session

values = json.load(sys.stdin)
with create_session() as session:
    if values:
        Variable.set("my-test-variable", values["variable"], session=session)
        session.add(Connection(conn_id="my-test-connection", uri=values["connection"]))
    else:
        Variable.delete("my-test-variable", session=session)
        session.query(Connection).filter_by(conn_id="my-test-connection").delete()
