# The parts of this folder are one script: they are joined in the order of their names. It reads
# Python with Python's own parser and imports, runs and opens nothing of it.
import ast
import collections
import gc
import itertools
import json
import re
import sys
import warnings

VARIABLE, CONNECTION = "variable", "connection"
# What one file may cost, in steps of about a microsecond: a node, an entry of a list or dictionary, or 64
# characters. A large file of people costs a tenth of it.
MOST_STEPS = 4000000
MANY = 20  # strings that one name may stand for
LONGEST = 250  # characters of an id
LONGEST_TEXT = 1 << 16  # characters of what is known of a string
HOLE = "\0"  # stands in a string for what is known at run time only
# \1function:name\1 stands for a parameter of one of the file's functions.
PARAMETER = re.compile("\1(\\d+):(\\w+)\1")
SENSITIVE = re.compile(r"access_?token|api_?key|authorization|passphrase|passwd|password|private_?key|secret"
                       r"|token|keyfile|service_account|credential", re.I)


class Spent(Exception):
    """The file costs more than it may."""


class Work:
    """What the file has cost so far."""

    steps = 0


def spend(steps, characters=0):
    Work.steps += steps + characters // 64
    if Work.steps > MOST_STEPS:
        raise Spent


class Value:
    """What is known of an expression; None instead where nothing is.

    strings: what it may be, with HOLE; path: the dotted name it was imported
    by; taint: (kind, id, part) of a secret in it; thing: "connection",
    "hook", "logger" or "json" with of, the id; items: of a list, keys and
    items of a dictionary; function: the number of one of the file's own.
    """

    __slots__ = ("strings", "path", "taint", "thing", "of", "items", "keys", "function")

    def __init__(self, strings=None, path=None, taint=None, thing=None, of=None, items=None, keys=None, function=None):
        self.strings = strings
        self.path = path
        self.taint = taint
        self.thing = thing
        self.of = of
        self.items = items
        self.keys = keys
        self.function = function


def either(a, b):
    """What is known of a value that is one of two."""
    if a is None or a is b:
        return b
    if b is None:
        return a
    return Value(union(a.strings, b.strings), a.path or b.path, a.taint or b.taint, a.thing or b.thing, a.of or b.of,
                 a.items or b.items, a.keys or b.keys, b.function if a.function is None else a.function)


def union(a, b):
    if not a or not b:
        return a or b
    spend(len(a) + len(b))
    return tuple(dict.fromkeys(a + b))[:MANY]


def joined(left, right):
    """The strings of left followed by right; each a tuple or None."""
    if left is None and right is None:
        return None
    left, right = left or (HOLE,), right or (HOLE,)
    longest = max(map(len, left)) + max(map(len, right))
    spend(len(left) * len(right), len(left) * len(right) * longest)
    if longest > LONGEST_TEXT:
        return (HOLE,)
    if len(left) == 1 and len(right) == 1:
        return (left[0] + right[0],)
    return tuple(dict.fromkeys(x + y for x in left for y in right))[:MANY]


def known(value):
    return value.strings if value is not None else None


def tainted(value):
    """The secret that shows when the value is written out."""
    spend(1)
    if value is None:
        return None
    if value.taint is None and value.thing == "connection":
        return (CONNECTION, value.of, "all")
    if value.taint is None and value.items:
        for item in value.items:
            found = tainted(item)
            if found:
                return found
    return value.taint


class Function:
    """A function of the file: its parameters, what it asks for by them and
    what it gives back. Aside is what Airflow does not run."""

    __slots__ = ("number", "task", "dag", "aside", "parameters", "defaults", "asks", "gives")

    def __init__(self, number, task=False, dag=False):
        self.number = number
        self.task = task
        self.dag = dag
        self.aside = False
        self.parameters = []
        self.defaults = {}
        self.asks = []
        self.gives = None
