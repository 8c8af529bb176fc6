"""Parses the DAG files of each folder once, as the DAG processor does, and
prints as JSON the last line of each import error and what the files asked the
secrets backend recording_backend.Recording for: a list, one for each folder.
A folder has a process of its own, forked when Airflow is imported."""
import json
import os
import sys
import traceback

from airflow.dag_processing.dagbag import DagBag

from recording_backend import ASKED


def parse(folder):
    ASKED.clear()
    bag = DagBag(folder)
    errors = {os.path.basename(f): e.strip().splitlines()[-1] for f, e in bag.import_errors.items()}
    return {"errors": errors, "asked": sorted(ASKED)}


found = []
for folder in sys.argv[1:]:
    answer, told = os.pipe()
    sys.stdout.flush()
    if os.fork() == 0:
        try:
            with os.fdopen(told, "w") as out:
                json.dump(parse(folder), out)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
    os.close(told)
    with os.fdopen(answer) as read:
        found.append(json.load(read))
    os.wait()
print(json.dumps(found))
