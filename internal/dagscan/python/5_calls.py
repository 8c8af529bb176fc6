PASSES = frozenset("str repr ascii format dict list tuple set sorted reversed bytes bytearray max min".split())
PASSES_PATH = frozenset("""json.dumps json.loads yaml.dump yaml.safe_dump yaml.safe_load pprint.pformat copy.copy
copy.deepcopy urllib.parse.quote urllib.parse.quote_plus urllib.parse.unquote base64.b64encode base64.b64decode
textwrap.dedent os.path.expandvars""".split())
TELLS_NOTHING = frozenset("""startswith endswith isdigit isalpha isalnum isspace count index find rfind keys
get_conn hexdigest""".split())
LOGS = frozenset("debug info warning warn error critical exception fatal log".split())
FIELD = re.compile(r"\w*")
LOGGER = re.compile(r"(?:^|_)log(?:ger|ging)?$", re.I)
# Hooks whose first positional argument is the connection's id.
BY_POSITION = frozenset("""PostgresHook MySqlHook MsSqlHook SqliteHook OracleHook SnowflakeHook RedshiftSQLHook
S3Hook AwsBaseHook GCSHook SSHHook SFTPHook FTPHook VaultHook SmtpHook FSHook JdbcHook TrinoHook""".split())
DAGS = ("airflow.DAG", "airflow.models.DAG", "airflow.models.dag.DAG", "airflow.sdk.DAG", "airflow.decorators.dag",
        "airflow.sdk.dag")
NOT_RENDERED = frozenset("doc doc_md doc_rst doc_json doc_yaml description".split())


