"""Reduce botocore's descriptions of AWS services to the operations that the functions call.

The description of DynamoDB alone is 500 KB of JSON, and every new client parses all of it.
"""

import gzip
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

OPERATIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "dynamodb": frozenset({"BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"}),
        "sns": frozenset({"PublishBatch"}),
        "sqs": frozenset({"ChangeMessageVisibilityBatch", "SendMessage"}),
        "ssm": frozenset({"GetParameters"}),
    }
)
"""The operations that the packaged clients have, by service. Calling another one fails."""

_UNUSED = ("examples-1.*", "paginators-1.*", "waiters-2.*")
"""Descriptions of operations that are mostly removed. The functions neither wait nor take pages from botocore."""


def prune_models(data: Path) -> None:
    """Remove the services and operations that are not in OPERATIONS from botocore's data directory.

    Raises:
        ValueError: botocore does not describe one of the operations.
    """
    for service in [path for path in data.iterdir() if path.is_dir()]:
        if service.name not in OPERATIONS:
            shutil.rmtree(service)
            continue
        for file in [file for pattern in _UNUSED for file in service.rglob(pattern)]:
            file.unlink()
        for file in list(service.rglob("service-2.json*")):
            _prune_model(file, OPERATIONS[service.name])
        for file in list(service.rglob("*.json.gz")):
            _write_plain(file, _read(file))
    _prune_endpoints(data / "endpoints.json")


def prune_model(model: Mapping[str, Any], operations: Iterable[str]) -> dict[str, Any]:
    """Reduce a service model to some operations and the shapes that these refer to, without documentation.

    Args:
        model: the content of a `service-2.json`.
        operations: the names of the operations to keep.

    Raises:
        ValueError: the model lacks one of the operations.
    """
    kept = sorted(operations)
    if missing := set(kept).difference(model["operations"]):
        raise ValueError(f"botocore describes no {', '.join(sorted(missing))}")
    chosen = {name: model["operations"][name] for name in kept}
    shapes: dict[str, Any] = {}
    pending = list(_shape_names(chosen))
    while pending:
        name = pending.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            pending += _shape_names(shapes[name])
    reduced = {**model, "operations": chosen, "shapes": dict(sorted(shapes.items()))}
    undocumented: dict[str, Any] = _without_documentation(reduced)
    return undocumented


def _shape_names(description: object) -> Iterator[str]:
    """Find the names of shapes that a part of a model refers to.

    Each reference is an object with a text named `shape`. A member of that name is an object itself.
    """
    if isinstance(description, dict):
        if isinstance(name := description.get("shape"), str):
            yield name
        for part in description.values():
            yield from _shape_names(part)
    elif isinstance(description, list):
        for part in description:
            yield from _shape_names(part)


def _without_documentation(description: Any) -> Any:  # noqa: ANN401  # any part of a JSON document
    if isinstance(description, list):
        return [_without_documentation(part) for part in description]
    if not isinstance(description, dict):
        return description
    # A member that is named `documentation` is an object, and stays.
    return {
        name: _without_documentation(part)
        for name, part in description.items()
        if not (name == "documentation" and isinstance(part, str))
    }


def _prune_model(file: Path, operations: Iterable[str]) -> None:
    _write_plain(file, prune_model(_read(file), operations))


def _read(file: Path) -> Any:  # noqa: ANN401  # any JSON document
    return json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())


def _write_plain(file: Path, document: Mapping[str, Any]) -> None:
    """Replace a file, compressed or not: small documents are read faster than they are decompressed."""
    file.unlink()
    _write(file.with_name(file.name.removesuffix(".gz")), document)


def _prune_endpoints(file: Path) -> None:
    """Reduce 1.2 MB of endpoints, which each new session parses, to those of the services in use."""
    document = _read(file)
    for partition in document["partitions"]:
        partition["services"] = {name: members for name, members in partition["services"].items() if name in OPERATIONS}
    _write(file, document)


def _write(file: Path, document: object) -> None:
    file.write_text(json.dumps(document, separators=(",", ":")))
