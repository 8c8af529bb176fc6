"""Parses the DAG files of a folder once, as the DAG processor does, and prints
as JSON the last line of each import error and what the files asked the secrets
backend recording_backend.Recording for."""
import json
import os
import sys

from airflow.dag_processing.dagbag import DagBag

from recording_backend import ASKED

ASKED.clear()
bag = DagBag(sys.argv[1])
errors = {os.path.basename(f): e.strip().splitlines()[-1] for f, e in bag.import_errors.items()}
print(json.dumps({"errors": errors, "asked": sorted(ASKED)}))