class Calls(Statements):
    def call(self, node):
        base = None
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            called = self.attribute_of(node.func, base)
            method = node.func.attr
        else:
            called = self.value(node.func)
            method = ""
        arguments = [self.value(a) for a in node.args]
        keywords = {}
        for k in node.keywords:
            if k.arg in NOT_RENDERED:
                continue
            value = self.value(k.value)
            if k.arg is not None:
                keywords[k.arg] = value
        path = known_path(called) or ""
        self.keywords(node, path, keywords)
        self.printed(node, path, method, base, arguments, keywords)
        if path:
            return self.called_by_path(node, path, arguments, keywords)
        if called is not None and called.function is not None:
            return self.called_own(node, called.function, arguments, keywords)
        if method:
            return self.called_method(node, method, base, arguments, keywords)
        if isinstance(node.func, ast.Name) and node.func.id in PASSES:
            return self.passed(arguments)
        return None

    def attribute_of(self, func, base):
        """The attribute without going through its base again."""
        if isinstance(func.value, ast.Name):
            own = self.get(func.value.id + "." + func.attr)
            if own is not None:
                return own
        return Value(path=base.path + "." + func.attr) if base is not None and base.path is not None else None

    def passed(self, arguments):
        first = arguments[0] if arguments else None
        taint = tainted(first)
        if taint:
            return Value(taint=taint, thing=first.thing if first.thing == "json" else None)
        return first

    def keywords(self, node, path, keywords):
        creates = path.rsplit(".", 1)[-1] in ("Connection", "get_connection", "get_hook", "get", "get_connection_from_secrets")
        for k in node.keywords:
            if k.arg is None:
                continue
            if is_connection_id(k.arg) and not (creates and k.arg == "conn_id"):
                self.ask(CONNECTION, keywords.get(k.arg), "conn_id=", False, k.value)
            if k.arg == "default_args" and keywords.get(k.arg) is not None:
                self.default_args(keywords[k.arg], k.value)
            if k.arg == "bash_command":
                for command in known(keywords.get(k.arg)) or ():
                    for kind, name, part in echoed(command):
                        self.smell_print("bash_command", (kind, name, part), k.value)
            if k.arg == "schedule_interval" and path in DAGS:
                self.smells.append(("schedule-interval", path.rsplit(".", 1)[-1], "", "", k.value, "schedule" not in keywords))

    def default_args(self, value, node):
        spend(len(value.keys or ()))
        for key, item in zip(value.keys or (), value.items or ()):
            if "conn_id" in (known(key) or ()):
                self.ask(CONNECTION, item, "conn_id=", False, node)

    def called_by_path(self, node, path, arguments, keywords):
        names = path.split(".")
        last, owner = names[-1], names[-2] if len(names) > 1 else ""
        if names[0] == "airflow":
            if owner == "Variable" and last in ("get", "setdefault", "get_variable_from_secrets"):
                return self.variable(node, last, arguments, keywords)
            if owner == "Connection" and last in ("get", "async_get", "get_connection_from_secrets"):
                return self.connection(node, owner + "." + last, arguments, keywords)
            if owner.endswith("Hook") and last in ("get_connection", "get_hook", "aget_connection"):
                return self.connection(node, owner + "." + last, arguments, keywords)
            if last.endswith("Hook"):
                return self.hook(node, last, arguments, keywords)
        if path in ("os.environ.get", "os.getenv"):
            return self.environment(arguments[0] if arguments else None, True, node)
        if path in ("logging.getLogger", "structlog.get_logger", "structlog.getLogger"):
            return Value(thing="logger")
        if path in PASSES_PATH:
            made = self.passed(arguments)
            if path in ("json.loads", "yaml.safe_load") and made is not None and made.taint:
                made.thing = "json"
            return made
        return None

    def variable(self, node, method, arguments, keywords):
        key = arguments[0] if arguments else keywords.get("key")
        default = len(arguments) > 1 or "default_var" in keywords or "default" in keywords
        strict = any(k.arg in ("default", "default_var") and is_unset(k.value) for k in node.keywords)
        name = self.ask(VARIABLE, key, "Variable." + method, default and not strict, node)
        parsed = any(k.arg == "deserialize_json" for k in node.keywords) or len(arguments) > 2
        return Value(taint=(VARIABLE, name, ""), thing="json" if parsed else None)

    def connection(self, node, via, arguments, keywords):
        name = self.ask(CONNECTION, arguments[0] if arguments else keywords.get("conn_id"), via, False, node)
        return Value(thing="hook" if via.endswith("get_hook") else "connection", of=name)

    def hook(self, node, name, arguments, keywords):
        given = next((v for k, v in keywords.items() if is_connection_id(k)), None)
        if name in BY_POSITION and arguments:
            given = arguments[0]
            self.ask(CONNECTION, given, "conn_id=", False, node.args[0])
        strings = known(given) or ("",)
        return Value(thing="hook", of=strings[0])

    def environment(self, key, default, node):
        for name in known(key) or ():
            for prefix, kind in (("AIRFLOW_VAR_", VARIABLE), ("AIRFLOW_CONN_", CONNECTION)):
                if name.startswith(prefix) and len(name) > len(prefix):
                    asked = self.ask(kind, Value(strings=(name[len(prefix):].lower(),)), "os.environ", default, node)
                    return Value(taint=(kind, asked, "" if kind == VARIABLE else "get_uri"))
        return None

    def called_own(self, node, number, arguments, keywords):
        self.calls.add((self.function.number, number))
        if number >= len(self.before):
            return None
        function = self.before[number]
        spend(len(function.parameters) + len(function.defaults))
        bound = dict(function.defaults)
        bound.update(zip(function.parameters, arguments))
        bound.update(keywords)
        for kind, text, via, default in function.asks:
            spend(4, 64 * len(text))
            missing = [p for _, p in PARAMETER.findall(text) if known(bound.get(p)) is None]
            if missing:
                continue
            self.resolved.add((number, text))
            strings = ("",)
            for i, piece in enumerate(PARAMETER.split(text)):
                if i % 3 == 0:
                    strings = joined(strings, (piece,))
                elif i % 3 == 2:
                    strings = joined(strings, known(bound[piece]))
            self.ask(kind, Value(strings=strings), via, default, node, function.task)
        return self.given(function, bound) if not function.task and not function.dag else None

    def given(self, function, bound):
        """What a call gives back: the function's answer, with its parameters filled in."""
        gives = function.gives
        if gives is None:
            return None

        def fill(m):
            strings = known(bound.get(m.group(2))) if int(m.group(1)) == function.number else None
            return strings[0] if strings else m.group()

        taint = gives.taint and (gives.taint[0], PARAMETER.sub(fill, gives.taint[1] or ""), gives.taint[2])
        of = gives.of and PARAMETER.sub(fill, gives.of)
        strings = gives.strings and tuple(PARAMETER.sub(fill, s) for s in gives.strings)
        return Value(strings, gives.path, taint, gives.thing, of, gives.items, gives.keys, gives.function)

    def called_method(self, node, method, base, arguments, keywords):
        own = isinstance(node.func.value, ast.Name) and node.func.value.id in ("self", "cls")
        hook = base is not None and base.thing == "hook"
        if method in ("get_connection", "get_hook") and (hook or own) and (arguments or keywords):
            return self.connection(node, "BaseHook." + method, arguments, keywords)
        if base is None:
            return None
        if hook:
            return Value(taint=(CONNECTION, base.of, method)) if method == "get_uri" else None
        if base.thing == "connection":
            return self.part(base, method) or (Value(thing="hook", of=base.of) if method == "get_hook" else None)
        if method in ("items", "values") and base.keys is not None:
            spend(len(base.keys))
            pairs = [Value(items=[k, v]) for k, v in zip(base.keys, base.items)]
            return Value(items=pairs if method == "items" else base.items)
        if method in ("get", "pop", "setdefault") and (base.keys is not None or base.thing == "json"):
            return self.element(base, arguments[0] if arguments else None)
        if base.thing == "json":
            return base if method == "copy" else None
        return self.string_method(method, base, arguments, keywords)

    def string_method(self, method, base, arguments, keywords):
        taint = base.taint if method not in TELLS_NOTHING else None
        spend(1, 64 * sum(map(len, base.strings or ())))
        strings = None
        if method in ("format", "join", "replace"):
            for a in arguments + list(keywords.values()):
                taint = taint or tainted(a)
        if method == "format" and base.strings:
            strings = tuple(self.formatted(s, arguments, keywords) for s in base.strings)
        elif method in ("lower", "upper", "strip") and base.strings:
            strings = tuple(getattr(s, method)() for s in base.strings)
        return Value(strings=strings, taint=taint) if strings or taint else None

    def formatted(self, text, arguments, keywords):
        count = iter(range(len(text)))

        def fill(m):
            name = FIELD.match(m.group(1) or "").group()
            if m.group() in ("{{", "}}"):
                return m.group()[0]
            index = int(name) if name.isdigit() else next(count) if name == "" else None
            value = keywords.get(name) if index is None else arguments[index] if index < len(arguments) else None
            strings = known(value)
            return strings[0] if strings and len(strings) == 1 else HOLE

        return re.sub(r"\{\{|\}\}|\{([^{}]*)\}", fill, text)[:LONGEST_TEXT]

    def printed(self, node, path, method, base, arguments, keywords):
        how = ""
        if isinstance(node.func, ast.Name) and node.func.id == "print" and self.get("print") is None:
            how = "print()"
        elif path in ("pprint.pprint", "pprint.pp", "sys.stdout.write", "sys.stderr.write"):
            how = path + "()"
        elif method in LOGS:
            of = node.func.value
            name = getattr(of, "id", getattr(of, "attr", ""))
            if path.startswith("logging.") or base is not None and base.thing == "logger" or LOGGER.search(name):
                how = "logging"
        if how:
            seen = set()
            for value in arguments + [v for k, v in keywords.items() if k not in ("file", "sep", "end")]:
                taint = tainted(value)
                if taint and taint not in seen:
                    seen.add(taint)
                    self.smell_print(how, taint, node)


def is_unset(node):
    return getattr(node, "id", getattr(node, "attr", "")) in ("NOTSET", "_NOTSET")
