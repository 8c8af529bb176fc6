from airflow.secrets import BaseSecretsBackend

ASKED = []


class Recording(BaseSecretsBackend):
    """Has everything, as a number or a schedule, and notes what it is asked for."""

    def __init__(self, **kwargs):
        super().__init__()

    def get_variable(self, key, team_name=None):
        ASKED.append("variable " + key)
        return "@daily" if key.startswith("schedule") else "1"

    def get_connection(self, conn_id, team_name=None):
        from airflow.models.connection import Connection

        ASKED.append("connection " + conn_id)
        return Connection(conn_id=conn_id, conn_type="http", host="example.com")
