"""Runs cases of one family in this interpreter: worker.py FAMILY IN OUT.

IN is a JSON list of inputs, OUT becomes the list of what was observed. An
exception that a family did not expect is an observation too: it must show up
as a difference of one case, not end the run.
"""

import importlib
import json
import sys
import traceback


def main():
    family, source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        inputs = json.load(file)
    module = importlib.import_module(family)
    from observe import NotApplicable, plain

    results = []
    for case in inputs:
        try:
            results.append(plain(module.expect(case)))
        except NotApplicable as why:
            results.append({"not_applicable": str(why)})
        except Exception:
            results.append({"generator_failed": traceback.format_exc()})
    with open(target, "w", encoding="utf-8") as file:
        json.dump(results, file, ensure_ascii=False, allow_nan=False)


main()
