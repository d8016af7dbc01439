"""Rules of shape: size, exact numbers, conditional writes, no mocks, no sleeping, names of tests."""

import ast
import re

from tests.house.source import nodes, parsed

LONGEST_FILE = 300
LONGEST_APP = 60
LONGEST_FUNCTION = 40
Function = ast.FunctionDef | ast.AsyncFunctionDef
KEY_FORMAT = re.compile(r"[A-Z]{4,}#|(PK|SK|WALLET|LANE)$")
_STORY = re.compile(r"test_(an?|it|its|nobody|ones|so|somebody|the|there|these|what|when|where|who|whoever)_")
WHOLESALE = frozenset({"batch_write", "delete", "delete_item", "put", "put_item", "scan", "truncate"})


def too_long(path: str, source: str) -> list[str]:
    """Find files and functions above the size limit."""
    functions: list[Function] = [*nodes(source, ast.FunctionDef), *nodes(source, ast.AsyncFunctionDef)]
    lines, most = len(source.splitlines()), LONGEST_APP if path == "app.py" else LONGEST_FILE
    found = [f"{path}: {lines} lines, {most} at most"] if lines > most else []
    return found + [
        f"{path}:{node.lineno}: {node.name} is longer than {LONGEST_FUNCTION} lines"
        for node in functions
        if node.end_lineno and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]


def classes_with_behavior(path: str, source: str) -> list[str]:
    """Find public classes in use cases that do more than carry values or declare what a use case needs."""
    classes = [node for node in parsed(source).body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    return [f"{path}:{node.lineno}: {node.name} has behavior" for node in classes if not _carries_values(node)]


def _carries_values(node: ast.ClassDef) -> bool:
    decorators = {ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list}
    bases = {ast.unparse(base) for base in node.bases}
    return "dataclass" in decorators or "Protocol" in bases or (bool(bases) and bases <= {"StrEnum", "Struct"})


def inexact(path: str, source: str) -> list[str]:
    """Find floats in code that handles money."""
    constants = [node for node in nodes(source, ast.Constant) if isinstance(node.value, float)]
    names = [node for node in nodes(source, ast.Name) if node.id in {"float", "round"}]
    return [f"{path}:{node.lineno}: a float" for node in (*constants, *names)]


def told_the_time(path: str, source: str) -> list[str]:
    """Find reads of the wall clock where the time is a parameter."""
    clocks = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    return [
        f"{path}:{node.lineno}: reads the clock" for node in nodes(source, ast.Call) if ast.unparse(node.func) in clocks
    ]


def serialized_by_hand(path: str, source: str) -> list[str]:
    """Find `json.dumps`: responses are encoded by their types."""
    return [
        f"{path}:{node.lineno}: json.dump"
        for node in nodes(source, ast.Call)
        if ast.unparse(node.func) in {"json.dump", "json.dumps"}
    ] + _imported(path, source, "json.dump", "json.dumps")


def careless_writes(path: str, source: str) -> list[str]:
    """Find unconditional saves, deletes and scans."""
    found = []
    for call in nodes(source, ast.Call):
        if not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr == "save" and not _has_condition(call):
            found.append(f"{path}:{call.lineno}: a save without a condition")
        if call.func.attr in WHOLESALE:
            found.append(f"{path}:{call.lineno}: {call.func.attr} is not for ledgers")
    return found


def _has_condition(call: ast.Call) -> bool:
    is_in_transaction = ast.unparse(call.func).startswith("transaction.")
    conditions = [*call.args[is_in_transaction:], *(word.value for word in call.keywords if word.arg == "condition")]
    return any("exist" in ast.unparse(condition) for condition in conditions)


def asserted(path: str, source: str) -> list[str]:
    """Find assert statements: in the product a named error is raised, which `python -O` does not remove."""
    return [f"{path}:{node.lineno}: asserts" for node in nodes(source, ast.Assert)]


def key_formats(path: str, source: str) -> list[str]:
    """Find the table's key names, prefixes and constant sort keys: only the DynamoDB adapter knows them."""
    return [
        f"{path}:{node.lineno}: the key format {node.value!r}"
        for node in nodes(source, ast.Constant)
        if isinstance(node.value, str) and KEY_FORMAT.match(node.value)
    ]


def mocked(path: str, source: str) -> list[str]:
    """Find imports of the mock library."""
    return _imported(path, source, "unittest.mock", "unittest", "mock", "pytest_mock") + [
        f"{path}:{node.lineno}: mock.patch"
        for node in nodes(source, ast.Attribute)
        if node.attr == "patch" and ast.unparse(node.value).endswith("mock")
    ]


def asleep(path: str, source: str) -> list[str]:
    """Find tests that sleep instead of waiting for a condition."""
    slept = [
        f"{path}:{call.lineno}: sleeps"
        for call in nodes(source, ast.Call)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "sleep" and ast.unparse(call.func) == "time.sleep"
    ]
    return slept + _imported(path, source, "time.sleep")


def unnamed_units(path: str, source: str) -> list[str]:
    """List the tests whose name opens with a word that names no unit: `test_<unit>_<condition>_<expected>`."""
    return [
        f"{path}:{node.lineno}: {node.name} names no unit"
        for node in nodes(source, ast.FunctionDef)
        if _STORY.match(node.name)
    ]


def _imported(path: str, source: str, *names: str) -> list[str]:
    found = []
    statements: list[ast.Import | ast.ImportFrom] = [*nodes(source, ast.Import), *nodes(source, ast.ImportFrom)]
    for node in statements:
        module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        named = {module + alias.name for alias in node.names} | {module.removesuffix(".")}
        found += [f"{path}:{node.lineno}: imports {name}" for name in sorted(named.intersection(names))][:1]
    return found
