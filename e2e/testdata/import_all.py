"""Reads lines "old [new]" of modules and of names in them, and prints as JSON
which old ones can be imported, and which new ones of installed packages not."""
import importlib
import json
import sys
import warnings

warnings.simplefilter("ignore")


def error(path):
    module, _, name = path.rpartition(".")
    try:
        exec("from %s import %s" % (module, name), {})
    except ImportError as e:
        return e
    return None


def installed(path):
    try:
        importlib.import_module(".".join(path.split(".")[:3]))
    except ImportError:
        return False
    return True


works, missing = [], []
for line in sys.stdin:
    old, _, new = line.strip().partition(" ")
    if error(old) is None:
        works.append(old)
    if new and error(new) is not None and installed(new):
        missing.append(new)
print(json.dumps({"works": works, "missing": missing}))
