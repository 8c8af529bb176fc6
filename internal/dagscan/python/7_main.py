MOST = 2000  # of what one file asks for


def imported_functions(walk):
    """The functions that run while the file is imported: those of its DAGs,
    and those that the module or one of them calls."""
    found = {0} | {f.number for f in walk.functions if f.dag}
    calls = {}
    for caller, callee in walk.calls:
        calls.setdefault(caller, []).append(callee)
    todo = list(found)
    while todo:
        for callee in calls.get(todo.pop(), ()):
            if callee not in found and not walk.functions[callee].task:
                found.add(callee)
                todo.append(callee)
    return found


def answer(walk, text):
    at_import = imported_functions(walk)
    uses, smells, imports = [], [], []
    for kind, name, via, default, number, node, piece in walk.uses[:MOST]:
        if (int(PARAMETER.search(name).group(1)) if PARAMETER.search(name) else -1, name) in walk.resolved:
            continue
        name = PARAMETER.sub(HOLE, name)
        prefix, hole, _ = name.partition(HOLE)
        if not hole and "{{" in name:
            prefix, hole, _ = name.partition("{{")
        if hole and via == "conn_id=" and not prefix:
            continue
        place = text.find(node, piece) if piece else text.place(node.lineno, node.col_offset)
        runs = via not in ("template", "conn_id=") and number in at_import
        use = [kind, "" if hole else name, prefix if hole else "", via, runs, default, *place]
        if use not in uses[-MANY:]:
            uses.append(use)
    for what, name, kind, more, node, edit in walk.smells[:MOST]:
        if what == "schedule-interval":
            line, column, start, end = text.keyword(node, b"schedule_interval")
            smells.append([what, name, "", "", line, column, *((start, end) if edit else (0, 0))])
        else:
            part, _, id = more.partition("\n")
            smells.append([what, "%s of %s%s" % (name, part, kind), kind, id, *text.place(node.lineno, node.col_offset), 0, 0])
    for module, name, number, node in walk.imports[:MOST]:
        imports.append([module, name, number in at_import, *text.place(node.lineno, node.col_offset)])
    return {"uses": uses, "smells": smells, "imports": imports}


def scan(data):
    Work.steps = 0
    spend(1, 16 * len(data))
    text = Text(data)
    try:
        tree = compile(data, "dag", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as e:
        return {"smells": [["syntax-error", plain(e.msg), "", "", max(e.lineno or 1, 1), max(e.offset or 1, 1), 0, 0]]}
    except (ValueError, OverflowError, LookupError) as e:
        return {"smells": [["syntax-error", plain(str(e)), "", "", 1, 1, 0, 0]]}
    walk = Report(data)
    walk.run(tree)
    called = [walk.functions[callee] for _, callee in walk.calls]
    if any(f.asks or f.gives is not None and not f.task for f in called):
        walk, before = Report(data, walk.functions), walk
        walk.run(tree)
    return answer(walk, text)


def plain(text):
    """The parser's message, without the pieces of the file that it quotes."""
    text = re.sub(r"\(U\+[0-9A-F]+\)", "", str(text or "invalid syntax"))
    text = re.sub(r"'[^']{4,}'", "a name", text)
    return re.sub(r"[^ -~]", "?", text)[:120].strip()


def main():
    if sys.version_info < (3, 8):
        print(json.dumps({"old": "%d.%d" % sys.version_info[:2]}))
        return
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(3000)
    gc.disable()
    try:
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    except (ImportError, OSError, ValueError):
        pass
    files, results = sys.stdin.buffer, sys.stdout.buffer
    results.write(json.dumps({"python": "%d.%d" % sys.version_info[:2]}).encode() + b"\n")
    results.flush()
    count = 0
    while True:
        head = files.readline()
        if not head:
            return
        data = files.read(int(head))
        try:
            found = scan(data)
        except Spent:
            found = {"smells": [["unfinished", "it takes too long", "", "", 1, 1, 0, 0]]}
        except (RecursionError, MemoryError):
            found = {"smells": [["unreadable", "nested too deeply", "", "", 1, 1, 0, 0]]}
        except Exception as e:
            found = {"smells": [["unreadable", "stopped at " + type(e).__name__, "", "", 1, 1, 0, 0]]}
        found["steps"] = Work.steps
        results.write(json.dumps(found, separators=(",", ":")).encode() + b"\n")
        results.flush()
        count += 1
        if count % 100 == 0:
            gc.collect()


main()
