"""Asks real Airflow every case of the vectors anew and prints what changed.

    main.py                          the Airflow of this interpreter
    main.py --airflow 2.11.0         that one, in an environment of its own
    main.py --only metastore         one file (repeatable)
    main.py --write DIR              also write the files with the new answers
    main.py --page FILE              also write the differences as a page

One line for each member of a case that is different; exits 1 when there is one.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import compare
import environments

HERE = pathlib.Path(__file__).resolve().parent
TESTDATA = HERE.parent.parent / "internal" / "vectors" / "testdata"

# By file: the module that knows how, and into how many processes it may be
# split. connection_parse and metastore stay whole: Airflow says some things
# once per process, and the cases hold them where they came in order.
FAMILIES = {
    "connection_parse": ("connections", 1),
    "metastore": ("metastore", 1),
    "lookup_paths": ("stores", 2),
    "store_values": ("stores", 2),
    "precedence": ("precedence", 8),
}
# They describe Airflow's own processes over time rather than one look-up, and
# no implementation but Airflow has them.
LEFT_OUT = {"precedence": {"cache", "instance", "set", "api", "backends", "chain"}}
# Contexts of precedence that need the Task SDK.
SDK_CONTEXTS = {"worker", "sdk_server", "sdk_fallback"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--airflow", metavar="VERSION")
    parser.add_argument("--as-of", metavar="DATE", help="publishing date of the newest package (default: the Airflow's own)")
    parser.add_argument("--only", action="append", choices=sorted(FAMILIES), metavar="FILE")
    parser.add_argument("--case", metavar="TEXT", default="", help="only cases with TEXT in the name")
    parser.add_argument("--vectors", type=pathlib.Path, default=TESTDATA, metavar="DIR")
    parser.add_argument("--write", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--page", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    return parser.parse_args()


def main():
    args = arguments()
    python = environments.python_of(args.airflow, args.as_of) if args.airflow is not None else sys.executable
    versions = environments.versions(python)
    with_sdk = "apache-airflow-task-sdk" in versions
    found, counts, remarks, shown = [], [], [], {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name in args.only or FAMILIES:
            text = (args.vectors / f"{name}.json").read_text(encoding="utf-8")
            vectors = json.loads(text)
            chosen = [c for c in vectors["cases"] if args.case in c["name"] and not left_out(name, c, with_sdk)]
            answers = ask(pool, python, name, [c["input"] for c in chosen])
            pairs = [p for p in zip(chosen, answers, strict=True) if "not_applicable" not in p[1]]
            reasons = sorted({a["not_applicable"] for a in answers if "not_applicable" in a})
            if reasons:
                remarks.append(f"Not every case of {name} can be asked: {'; '.join(reasons)}.")
            new = [
                d
                for case, answer in pairs
                for d in compare.differences(name, case["name"], case["expect"], answer, with_sdk)
            ]
            for d in new:
                print(compare.line(d), flush=True)
            changed = len({d.case for d in new})
            counts.append((name, len(pairs), changed))
            found += new
            shown = shown or vectors["header"]["generated_with"]
            print(f"{name}: {len(pairs)} of {len(vectors['cases'])} cases compared, {changed} different", file=sys.stderr)
            if args.write:
                write(args.write, name, vectors, pairs, versions)
    if not with_sdk:
        remarks.append(
            "This Airflow has no Task SDK: what the SDK's own classes answer, and every look-up of a worker, is not compared."
        )
    moved = [(n, shown.get(n), versions.get(n)) for n in [*environments.PACKAGES, "python"] if shown.get(n) != versions.get(n)]
    report(args, found, counts, remarks, moved, shown, versions)
    return 1 if found else 0


def left_out(name, case, with_sdk):
    parts = case["name"].split("/")
    if len(parts) > 1 and parts[1] in LEFT_OUT.get(name, ()):
        return True
    return not with_sdk and case["input"].get("context") in SDK_CONTEXTS


def ask(pool, python, name, inputs):
    """The answers to the inputs, in order, from processes of their own."""
    module, parts = FAMILIES[name]
    size = -(-len(inputs) // parts) or 1
    chunks = [inputs[i : i + size] for i in range(0, len(inputs), size)]
    return [answer for part in pool.map(lambda chunk: run(python, module, chunk), chunks) for answer in part]


def run(python, module, inputs):
    with tempfile.TemporaryDirectory(prefix="airlock-vectors-") as home:
        source, target = os.path.join(home, "in.json"), os.path.join(home, "out.json")
        pathlib.Path(source).write_text(json.dumps(inputs), encoding="utf-8")
        # Nothing of the caller's configuration or credentials may show up in
        # an answer, so the environment is made from nothing.
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": home,
            "TMPDIR": home,
            "LANG": "C.UTF-8",
            "AIRFLOW_HOME": home,
        }
        command = [python, str(HERE / "worker.py"), module, source, target]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{module} ended with {done.returncode}:\n{done.stderr[-4000:]}")
        return json.loads(pathlib.Path(target).read_text(encoding="utf-8"))


def write(folder, name, vectors, pairs, versions):
    """The file again, with what was asked answered anew."""
    for case, answer in pairs:
        case["expect"] = compare.in_order_of(case["expect"], answer)
    vectors["header"]["generated_with"] = versions
    vectors["header"]["case_count"] = len(vectors["cases"])
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(vectors, indent=1) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def report(args, found, counts, remarks, moved, shown, versions):
    for remark in remarks:
        print(remark, file=sys.stderr)
    for name, old, new in moved:
        print(f"{name}: {old or '(absent)'} -> {new or '(absent)'}", file=sys.stderr)
    print("nothing changed" if not found else f"{len(found)} members changed", file=sys.stderr)
    if args.page:
        base, version = shown["apache-airflow"], versions["apache-airflow"]
        args.page.write_text(compare.page(version, base, found, counts, remarks, moved), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
