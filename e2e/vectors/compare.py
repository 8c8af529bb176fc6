"""What differs between two answers, and how a person reads it."""

import collections
import json

ABSENT = object()
# A page names this many cases of one and the same difference.
NAMED_CASES = 4
LONGEST = 300
# Where one of these comes or goes, everything else that a case says follows
# from it, and a page would only say it again.
OUTCOMES = {"import_error", "construction_error", "error"}
# Members of the Task SDK's reading. An Airflow without it has nothing to say
# about them, which is one remark and not a difference of every case.
SDK_MEMBERS = {"sdk", "same", "get_connection_sdk", "get_connection_sdk_error"}

Difference = collections.namedtuple("Difference", "file case member old new")


def differences(file, name, old, new, with_sdk=True):
    """The members of one case's expect in which new is not old."""
    for member, before, after in changed_members(old, new):
        if with_sdk or member.split(".")[0] not in SDK_MEMBERS:
            yield Difference(file, name, member, before, after)


def changed_members(old, new, path=""):
    if isinstance(old, list) and isinstance(new, list):
        yield from changed_items(old, new, path)
        return
    if not isinstance(old, dict) or not isinstance(new, dict):
        # True equals 1 and 1.0 equals 1 in Python, but not in JSON.
        if old is ABSENT or new is ABSENT or show(old) != show(new):
            yield path, old, new
        return
    for key in [*old, *(key for key in new if key not in old)]:
        member = f"{path}.{key}" if path else key
        yield from changed_members(old.get(key, ABSENT), new.get(key, ABSENT), member)


def changed_items(old, new, path):
    """What is between the equal beginning and the equal end of two lists."""
    start = 0
    while start < min(len(old), len(new)) and show(old[start]) == show(new[start]):
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and show(old[-1 - end]) == show(new[-1 - end]):
        end += 1
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if len(old) > 1 or len(new) > 1:
        yield f"{path}[{start}:]", old, new
    elif old or new:
        yield from changed_members(*(part[0] if part else ABSENT for part in (old, new)), f"{path}[{start}]")


def show(value):
    """A value as JSON of one line, whatever the order of its members."""
    return "(absent)" if value is ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)


def short(value):
    text = show(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def line(d):
    return f"{d.file}: {d.case}: {d.member}: {show(d.old)} -> {show(d.new)}"


def in_order_of(old, new):
    """new with its members where old has them, so that a diff shows changes only."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    keys = [key for key in old if key in new] + [key for key in new if key not in old]
    return {key: in_order_of(old.get(key), new[key]) for key in keys}


def leading(found):
    """The differences without those that another of the same case explains."""

    def outcome(d):
        return ABSENT in (d.old, d.new) and d.member.split(".")[-1] in OUTCOMES

    def reading(d):
        # error and model_get.error explain what is beside them, not more.
        return d.file, d.case, d.member.rpartition(".")[0]

    explained = {reading(d) for d in found if outcome(d)}
    for d in found:
        covered = any((d.file, d.case, prefix) in explained for prefix in prefixes(d.member))
        if outcome(d) or not covered:
            yield d


def prefixes(member):
    parts = member.split(".")
    return [".".join(parts[:i]) for i in range(len(parts))]


def page(version, base, found, counts, remarks, versions):
    """A page of the documentation: every difference, equal ones in one entry."""
    out = [
        f"# Airflow {version} beside {base}",
        "",
        f"Written by `make vectors airflow={version}`: the same inputs, given to real Airflow of both versions",
        "with the providers of their time. airlock answers as the newer one does, so this is what",
        "changes for somebody who comes from the older one. Where an error comes or goes, what follows",
        "from it is left out.",
        "",
        f"| package | {base} | {version} |",
        "|---|---|---|",
        *(f"| {name} | {old or '-'} | {new or '-'} |" for name, old, new in versions),
        "",
        "| cases | compared | different |",
        "|---|---|---|",
        *(f"| {file} | {total} | {changed} |" for file, total, changed in counts),
        "",
        *(f"{remark}\n" for remark in remarks),
    ]
    by_file = collections.defaultdict(lambda: collections.defaultdict(list))
    for d in leading(found):
        by_file[d.file][(d.member, short(d.old), short(d.new))].append(d.case)
    for file, groups in by_file.items():
        out += [f"## {file}", ""]
        for (member, old, new), cases in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0][0], g[1])):
            out += entry(member, old, new, cases, base, version)
    return "\n".join(out).rstrip() + "\n"


def entry(member, old, new, cases, base, version):
    names = ", ".join(f"`{name}`" for name in cases[:NAMED_CASES])
    more = f" and {len(cases) - NAMED_CASES} more" if len(cases) > NAMED_CASES else ""
    return [
        f"- `{member}` in {names}{more}",
        "",
        "  ```text",
        f"  {base}: {old}",
        f"  {version}: {new}",
        "  ```",
        "",
    ]
