"""Validate a catalogue: `python -m infra.operations.catalogue_check FILE` prints each bad line."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from chalicelib.adapters.catalogue_files import BadCatalogue, load_file
from chalicelib.domain.catalogue import Catalogue


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns the exit code: 0, 1 for a bad catalogue, or 2 without a file."""
    if len(arguments) != 1:
        print("Name one file: make catalogue-check FILE=chalicelib/catalogues/default.json")
        return 2
    path = Path(arguments[0])
    if problems := list(problems_of(path)):
        print(*problems, sep="\n")
        return 1
    print(f"{path}: {summary(load_file(path))}")
    return 0


def problems_of(path: Path) -> Iterator[str]:
    """Find the faults of a catalogue file: the first violated rule, and every repeated name in an object."""
    try:
        load_file(path)
    except BadCatalogue as bad:
        yield f"{path}:{line_of(path, bad)}: {str(bad).partition(': ')[2]}"
    if path.is_file() and (root := _nodes(path)):
        yield from (f"{path}:{line}: {name} is repeated in one object" for line, name in _repeated(root))


def line_of(path: Path, bad: BadCatalogue) -> int:
    """Return the line of the fault, or of the nearest enclosing value that the file has."""
    if bad.byte is not None:
        return path.read_bytes()[: bad.byte].count(b"\n") + 1
    node = _nodes(path) if path.is_file() else None
    for step in bad.where if node else ():
        below = _step(node, step)
        if below is None:
            break
        node = below
    return node.start_mark.line + 1 if node else 1


def summary(catalogue: Catalogue) -> str:
    """Summarize a catalogue in a line."""
    kinds = [kind for kind in ("gift", "cheer", "super_chat") if getattr(catalogue.economy, kind)]
    return f"{len(catalogue.bundles)} bundles, {len(catalogue.gifts)} gifts; kinds: {', '.join(kinds)}"


def _nodes(path: Path) -> yaml.Node | None:
    """Parse the file with line numbers, as YAML, of which JSON is a subset. Returns None if it is neither."""
    try:
        return yaml.compose(path.read_text("utf-8"), yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return None


def _step(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == step), None)
    if isinstance(node, yaml.SequenceNode):
        if isinstance(step, int):
            return node.value[step] if step < len(node.value) else None
        # The elements of a catalogue's lists have their id as a member.
        return next((element for element in node.value if _has_id(element, step)), None)
    return None


def _has_id(element: yaml.Node, wanted: str) -> bool:
    members = element.value if isinstance(element, yaml.MappingNode) else []
    return any(key.value.endswith("_id") and value.value == wanted for key, value in members)


def _repeated(node: yaml.Node) -> Iterator[tuple[int, str]]:
    below = node.value if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if name.value in seen:
                yield name.start_mark.line + 1, name.value
            seen.add(name.value)
            below.append(value)
    for value in below:
        yield from _repeated(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
