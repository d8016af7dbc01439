"""The rules of shape and of child processes, each with the sources that it is for."""

from collections.abc import Callable

from tests.house import commands, shape
from tests.house.source import python_files

Rule = Callable[[str, str], list[str]]

PRODUCT = python_files("app.py", "chalicelib")
TESTS = python_files("tests")
EVERYTHING = PRODUCT | TESTS | python_files("infra")
PURE = python_files("chalicelib/domain", "chalicelib/usecases")
OUTSIDE_DYNAMODB = {
    path: source
    for path, source in (PRODUCT | python_files("infra")).items()
    if not path.startswith("chalicelib/adapters/dynamodb/")
}
USE_CASES = {path: source for path, source in PURE.items() if "/usecases/" in path and "__init__" not in path}

RULES: list[tuple[Rule, dict[str, str]]] = [
    (shape.too_long, EVERYTHING),
    (shape.mocked, EVERYTHING),
    (shape.asleep, TESTS),
    (shape.unnamed_units, TESTS),
    (shape.inexact, PURE),
    (shape.told_the_time, PURE),
    (shape.classes_with_behavior, USE_CASES),
    (shape.serialized_by_hand, PRODUCT),
    (shape.careless_writes, PRODUCT),
    (shape.asserted, PRODUCT),
    (shape.key_formats, OUTSIDE_DYNAMODB),
    (commands.unchecked_commands, EVERYTHING),
]
