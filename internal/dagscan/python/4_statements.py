class Statements(Walk):
    def assignment(self, node):
        if node.value is None:
            return
        value = self.value(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Subscript) or isinstance(target, ast.Attribute):
                self.value(target)
            self.assign(target, value)

    def augmented(self, node):
        value = self.value(node.value)
        if isinstance(node.target, ast.Name):
            old = self.get(node.target.id)
            taint = tainted(old) or tainted(value)
            strings = joined(known(old), known(value)) if isinstance(node.op, ast.Add) else None
            self.set(node.target.id, Value(strings=strings, taint=taint) if strings or taint else None)

    def branch(self, node):
        self.value(node.test)
        names = [getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(node.test)]
        guard = any(GUARDS.search(n) for n in names if n)
        self.guarded += guard
        before = self.frames[-1][0]
        spend(8 * len(names) + len(before))
        self.frames[-1][0] = dict(before)
        main = names.count("__name__") == 1 and any(getattr(n, "value", None) == "__main__" for n in ast.walk(node.test))
        outside = self.function
        if main:
            # It does not run where Airflow imports the file.
            self.function = self.define()
            self.function.aside = True
        self.body(node.body)
        self.function = outside
        after, self.frames[-1][0] = self.frames[-1][0], dict(before)
        self.body(node.orelse)
        if not (guard and node.body and isinstance(node.body[-1], (ast.Return, ast.Raise))):
            self.guarded -= guard  # otherwise what follows is for the other versions
        for name, value in after.items():
            here = self.frames[-1][0]
            here[name] = either(value, here[name]) if name in here else value

    def loop(self, node):
        self.assign(node.target, self.elements(self.value(node.iter)))
        self.body(node.body)
        self.body(node.orelse)

    def attempt(self, node):
        guard = False
        for h in node.handlers:
            caught = [getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(h.type)] if h.type is not None else ["Exception"]
            guard = guard or bool({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"} & set(caught))
        self.guarded += guard
        self.body(node.body)
        for h in node.handlers:
            self.body(h.body)
        self.guarded -= guard
        self.body(node.orelse)
        self.body(node.finalbody)

    def block(self, node):
        guard = False
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
            if isinstance(item.context_expr, ast.Call):
                called = item.context_expr
                caught = [getattr(n, "id", "") for n in called.args]
                guard = guard or known_path(self.value(called.func)) == "contextlib.suppress" and "ImportError" in caught
        self.guarded += guard
        self.body(node.body)
        self.guarded -= guard

    def answer(self, node):
        if node.value is not None:
            self.function.gives = either(self.function.gives, self.value(node.value))

    def imported(self, node):
        for alias in node.names:
            if alias.asname:
                self.set(alias.asname, Value(path=alias.name))
            else:
                self.set(alias.name.split(".")[0], Value(path=alias.name.split(".")[0]))
            self.note_import(alias.name, "", node)

    def imported_from(self, node):
        module = "." * (node.level or 0) + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                for name in ("Variable", "Connection", "DAG") if module.startswith(("airflow.models", "airflow.sdk")) else ():
                    self.set(name, Value(path=module + "." + name))
            else:
                self.set(alias.asname or alias.name, Value(path=module + "." + alias.name))
            self.note_import(module, alias.name, node)

    def note_import(self, module, name, node):
        if module.split(".")[0] == "airflow" and not self.guarded:
            self.imports.append((module, name, self.function.number, node))

    # Functions and classes.

    def define(self, task=False, dag=False):
        function = Function(len(self.functions), task, dag)
        self.functions.append(function)
        return function

    def definition(self, node):
        task = dag = False
        for d in node.decorator_list:
            value = self.value(d.func if isinstance(d, ast.Call) else d)
            if isinstance(d, ast.Call):
                self.value(d)
            path = (known_path(value) or "").split(".")
            if path[0] == "airflow":
                task = task or bool({"task", "asset", "setup", "teardown", "sensor"} & set(path[1:]))
                dag = dag or path[-1] == "dag"
        function = self.define(task, dag)
        self.parameters(node.args, function)
        self.set(node.name, Value(function=function.number))
        self.later.append((node, self.frames, function, self.guarded))

    def parameters(self, args, function):
        names = list(getattr(args, "posonlyargs", ())) + args.args
        function.parameters = [a.arg for a in names + args.kwonlyargs]
        defaults = list(zip(names[len(names) - len(args.defaults):], args.defaults))
        for a, default in defaults + [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults) if d is not None]:
            value = self.value(default)
            function.defaults[a.arg] = value
            if is_connection_id(a.arg):
                self.ask(CONNECTION, value, "conn_id=", False, default)

    def class_definition(self, node):
        for n in node.decorator_list + node.bases:
            self.value(n)
        for k in node.keywords:
            self.value(k.value)
        frames = self.frames
        self.frames = frames + [[{}]]
        self.body(node.body)
        self.frames = frames


def known_path(value):
    return value.path if value is not None else None


def is_connection_id(name):
    return name == "conn_id" or name.endswith("_conn_id")
