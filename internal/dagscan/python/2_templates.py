BLOCK = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.S)
NAME = r"[A-Za-z_\0\1][\w\0\1:]*"
QUOTED = r"""\s*(?:'([^'\n]*)'|"([^"\n]*)")\s*"""
ASKED = re.compile(
    r"(?<![\w.])(?:var\.(?:value|json)|conn)(?:"
    r"\.get\(" + QUOTED + r"([,)])"
    r"|\[" + QUOTED + r"\]"
    r"|\.(?!get\b)(" + NAME + r"))"
    r"((?:\.[A-Za-z_]\w*)*)"
)
SECRET_PARTS = ("password", "get_uri", "extra", "extra_dejson", "get_password", "get_extra_dejson", "as_json")
ECHO = re.compile(r"(?:^|[\n;|&({`])\s*(?:sudo\s+)?(?:echo|printf)\s([^\n]*)")


def asked_in_templates(text):
    """Yields (kind, id, default, part, start, end) of what a text's Jinja expressions ask for."""
    for block in BLOCK.finditer(text):
        for m in ASKED.finditer(text, block.start() + 2, block.end() - 2):
            name = next((g for g in (m.group(1), m.group(2), m.group(4), m.group(5), m.group(6)) if g is not None), "")
            kind = CONNECTION if m.group().startswith("conn") else VARIABLE
            if name:
                yield kind, name, m.group(3) == ",", m.group(7) or "", m.start(), m.end()


def echoed(command):
    """Yields (kind, id, part) of the secrets that a shell command writes to its output."""
    for line in ECHO.finditer(command):
        # What goes into a pipe or a file is not written.
        rest = BLOCK.sub(lambda m: "{{" + "x" * (len(m.group()) - 4) + "}}", line.group(1))
        end = re.search(r"&&|\|\||[;|>]", rest)
        if end and end.group() in ("|", ">"):
            continue
        shown = line.group(1)[: end.start()] if end else line.group(1)
        for kind, name, _, parts, _, _ in asked_in_templates(shown):
            part = parts.split(".")[1] if parts else ""
            if kind == VARIABLE and ".json." in shown and part and not SENSITIVE.search(parts):
                continue
            if kind == CONNECTION and part not in SECRET_PARTS:
                continue
            if part.startswith("extra") and parts.count(".") > 1 and not SENSITIVE.search(parts):
                continue
            yield kind, name, part
