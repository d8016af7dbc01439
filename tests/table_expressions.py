"""DynamoDB's expressions as far as the adapters use them: conditions, and updates of top-level attributes.

Anything else raises NotImplementedError, so that no expression is understood more leniently than DynamoDB does.
Source: the developer guide, "Condition and filter expressions" and "Using update expressions in DynamoDB".
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

Value = Mapping[str, Any]
Item = Mapping[str, Value]
Names = Mapping[str, str]
Values = Mapping[str, Value]
Operand = Callable[[Item, Names, Values], Value | None]
Test = Callable[[Item, Names, Values], bool]

_TOKEN: Final = re.compile(r"\s*([#:]?\w+|<>|<=|>=|[=<>(),+-])")
_FUNCTIONS: Final = frozenset({"ATTRIBUTE_EXISTS", "ATTRIBUTE_NOT_EXISTS", "BEGINS_WITH"})
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class InvalidExpression(Exception):
    """DynamoDB answers a ValidationException."""


class _Tokens:
    """The tokens of an expression, and the place of the next one."""

    def __init__(self, text: str) -> None:
        self.all: list[str] = _TOKEN.findall(text)
        if "".join(self.all) != re.sub(r"\s", "", text):
            raise NotImplementedError(text)
        self.at = 0

    @property
    def next(self) -> str:
        """The next token, "" at the end. Keywords are upper case."""
        token = self.all[self.at] if self.at < len(self.all) else ""
        return token.upper() if token[:1] not in {"#", ":"} else token

    def take(self, *wanted: str) -> str:
        token = self.next
        if wanted and token not in wanted:
            raise NotImplementedError(f"{token!r} in the place of {wanted} in {self.all}")
        self.at += 1
        return self.all[self.at - 1]

    def takes(self, *wanted: str) -> bool:
        """Take the next token if it is one of these."""
        found = self.next in wanted
        self.at += found
        return found


@lru_cache(maxsize=1_000)
def condition(text: str) -> Test:
    """Compile a condition."""
    tokens = _Tokens(text)
    test = _or(tokens)
    if tokens.next:
        raise NotImplementedError(text)
    return test


@lru_cache(maxsize=1_000)
def placeholders(*texts: str) -> frozenset[str]:
    """List the placeholders of the expressions, all of which a request has to define, and no others."""
    return frozenset(token for text in texts for token in _TOKEN.findall(text) if token[0] in "#:")


def _or(tokens: _Tokens) -> Test:
    tests = [_and(tokens)]
    while tokens.takes("OR"):
        tests.append(_and(tokens))
    return tests[0] if len(tests) == 1 else lambda *given: any(test(*given) for test in tests)


def _and(tokens: _Tokens) -> Test:
    tests = [_not(tokens)]
    while tokens.takes("AND"):
        tests.append(_not(tokens))
    return tests[0] if len(tests) == 1 else lambda *given: all(test(*given) for test in tests)


def _not(tokens: _Tokens) -> Test:
    if tokens.takes("NOT"):
        test = _not(tokens)
        return lambda *given: not test(*given)
    if tokens.takes("("):
        test = _or(tokens)
        tokens.take(")")
        return test
    return _function(tokens) if tokens.next in _FUNCTIONS else _comparison(tokens)


def _function(tokens: _Tokens) -> Test:
    name = tokens.take().upper()
    tokens.take("(")
    subject = _operand(tokens)
    if name == "BEGINS_WITH":
        tokens.take(",")
        prefix = _operand(tokens)
        tokens.take(")")
        return lambda *given: _begins(subject(*given), prefix(*given))
    tokens.take(")")
    exists = name == "ATTRIBUTE_EXISTS"
    return lambda *given: (subject(*given) is not None) is exists


def _begins(value: Value | None, prefix: Value | None) -> bool:
    return value is not None and prefix is not None and str(value.get("S", "")).startswith(prefix["S"])


def _comparison(tokens: _Tokens) -> Test:
    left = _operand(tokens)
    sign = tokens.take("=", "<>", "BETWEEN", "IN", *_COMPARISONS).upper()
    if sign == "BETWEEN":
        low = _operand(tokens)
        tokens.take("AND")
        high = _operand(tokens)
        return lambda *given: _ordered(left(*given), low(*given), ">=") and _ordered(left(*given), high(*given), "<=")
    if sign == "IN":
        tokens.take("(")
        choices = [_operand(tokens)]
        while tokens.takes(","):
            choices.append(_operand(tokens))
        tokens.take(")")
        return lambda *given: any(_same(left(*given), choice(*given)) for choice in choices)
    right = _operand(tokens)
    if sign in {"=", "<>"}:
        # An attribute that is missing equals nothing, and differs from everything.
        return lambda *given: _same(left(*given), right(*given)) is (sign == "=")
    return lambda *given: _ordered(left(*given), right(*given), sign)


def _same(left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return False
    return Decimal(left["N"]) == Decimal(right["N"]) if "N" in left and "N" in right else left == right


def _ordered(left: Value | None, right: Value | None, sign: str) -> bool:
    if left is None or right is None or left.keys() != right.keys():
        return False
    [kind] = left
    if kind not in {"N", "S"}:
        raise NotImplementedError(f"order of {kind}")
    convert: Callable[[Any], Any] = Decimal if kind == "N" else str.encode
    return _COMPARISONS[sign](convert(left[kind]), convert(right[kind]))


def _operand(tokens: _Tokens) -> Operand:
    token = tokens.take()
    if token.startswith("#"):
        return lambda item, names, _values: item.get(names[token])
    if token.startswith(":"):
        return lambda _item, _names, values: values[token]
    if not token.isidentifier():
        raise NotImplementedError(token)
    if tokens.next != "(":
        return lambda item, _names, _values: item.get(token)
    if token.lower() != "if_not_exists":
        raise NotImplementedError(token)
    tokens.take("(")
    path = _operand(tokens)
    tokens.take(",")
    otherwise = _operand(tokens)
    tokens.take(")")
    return lambda *given: path(*given) or otherwise(*given)


Change = tuple[str, str, Operand | None]
"""The clause, the placeholder of the attribute, and its new or added value."""


@lru_cache(maxsize=1_000)
def update(text: str) -> Sequence[Change]:
    """Compile an update."""
    tokens, changes = _Tokens(text), list[Change]()
    while tokens.next:
        clause = tokens.take("SET", "REMOVE", "ADD").upper()
        changes.append(_change(clause, tokens))
        while tokens.takes(","):
            changes.append(_change(clause, tokens))
    if len({path for _, path, _ in changes}) < len(changes):
        raise InvalidExpression(text)
    return changes


def _change(clause: str, tokens: _Tokens) -> Change:
    path = tokens.take()
    if not path.startswith("#"):
        raise NotImplementedError(path)
    if clause == "REMOVE":
        return clause, path, None
    if clause == "SET":
        tokens.take("=")
    value = _operand(tokens)
    if tokens.next in {"+", "-"}:
        sign = 1 if tokens.take() == "+" else -1
        return clause, path, _sum(value, _operand(tokens), sign)
    return clause, path, value


def _sum(left: Operand, right: Operand, sign: int) -> Operand:
    def value(*given: Any) -> Value:
        terms = left(*given), right(*given)
        if None in terms:
            raise InvalidExpression("an operand of + or - is missing")
        return {"N": str(Decimal(terms[0]["N"]) + sign * Decimal(terms[1]["N"]))}  # type: ignore[index]

    return value


def updated(item: Item, text: str, names: Names, values: Values) -> Item:
    """Return the item after an update. Every operand is read from the item as it was before."""
    after = dict(item)
    for clause, path, operand in update(text):
        name, given = names[path], operand(item, names, values) if operand else None
        if clause == "REMOVE":
            after.pop(name, None)
        elif given is None:
            raise InvalidExpression(f"the value of {name} is missing")
        elif clause == "ADD" and "SS" in given:
            after[name] = {"SS": sorted({*given["SS"], *(item[name]["SS"] if name in item else ())})}
        elif clause == "ADD":
            before = Decimal(item[name]["N"]) if name in item else Decimal(0)
            after[name] = {"N": str(before + Decimal(given["N"]))}
        else:
            after[name] = given
    return after
