"""Check of the keywords of `msgspec.structs.replace`, which mypy does not check."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache

from tests.house.source import imports, nodes, parsed, python_files


def wrong_replacements(path: str, source: str) -> list[str]:
    """Find calls that replace an unknown field, or a value without an annotated class.

    The class is read from the annotation of the parameter or variable, or of the function that is called in its place.
    """
    if not any(one.name == "msgspec.structs.replace" for one in imports(source)):
        return []
    tree = parsed(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    returned = {function.name: function.returns for function in functions}
    innermost = {call: _annotations(function) for function in functions for call in _replacements(function)}
    return [
        f"{path}:{call.lineno}: {complaint}"
        for call in _replacements(tree)
        for complaint in _complaints(call, innermost.get(call, {}), returned)
    ]


def _replacements(node: ast.AST) -> Iterator[ast.Call]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "replace":
            yield call


def _annotations(function: ast.FunctionDef) -> dict[str, ast.expr | None]:
    """Return the annotations of the function's parameters and variables."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    variables = [node for node in ast.walk(function) if isinstance(node, ast.AnnAssign)]
    named = {node.target.id: node.annotation for node in variables if isinstance(node.target, ast.Name)}
    return {argument.arg: argument.annotation for argument in arguments} | named


def _complaints(
    call: ast.Call, variables: Mapping[str, ast.expr | None], returned: Mapping[str, ast.expr | None]
) -> Iterator[str]:
    value = call.args[0]
    annotation = None
    if isinstance(value, ast.Name):
        annotation = variables.get(value.id)
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        annotation = returned.get(value.func.id)
    if isinstance(annotation, ast.Constant):  # a class that names itself
        annotation = ast.Name(str(annotation.value))
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation else set()
    known = [fields for name, fields in struct_fields().items() if name in names]
    if not known:
        yield f"annotate `{ast.unparse(value)}` with its class"
    for keyword in call.keywords if known else ():
        if not all(keyword.arg in fields for fields in known):
            yield f"`{ast.unparse(value)}` has no field {keyword.arg}"


@cache
def struct_fields() -> dict[str, frozenset[str]]:
    """Return the fields of every Struct of the product, by the name of its class."""
    return {
        node.name: frozenset(ast.unparse(line.target) for line in node.body if isinstance(line, ast.AnnAssign))
        for source in python_files("chalicelib").values()
        for node in nodes(source, ast.ClassDef)
        if any("Struct" in ast.unparse(base) for base in node.bases)
    }
