"""Answer what Airflow's own parser makes of configurations.

Reads a JSON list of {"env": {...}, "cfg": text or null, "ask": [[section, key], ...]}
from standard input and prints a list of {"answers": [...]} in the same order;
an answer is {"value": ...} or {"error": class name}, and {"error": ...} instead
of "answers" means that the configuration cannot be read at all. Every case
forks, so that Airflow is imported once and each case has its own parser.
"""

import json
import logging
import os
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
answers = os.fdopen(os.dup(1), "w")  # what Airflow prints goes to standard error
os.dup2(2, 1)
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp()
import airflow.configuration as configuration

logging.disable(logging.CRITICAL)
configuration.conf.configuration_description  # loads the providers' options once


def answer(conf, section, key):
    try:
        value = conf.get(section, key, suppress_warnings=True)
    except Exception as e:
        return {"error": type(e).__name__}
    try:
        return {"value": value, "bool": conf.getboolean(section, key)}
    except Exception:
        return {"value": value}


def run(case, home):
    for name in [n for n in os.environ if n.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ.update(case["env"])
    os.environ["AIRFLOW_HOME"] = home
    if case["cfg"] is not None:
        with open(os.path.join(home, "airflow.cfg"), "w", newline="") as file:
            file.write(case["cfg"])
    configuration.AIRFLOW_HOME = home
    configuration.AIRFLOW_CONFIG = configuration.get_airflow_config(home)
    try:
        conf = configuration.conf = configuration.initialize_config()
        conf.validate()
    except Exception as e:
        return {"error": type(e).__name__}
    return {"answers": [answer(conf, *ask) for ask in case["ask"]]}


def forked(case, home):
    out, into = os.pipe()
    if os.fork() == 0:
        with os.fdopen(into, "w") as file:
            json.dump(run(case, home), file)
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as file:
        text = file.read()
    os.wait()
    return json.loads(text)


request = json.load(sys.stdin)
json.dump([forked(case, home) for case, home in request], answers)
