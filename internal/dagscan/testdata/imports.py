"""Writes imports.txt: what DAGs could import in Airflow 2 and cannot in 3.

    AIRFLOW_2_PYTHON imports.py > names.json
    AIRFLOW_3_PYTHON imports.py names.json > ../imports.txt

The first run lists the public names of Airflow 2, with where its redirects
lead; the second keeps those that the Airflow which runs it does not have. A
line is "old" or "old new", a module or a name in one.
"""
import ast
import importlib
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")
PACKAGES = """contrib datasets decorators exceptions executors hooks io kubernetes lineage macros models
notifications operators secrets sensors timetables triggers utils""".split()
NOT_FOR_DAGS = ("airflow.utils.cli", "airflow.utils.db", "airflow.utils.sqlalchemy", "airflow.utils.serve_logs",
                "airflow.utils.docs", "airflow.utils.log.es_task_handler", "airflow.decorators.base")
# Where Airflow 2 has no redirect, its release notes say this.
NEW = {
    "airflow.decorators.base.Task": "",
    "airflow.datasets": "airflow.sdk",
    "airflow.datasets.Dataset": "airflow.sdk.Asset",
    "airflow.datasets.DatasetAlias": "airflow.sdk.AssetAlias",
    "airflow.datasets.DatasetAll": "airflow.sdk.AssetAll",
    "airflow.datasets.DatasetAny": "airflow.sdk.AssetAny",
    "airflow.datasets.metadata.Metadata": "airflow.sdk.Metadata",
    "airflow.timetables.datasets.DatasetOrTimeSchedule": "airflow.sdk.AssetOrTimeSchedule",
    "airflow.utils.helpers.chain": "airflow.sdk.chain",
    "airflow.utils.helpers.cross_downstream": "airflow.sdk.cross_downstream",
    "airflow.utils.log.secrets_masker.mask_secret": "airflow.sdk.log.mask_secret",
    "airflow.utils.dag_parsing_context.get_parsing_context": "airflow.sdk.get_parsing_context",
    "airflow.utils.weekday.WeekDay": "airflow.providers.standard.utils.weekday.WeekDay",
}


def names_of_two():
    import airflow

    root, found = os.path.dirname(airflow.__file__), {}
    for folder, folders, files in os.walk(root):
        rel = os.path.relpath(folder, root)
        if rel.split(os.sep)[0] in ("providers", "example_dags", "migrations", "www", "_vendor"):
            folders[:] = []
            continue
        for name in files:
            if not name.endswith(".py"):
                continue
            module = "airflow" + ("" if rel == "." else "." + rel.replace(os.sep, "."))
            if name != "__init__.py":
                module += "." + name[:-3]
            if module == "airflow" or module.split(".")[1] not in PACKAGES:
                continue
            with open(os.path.join(folder, name)) as f:
                read_module(ast.parse(f.read()), module, found)
    for module in ("airflow", "airflow.models"):
        for name in importlib.import_module(module).__all__:
            found.setdefault(module, {}).setdefault(name, "")
    return found


def read_module(tree, module, found):
    names = found.setdefault(module, {})
    for s in tree.body:
        if isinstance(s, (ast.ClassDef, ast.FunctionDef)) and not s.name.startswith("_"):
            names.setdefault(s.name, "")
        elif isinstance(s, ast.Assign) and getattr(s.targets[0], "id", "") == "__deprecated_classes":
            for sub, moved in ast.literal_eval(s.value).items():
                if isinstance(moved, dict):
                    found.setdefault(module + "." + sub, {}).update(moved)


def there(module, name=None):
    try:
        found = importlib.import_module(module)
        if name:
            getattr(found, name)
        return True
    except BaseException:
        return name is not None and there(module + "." + name)


def newest(path):
    """Follows the redirects of Airflow 3; empty where nothing is there."""
    module, _, name = path.rpartition(".")
    provider = module.split(".")[:3]
    if provider[:2] == ["airflow", "providers"] and not there(".".join(provider)):
        return path  # the provider is not installed: Airflow 2 knew where it has the name
    if not there(module, name):
        return ""
    found = getattr(importlib.import_module(module), name)
    home = getattr(found, "__module__", "") or ""
    if module.startswith("airflow.providers") or not home.startswith("airflow."):
        return path
    sdk = importlib.import_module("airflow.sdk")
    if name in sdk.__all__:
        return "airflow.sdk." + name
    return home + "." + found.__name__


def missing_in_three(two):
    gone, lines = [], []
    for module in sorted(two):
        alive = there(module)
        if not alive and there(*module.rsplit(".", 1)):
            continue  # a name took the place of the module
        if not alive and not any(module.startswith(g + ".") for g in gone):
            gone.append(module)
            lines.append(module + (" " + NEW[module] if module in NEW else ""))
        if module.startswith(NOT_FOR_DAGS):
            continue
        for name, new in sorted(two[module].items()):
            old = module + "." + name
            if name.startswith("_") or alive and there(module, name):
                continue
            new = NEW.get(old, new and newest(new))
            if new and not name[0].islower() or new and old in NEW:
                lines.append(old + " " + new)
            elif alive:
                lines.append(old)
    return sorted(set(lines))


if len(sys.argv) == 1:
    json.dump(names_of_two(), sys.stdout)
else:
    with open(sys.argv[1]) as f:
        print("\n".join(missing_in_three(json.load(f))))
