"""Validation of form-encoded parameters against the params types of stripe-python.

The SDK's `TypedDict`s are generated from Stripe's OpenAPI description, so the sandbox rejects what the real API
rejects: unknown names, missing ones, wrong types, retired enum values. A decoded request is such a `TypedDict`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import UnionType
from typing import Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from stripe import RequestOptions
from typing_extensions import is_typeddict

from .errors import ParamError

Tree = str | dict[str, "Tree"]
T = TypeVar("T")

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INTEGER = re.compile(r"-?\d{1,18}")


def decode(shape: type[T], pairs: Iterable[tuple[str, str]]) -> T:
    """Decode `[("line_items[0][quantity]", "1"), ...]` into `shape`, a params `TypedDict`.

    Raises:
        ParamError: a parameter is unknown, missing or invalid.
    """
    return cast("T", _decode_typed_dict(shape, parse_brackets(pairs), ""))


def parse_brackets(pairs: Iterable[tuple[str, str]]) -> dict[str, Tree]:
    """Nest bracketed names: `a[b]=x` gives `{"a": {"b": "x"}}`; `a[]=x` takes the next free index."""
    root: dict[str, Tree] = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise ParamError(f"Invalid parameter name: {name}", param=name)
        steps = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        branch = root
        for step in steps[:-1]:
            below = branch.setdefault(step or str(len(branch)), {})
            if isinstance(below, str):
                raise ParamError("Invalid hash", param=name)
            branch = below
        branch[steps[-1] or str(len(branch))] = value
    return root


@cache
def _fields(shape: type) -> dict[str, object]:
    # RequestOptions are sent as headers, so Stripe rejects them as parameters.
    hints = get_type_hints(shape, localns={"StripeContext": str, "Mapping": Mapping})
    return {name: hint for name, hint in hints.items() if name not in RequestOptions.__annotations__}


def _decode_typed_dict(shape: object, tree: Tree, param: str) -> dict[str, object]:
    if not isinstance(tree, dict) or not isinstance(shape, type):
        raise ParamError("Invalid object", param=param)
    fields = _fields(shape)
    unknown = [_join(param, name) for name in tree if name not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
        raise ParamError(message, code="parameter_unknown", param=unknown[0])
    for name in sorted(getattr(shape, "__required_keys__", ())):
        if name not in tree:
            raise missing(_join(param, name))
    return {name: _decode_value(fields[name], below, _join(param, name)) for name, below in tree.items()}


def missing(param: str) -> ParamError:
    """Build the error for a missing parameter."""
    return ParamError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def _decode_value(hint: object, tree: Tree, param: str) -> object:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _decode_union(get_args(hint), tree, param)
    if origin is Literal:
        return _decode_enum(get_args(hint), tree, param)
    if origin is list:
        return _decode_list(get_args(hint)[0], tree, param)
    if is_typeddict(hint):
        return _decode_typed_dict(hint, tree, param)
    # The remaining generic types are `Dict[str, str]` and the SDK's alias of it.
    if origin is not None:
        return _decode_map(tree, param)
    return _decode_scalar(hint, tree, param)


def _decode_union(members: tuple[object, ...], tree: Tree, param: str) -> object:
    choices = [choice for member in members if get_origin(member) is Literal for choice in get_args(member)]
    if tree in choices:
        return tree
    closed = any(choice != "" for choice in choices)
    # The SDK writes `Literal[...] | str` to accept future enum values; the API accepts the listed ones only.
    others = [m for m in members if get_origin(m) is not Literal and m is not type(None) and not (closed and m is str)]
    fitting = [member for member in others if _is_nested(member) == isinstance(tree, dict)]
    if not fitting:
        return _decode_enum(choices, tree, param) if choices else _decode_value(others[0], tree, param)
    return _decode_value(fitting[0], tree, param)


def _is_nested(hint: object) -> bool:
    return get_origin(hint) is not None or is_typeddict(hint)


def _decode_enum(choices: Iterable[str], tree: Tree, param: str) -> str:
    if isinstance(tree, str) and tree in choices:
        return tree
    listed = ", ".join(choice for choice in choices if choice)
    raise ParamError(f"Invalid {param}: must be one of {listed}", param=param)


def _decode_list(item: object, tree: Tree, param: str) -> list[object]:
    if not isinstance(tree, dict) or not all(index.isdecimal() for index in tree):
        raise ParamError("Invalid array", param=param)
    return [_decode_value(item, tree[index], f"{param}[{index}]") for index in sorted(tree, key=int)]


def _decode_map(tree: Tree, param: str) -> dict[str, str]:
    if not isinstance(tree, dict):
        raise ParamError("Invalid hash", param=param)
    entries = {key: value for key, value in tree.items() if isinstance(value, str)}
    if len(entries) < len(tree):
        raise ParamError(f"Invalid {param}: values must be strings", param=param)
    if len(entries) > 50 or any(len(key) > 40 or len(value) > 500 for key, value in entries.items()):
        raise ParamError("Metadata holds at most 50 keys of 40 characters with values of 500 characters.", param=param)
    return entries


def _decode_scalar(hint: object, tree: Tree, param: str) -> object:
    if not isinstance(tree, str):
        raise ParamError(f"Invalid {param}: expected a single value", param=param)
    if tree == "":
        message = f"You passed an empty string for '{param}'. Remove it from the request or supply a value."
        raise ParamError(message, code="parameter_invalid_empty", param=param)
    word, parse = _SCALARS.get(hint, ("string", str))
    try:
        return parse(tree)
    except (ValueError, KeyError):
        code = "parameter_invalid_integer" if hint is int else None
        raise ParamError(f"Invalid {word}: {tree}", code=code, param=param) from None


def _parse_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _parse_boolean(text: str) -> bool:
    return {"true": True, "false": False}[text]


_SCALARS: dict[object, tuple[str, Callable[[str], object]]] = {
    int: ("integer", _parse_integer),
    bool: ("boolean", _parse_boolean),
    float: ("decimal", float),
    str: ("string", str),
}


def _join(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name
