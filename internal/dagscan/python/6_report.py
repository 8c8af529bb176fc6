PARTS = {"": "", "all": "all of ", "password": "the password of ", "get_password": "the password of ", "get_uri": "the URI of ",
         "as_json": "the JSON of ", "to_dict": "the fields of ", "field": "a field of "}


def shown(text):
    """A string with its holes as dots."""
    return PARAMETER.sub("...", text).replace(HOLE, "...")[:LONGEST]


class Report(Calls):
    def ask(self, kind, value, via, default, node, task=False):
        """Notes what is asked for and returns the first id, for messages."""
        strings = known(value) or (HOLE,)
        for text in strings:
            spend(1, len(text))
            for number in {int(n) for n, _ in PARAMETER.findall(text)}:
                ask = (kind, text, via, default)
                if ask not in self.functions[number].asks and len(self.functions[number].asks) < MANY:
                    self.functions[number].asks.append(ask)
            if len(text) > LONGEST or via == "conn_id=" and (text in ("", HOLE) or PARAMETER.fullmatch(text)):
                continue
            self.uses.append((kind, text, via, default, -1 if task else self.function.number, node, None))
        return strings[0]

    def template(self, node, text):
        for kind, name, default, _, start, end in asked_in_templates(text):
            self.uses.append((kind, name, "template", default, -1, node, text[start:end]))

    def smell_print(self, how, taint, node):
        if self.function.aside:
            return
        kind, name, part = taint
        part = "the extra of " if "extra" in part else PARTS.get(part, "")
        self.smells.append(("prints-secret", how, kind, part + "\n" + shown(name or ""), node, False))


HANDLERS = {
    ast.Constant: Walk.constant, ast.Name: Walk.name, ast.Attribute: Walk.attribute, ast.JoinedStr: Walk.joined_string,
    ast.BinOp: Walk.operation, ast.BoolOp: Walk.either_of, ast.IfExp: Walk.either_of, ast.Tuple: Walk.sequence,
    ast.List: Walk.sequence, ast.Set: Walk.sequence, ast.Dict: Walk.dictionary, ast.Subscript: Walk.subscript,
    ast.ListComp: Walk.comprehension, ast.SetComp: Walk.comprehension, ast.GeneratorExp: Walk.comprehension,
    ast.DictComp: Walk.comprehension, ast.Await: Walk.inner, ast.Starred: Walk.inner, ast.FormattedValue: Walk.inner,
    ast.Expr: Walk.inner, ast.Compare: Walk.comparison, ast.NamedExpr: Walk.walrus, ast.Lambda: Walk.function_value,
    ast.Call: Calls.call,
    ast.Assign: Statements.assignment, ast.AnnAssign: Statements.assignment, ast.AugAssign: Statements.augmented,
    ast.If: Statements.branch, ast.For: Statements.loop, ast.AsyncFor: Statements.loop, ast.Try: Statements.attempt,
    ast.With: Statements.block, ast.AsyncWith: Statements.block, ast.Return: Statements.answer,
    ast.Import: Statements.imported, ast.ImportFrom: Statements.imported_from,
    ast.FunctionDef: Statements.definition, ast.AsyncFunctionDef: Statements.definition,
    ast.ClassDef: Statements.class_definition, ast.Pass: Walk.nothing, ast.Global: Walk.nothing,
    ast.Nonlocal: Walk.nothing, ast.Break: Walk.nothing, ast.Continue: Walk.nothing,
}
if hasattr(ast, "TryStar"):
    HANDLERS[ast.TryStar] = Statements.attempt


class Text:
    """A file's lines, to tell where a node stands: Python counts the bytes of
    a line in UTF-8, people count characters."""

    def __init__(self, data):
        self.data = data
        self.mark = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        self.lines = self.starts = None

    def split(self):
        if self.lines is None:
            self.lines = self.data[self.mark:].splitlines(True)
        return self.lines

    def place(self, line, column):
        lines = self.split()
        text = lines[line - 1] if 0 < line <= len(lines) else b""
        spend(1, min(column, len(text)))
        return line, len(text[:column].decode("utf-8", "replace")) + 1

    def find(self, node, text):
        """Where a piece of a string literal stands, or the literal."""
        needle = text.encode("utf-8", "replace")
        lines = self.split()
        for n in range(node.lineno, min(getattr(node, "end_lineno", 0) or node.lineno, len(lines)) + 1):
            spend(1, len(lines[n - 1]))
            at = lines[n - 1].find(needle, node.col_offset if n == node.lineno else 0)
            if at >= 0:
                return self.place(n, at)
        return self.place(node.lineno, node.col_offset)

    def keyword(self, node, name):
        """Where the name of a keyword argument stands, whose value is node."""
        lines = self.split()
        if self.starts is None:
            self.starts = list(itertools.accumulate(map(len, lines), initial=self.mark))
        end = self.starts[node.lineno - 1] + node.col_offset
        spend(1, end // 4)
        start = self.data.rfind(name, 0, end)
        if start < 0 or self.data[start + len(name): end].strip(b"=( \t\r\n\\"):
            return self.place(node.lineno, node.col_offset) + (0, 0)
        line = self.data.count(b"\n", 0, start) + 1
        begin = max(self.data.rfind(b"\n", 0, start) + 1, self.mark)
        return line, len(self.data[begin:start].decode("utf-8", "replace")) + 1, start, start + len(name)
