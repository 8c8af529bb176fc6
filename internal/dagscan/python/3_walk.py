GUARDS = re.compile(r"version|airflow_|type_checking", re.I)


class Walk:
    """One pass through a file, in the order in which it runs: the module, then
    the bodies of its functions. Branches are joined, loops run once."""

    def __init__(self, source, before=()):
        self.source = source
        self.before = before  # the functions as an earlier pass left them
        self.functions = [Function(0)]
        self.function = self.functions[0]
        self.frames = [[{}]]
        self.later = collections.deque()
        self.calls = set()
        self.uses = []
        self.smells = []
        self.imports = []
        self.resolved = set()
        self.guarded = 0

    def run(self, tree):
        self.body(tree.body)
        while self.later:
            node, frames, function, guarded = self.later.popleft()
            spend(len(function.parameters))
            self.frames, self.function, self.guarded = frames + [[{}]], function, guarded
            for name in function.parameters:
                self.set(name, Value(strings=("\1%d:%s\1" % (function.number, name),)))
            if isinstance(node, ast.Lambda):
                function.gives = self.value(node.body)
            else:
                self.body(node.body)

    def body(self, statements):
        for s in statements:
            if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)):
                self.value(s)

    # Names.

    def set(self, name, value):
        self.frames[-1][0][name] = value

    def get(self, name):
        for frame in reversed(self.frames):
            if name in frame[0]:
                return frame[0][name]
        return None

    def assign(self, target, value):
        if isinstance(target, ast.Name):
            self.set(target.id, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            items = value.items if value is not None and value.items else []
            for i, t in enumerate(target.elts):
                self.assign(t, items[i] if len(items) == len(target.elts) else None)
        elif isinstance(target, ast.Attribute):
            if isinstance(target.value, ast.Name):
                self.set(target.value.id + "." + target.attr, value)
        elif isinstance(target, ast.Subscript):
            if isinstance(target.value, ast.Name) and value is not None and value.taint:
                self.set(target.value.id, either(self.get(target.value.id), Value(taint=value.taint)))
        elif isinstance(target, ast.Starred):
            self.assign(target.value, None)

    # Expressions and statements.

    def value(self, node):
        """Goes through a node and returns its Value, or None."""
        spend(1)
        handler = HANDLERS.get(node.__class__)
        if handler is not None:
            return handler(self, node)
        for field in node._fields:
            child = getattr(node, field, None)
            if child.__class__ is list:
                for c in child:
                    if isinstance(c, ast.AST):
                        self.value(c)
            elif isinstance(child, ast.AST):
                self.value(child)
        return None

    def nothing(self, node):
        return None

    def constant(self, node):
        if node.value.__class__ is not str:
            return None
        if "{{" in node.value or "{%" in node.value:
            self.template(node, node.value)
        return Value(strings=(node.value,)) if len(node.value) <= 4096 else None

    def name(self, node):
        return self.get(node.id)

    def attribute(self, node):
        base = self.value(node.value)
        if isinstance(node.value, ast.Name):
            own = self.get(node.value.id + "." + node.attr)
            if own is not None:
                return own
        if base is None:
            return None
        if base.path is not None:
            return Value(path=base.path + "." + node.attr)
        if base.thing == "connection":
            return self.part(base, node.attr)
        return None

    def part(self, connection, name):
        """What an attribute of a connection, or a method's answer, holds."""
        if name not in SECRET_PARTS and name not in ("to_dict", "get_extra"):
            return None
        thing = "json" if "dejson" in name else None
        return Value(taint=(CONNECTION, connection.of, name), thing=thing)

    def joined_string(self, node):
        strings, taint = ("",), None
        for part in node.values:
            if isinstance(part, ast.Constant):
                value = Value(strings=(part.value,)) if isinstance(part.value, str) else None
            else:
                value = self.value(part.value)
                if part.format_spec is not None:
                    self.value(part.format_spec)
            strings = joined(strings, known(value))
            taint = taint or tainted(value)
        for s in strings:
            spend(1, len(s))
            if "{{" in s or "{%" in s:
                self.template(node, s)
        return Value(strings=strings, taint=taint)

    def operation(self, node):
        left, right = self.value(node.left), self.value(node.right)
        taint = tainted(left) or tainted(right)
        strings = None
        if isinstance(node.op, ast.Add):
            strings = joined(known(left), known(right))
            if left is not None and right is not None and left.items is not None and right.items is not None:
                spend(len(left.items) + len(right.items))
                return Value(items=left.items + right.items)
        elif isinstance(node.op, ast.Mod) and known(left):
            strings = self.percent(known(left), right)
        elif not isinstance(node.op, ast.BitOr):
            return None
        return Value(strings=strings, taint=taint) if strings or taint else None

    def percent(self, strings, value):
        arguments = value.items if value is not None and value.items is not None else [value]
        found = ()
        for s in strings:
            spend(1, 64 * len(s))
            parts, made = re.split(r"%(?:\([^()]*\))?[-+ #0-9.]*[a-zA-Z]", s), None
            for i, part in enumerate(parts):
                if i == 0:
                    made = (part,)
                    continue
                argument = arguments[i - 1] if len(arguments) == len(parts) - 1 else None
                made = joined(joined(made, known(argument)), (part,))
            found += made
        return found[:MANY]

    def either_of(self, node):
        nodes = node.values if isinstance(node, ast.BoolOp) else (node.body, node.orelse)
        if isinstance(node, ast.IfExp):
            self.value(node.test)
        found = None
        for n in nodes:
            found = either(found, self.value(n))
        return found

    def sequence(self, node):
        return Value(items=[self.value(n) for n in node.elts])

    def dictionary(self, node):
        keys, items = [], []
        for k, v in zip(node.keys, node.values):
            key, value = self.value(k) if k is not None else None, self.value(v)
            keys.append(key)
            items.append(value)
            for name in known(key) or ():
                if name.endswith("_conn_id"):
                    self.ask(CONNECTION, value, "conn_id=", False, v)
        return Value(keys=keys, items=items)

    def subscript(self, node):
        base = self.value(node.value)
        key = node.slice.value if node.slice.__class__.__name__ == "Index" else node.slice
        index = self.value(key)
        if base is None or isinstance(key, ast.Slice):
            return None
        if base.path == "os.environ" and isinstance(node.ctx, ast.Load):
            return self.environment(index, False, node)
        return self.element(base, index)

    def element(self, base, index):
        """An element of a list or dictionary. What stands in the JSON of a
        secret is one only where its key says so."""
        names = known(index) or ()
        if base.keys is not None:
            spend(len(base.keys))
            found = None
            for key, value in zip(base.keys, base.items):
                if set(known(key) or ()) & set(names):
                    found = either(found, value)
            return found
        if base.taint and base.thing == "json":
            return Value(taint=base.taint[:2] + ("field",)) if any(SENSITIVE.search(n) for n in names) else None
        return Value(taint=base.taint) if base.taint else None

    def elements(self, value):
        """What iterating over a value gives: one Value for all."""
        found = None
        if value is not None:
            for item in (value.keys if value.keys is not None else value.items) or ():
                spend(len(item.items) if item is not None and item.items is not None else 1)
                if item is not None and item.items is not None and found is not None and found.items is not None \
                        and len(item.items) == len(found.items):
                    found = Value(items=[either(a, b) for a, b in zip(found.items, item.items)])
                else:
                    found = either(found, item)
        return found

    def comprehension(self, node):
        for g in node.generators:
            self.assign(g.target, self.elements(self.value(g.iter)))
            for test in g.ifs:
                self.value(test)
        if isinstance(node, ast.DictComp):
            self.value(node.key)
            self.value(node.value)
            return None
        value = self.value(node.elt)
        return Value(items=[value]) if value is not None else None

    def comparison(self, node):
        self.value(node.left)
        for n in node.comparators:
            self.value(n)

    def inner(self, node):
        """Expr, Await, Starred, FormattedValue: what they stand around."""
        return self.value(node.value)

    def walrus(self, node):
        value = self.value(node.value)
        self.assign(node.target, value)
        return value

    def function_value(self, node):
        function = self.define()
        self.parameters(node.args, function)
        self.later.append((node, self.frames, function, self.guarded))
        return Value(function=function.number)
