"""Lambda's event filtering, as far as the template uses it.

Source: the Lambda developer guide, "Control which events Lambda sends to your function" (invocation-eventfiltering) and
"Using event filtering with a DynamoDB event source" (with-ddb-filtering). Filters are ORed, the fields of a pattern
combined by AND, the values of a field by OR. `exists` works on leaves only; `prefix` and `anything-but` require a
value.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_NOTHING = object()


def passes(patterns: Sequence[str], record: Mapping[str, Any]) -> bool:
    """Return True if Lambda sends the record to the function. Without patterns, every record is sent."""
    return not patterns or any(_fits(json.loads(pattern), record) for pattern in patterns)


def _fits(pattern: Mapping[str, Any], found: Any) -> bool:
    fields = found if isinstance(found, Mapping) else {}
    return all(
        _fits(rule, fields.get(name, {})) if isinstance(rule, Mapping) else _any_fits(rule, fields.get(name, _NOTHING))
        for name, rule in pattern.items()
    )


def _any_fits(choices: Sequence[Any], value: Any) -> bool:
    return any(_one_fits(choice, value) for choice in choices)


def _one_fits(choice: Any, value: Any) -> bool:
    if not isinstance(choice, Mapping):
        return value is not _NOTHING and bool(value == choice)
    [(operator, operand)] = choice.items()
    is_leaf = value is not _NOTHING and not isinstance(value, Mapping)
    if operator == "exists":
        return is_leaf is operand
    if operator == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    if operator == "anything-but":
        return is_leaf and value not in operand
    raise NotImplementedError(f"the operator {operator}")
