CLOSES = {"{{": "}}", "{%": "%}"}
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
ECHO = re.compile(r"(?:^|[\n;|&({`])[^\S\n]*(?:sudo\s+)?(?:echo|printf)\s([^\n]*)")


def blocks(text):
    """Yields (start, end) of Jinja's expressions and statements, in one pass: what opens and is not closed is none."""
    spend(1, 2 * len(text))
    at, opening = 0, {opens: text.find(opens) for opens in CLOSES}
    while True:
        for opens, start in opening.items():
            if 0 <= start < at:
                opening[opens] = text.find(opens, at)
        start, opens = min(((start, opens) for opens, start in opening.items() if start >= 0), default=(-1, ""))
        if start < 0:
            return
        end = text.find(CLOSES[opens], start + 2)
        if end < 0:
            opening[opens] = -1  # nor does any that opens later close
            continue
        at = end + 2
        yield start, at


def asked_in_templates(text):
    """Yields (kind, id, default, part, start, end) of what a text's Jinja expressions ask for."""
    for start, end in blocks(text):
        spend(1, 16 * (end - start))
        for m in ASKED.finditer(text, start + 2, end - 2):
            name = next((g for g in (m.group(1), m.group(2), m.group(4), m.group(5), m.group(6)) if g is not None), "")
            kind = CONNECTION if m.group().startswith("conn") else VARIABLE
            if name:
                yield kind, name, m.group(3) == ",", m.group(7) or "", m.start(), m.end()


def without_blocks(text):
    """The text with what stands in its blocks crossed out."""
    parts, at = [], 0
    for start, end in blocks(text):
        parts += (text[at:start], "{{", "x" * (end - start - 4), "}}")
        at = end
    return "".join(parts) + text[at:]


def echoed(command):
    """Yields (kind, id, part) of the secrets that a shell command writes to its output."""
    spend(1, 32 * len(command))
    for line in ECHO.finditer(command):
        # What goes into a pipe or a file is not written.
        rest = without_blocks(line.group(1))
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
