"""`python -m infra.operations.catalogue_check FILE`: report whether a catalogue may go live, else each bad line."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from chalicelib.adapters.catalogue_files import BadCatalogue, load_file
from chalicelib.domain.catalogue import Catalogue


def main(arguments: Sequence[str]) -> int:
    """The command."""
    if len(arguments) != 1:
        print("One file, please: make catalogue-check FILE=chalicelib/catalogues/default.json")
        return 2
    path = Path(arguments[0])
    if problems := list(problems_of(path)):
        print(*problems, sep="\n")
        return 1
    print(f"{path}: {summary(load_file(path))}")
    return 0


def problems_of(path: Path) -> Iterator[str]:
    """What keeps the file from going live: at most one broken rule, and every name that comes twice."""
    try:
        load_file(path)
    except BadCatalogue as bad:
        yield f"{path}:{line_of(path, bad)}: {str(bad).partition(': ')[2]}"
    if path.is_file() and (root := _nodes(path)):
        yield from (f"{path}:{line}: {name} comes twice in one object" for line, name in _repeated(root))


def line_of(path: Path, bad: BadCatalogue) -> int:
    """The line that the fault is in, or the nearest one above that there is."""
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
    """What the catalogue holds, in a line."""
    kinds = [kind for kind in ("gift", "cheer", "super_chat") if getattr(catalogue.economy, kind)]
    return f"{len(catalogue.bundles)} bundles, {len(catalogue.gifts)} gifts; kinds: {', '.join(kinds)}"


def _nodes(path: Path) -> yaml.Node | None:
    """The file's values with their places. All JSON is YAML; what is neither has been complained of already."""
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
        # In the lists of a catalogue, things bear their id as a member.
        return next((thing for thing in node.value if _bears(thing, step)), None)
    return None


def _bears(thing: yaml.Node, name: str) -> bool:
    members = thing.value if isinstance(thing, yaml.MappingNode) else []
    return any(key.value.endswith("_id") and value.value == name for key, value in members)


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
