"""Single small changes to a source: each place, each operator, one at a time."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

Node = TypeVar("Node", bound=ast.AST)

COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a source. `name` is the place and the operator, and is stable under unrelated edits."""

    path: str
    name: str
    place: int
    changed: ast.AST
    line: int

    def tree(self, source: str) -> ast.Module:
        """Parse the source and apply the change."""
        tree = ast.parse(source)
        node, _ = next(islice(_places(tree), self.place, None))
        _put(tree, node, self.changed)
        return tree


def mutants_of(path: str, source: str) -> Iterator[Mutant]:
    """Generate every mutant of a source."""
    seen: dict[str, int] = {}
    line = 1
    for place, (node, where) in enumerate(_places(ast.parse(source))):
        line = getattr(node, "lineno", line)
        for changed in _changes(node):
            name = f"{path} {where}: {_text(node)} -> {_text(changed)}"
            seen[name] = seen.get(name, 0) + 1
            numbered = name if seen[name] == 1 else f"{name} (number {seen[name]})"
            yield Mutant(path, numbered, place, changed, line)


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield each node that may change, with its enclosing function or class."""

    def walk(node: ast.AST, where: str) -> Iterator[tuple[ast.AST, str]]:
        for name, value in ast.iter_fields(node):
            # Types, decorators, the options of a class (frozen, kw_only) and assertions are no behavior.
            if name in {"annotation", "returns", "decorator_list", "type_comment", "bases"}:
                continue
            if name == "keywords" and isinstance(node, ast.ClassDef):
                continue
            for child in value if isinstance(value, list) else [value]:
                if not isinstance(child, ast.AST) or isinstance(child, ast.Assert) or _is_log(child):
                    continue
                inner = (
                    f"{where}.{child.name}".lstrip(".") if isinstance(child, ast.FunctionDef | ast.ClassDef) else where
                )
                yield child, inner or "module"
                yield from walk(child, inner)

    return walk(tree, "")


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Constant):
        yield from _other_constants(node)
    elif isinstance(node, ast.stmt):
        yield from _other_statements(node)
    elif isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            for operator in COMPARISONS[type(op)]:
                yield _with(node, ops=[*node.ops[:at], operator(), *node.ops[at + 1 :]])
    elif isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield _with(node, op=OPERATORS[type(node.op)]())
    elif isinstance(node, ast.IfExp):
        yield _with(node, body=node.orelse, orelse=node.body)


def _other_constants(node: ast.Constant) -> Iterator[ast.AST]:
    """Select constants that may change: numbers and booleans, no texts."""
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)


def _other_statements(node: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Raise | ast.Break) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.Pass()


def _with(node: Node, **fields: object) -> Node:
    changed = deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _put(tree: ast.Module, old: ast.AST, new: ast.AST) -> None:
    """Replace a node by another one."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(child is old for child in value):
                setattr(parent, name, [new if child is old else child for child in value])
    ast.copy_location(new, old)
    ast.fix_missing_locations(tree)


def _is_log(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith("log.")


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 70 else f"{text[:34]}..{text[-34:]}"
