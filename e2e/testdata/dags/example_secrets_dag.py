# The DAG of Astronomer's guide to a secrets backend, changed where Airflow 3
# forces it (schedule) and in what it shows: the digests of the two values,
# which it compares with those the test expects.
import hashlib
import os

from airflow import DAG
from airflow.hooks.base import BaseHook
from airflow.models import Variable
from airflow.operators.python import PythonOperator
from datetime import datetime

def check(name, value):
    digest = hashlib.sha256(value.encode()).hexdigest()
    print(f'SHA-256 of my {name} is: {digest}')
    assert digest == os.environ[f'EXPECTED_{name.upper()}_SHA256'], f'the {name} is not the expected one'

def print_var():
    my_var = Variable.get("my-test-variable")
    check('variable', my_var)

    conn = BaseHook.get_connection(conn_id="my-test-connection")
    check('connection', conn.get_uri())

with DAG('example_secrets_dag', start_date=datetime(2022, 1, 1), schedule=None) as dag:

  test_task = PythonOperator(
      task_id='test-task',
      python_callable=print_var
)
