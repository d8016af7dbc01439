"""The house law on child processes: a failed command must not pass for a result."""

import ast
import re
from collections.abc import Iterator

from tests.house.source import parsed

Function = ast.FunctionDef | ast.AsyncFunctionDef

_COMMANDS = frozenset(
    {
        *(
            "subprocess.run",
            "subprocess.call",
            "subprocess.Popen",
            "subprocess.getoutput",
            "subprocess.getstatusoutput",
        ),
        *("os.system", "os.popen", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
    }
)
_MODULES = re.compile("|".join(map(re.escape, ("subprocess", "asyncio", "os.system", "os.popen"))))
_ACCEPTED = {
    "infra/local/processes.py: start": "a server that ends early raises StartError, and a signal ends every other one",
    "tests/run.py: _start": "`run` checks it when the process has ended",
}
"""Functions that start a command and check no exit code, each with its reason."""


def unchecked_commands(path: str, source: str) -> list[str]:
    """List the commands whose exit code nothing checks.

    Checked is a call with `check=True`, and one whose exit code (its `returncode`, the result of `wait` or of
    `subprocess.call`) the same function asserts, compares, branches on or returns. A function that returns a
    `CompletedProcess` passes this duty to its callers in the file.
    """
    if not _MODULES.search(source):
        return []
    tree = parsed(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    commands = _COMMANDS | {node.name for node in functions if _returns_a_result(node)}
    found = [
        f"{path}:{node.lineno}: names of subprocess are written in full"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "subprocess"
    ]
    for scope in [tree, *functions]:
        if f"{path}: {getattr(scope, 'name', '')}" not in _ACCEPTED:
            found += [f"{path}:{line}: nothing checks this exit code" for line in _unchecked(scope, commands)]
    return found


def _unchecked(scope: ast.Module | Function, commands: frozenset[str]) -> Iterator[int]:
    nodes = list(_own_nodes(scope))
    names = {ast.unparse(call): name for node in nodes for call, name in _bound(node)}
    checked = {ast.unparse(owner) for node in nodes for owner in _checked_in(node)}
    for node in nodes:
        if isinstance(node, ast.Call) and {ast.unparse(part) for part in (node.func, *node.args)} & commands:
            is_handed_on = isinstance(scope, Function) and _returns_a_result(scope)
            text = ast.unparse(node)
            if not (_has_check(node) or is_handed_on or checked & {text, names.get(text, text)}):
                yield node.lineno


def _returns_a_result(node: Function) -> bool:
    return node.returns is not None and "CompletedProcess" in ast.unparse(node.returns)


def _has_check(call: ast.Call) -> bool:
    return any(word.arg == "check" and ast.unparse(word.value) == "True" for word in call.keywords)


def _bound(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Find the names that a statement gives to values."""
    if isinstance(node, ast.Assign):
        yield from ((node.value, ast.unparse(target)) for target in node.targets)
    if isinstance(node, ast.NamedExpr):
        yield node.value, ast.unparse(node.target)
    if isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield node.context_expr, ast.unparse(node.optional_vars)


def _checked_in(node: ast.AST) -> Iterator[ast.expr]:
    """Find the processes on whose exit code this node decides."""
    decided: ast.AST | None = None
    if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
        decided = node.test
    elif isinstance(node, ast.Return):
        decided = node.value
    elif isinstance(node, ast.Compare):
        decided = node
    for inner in ast.walk(decided) if decided else ():
        if isinstance(inner, ast.Attribute) and inner.attr == "returncode":
            yield inner.value
        elif isinstance(inner, ast.Call) and ast.unparse(inner.func) in {"subprocess.call", "os.system"}:
            yield inner
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "wait":
            yield inner.func.value


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk a scope, but not the functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, Function):
            yield child
            yield from _own_nodes(child)
