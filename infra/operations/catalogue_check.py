"""Validate a catalogue: `python -m infra.operations.catalogue_check FILE` prints each bad line."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from chalicelib.adapters.catalogue_files import BadCatalogue, load_file
from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.economy import CatalogueError
from chalicelib.domain.money import max_charge_minor, min_charge_minor
from chalicelib.http.strict_json import in_json_terms


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
    """Find the faults of a catalogue file.

    They are that it cannot be read, or the first violated rule, else each price that the payment provider would refuse,
    and every repeated name in an object.
    """
    try:
        path.open("rb").close()
    except OSError as error:
        yield f"{path} cannot be read: {error.strerror}."
        return
    try:
        unpayable = [CatalogueError(where, rule) for where, rule in _unpayable(load_file(path))]
        bad = [BadCatalogue(path, error) for error in unpayable]
    except BadCatalogue as broken:
        bad = [broken]
    yield from (f"{path}:{line_of(path, each)}: {in_json_terms(str(each)).partition(': ')[2]}" for each in bad)
    if root := _nodes(path):
        yield from (f"{path}:{line}: {name} is repeated in one object" for line, name in _repeated(root))


def _unpayable(catalogue: Catalogue) -> Iterator[tuple[Sequence[str | int], str]]:
    """Find web prices of bundles and plans that Stripe charges in no payment. An app's store charges the others.

    A custom amount costs no less than the smallest bundle, and no more than the maximum, which loading checks.
    """
    priced = [
        (["bundles", each.bundle_id, "prices", "web"], each.prices.get("web", {}))
        for each in catalogue.bundles.values()
    ]
    priced += [(["memberships", each.plan_id, "prices"], each.prices) for each in catalogue.memberships.values()]
    for where, prices in priced:
        for currency, amount_minor in prices.items():
            least, most = min_charge_minor(currency), max_charge_minor(currency)
            if not least <= amount_minor <= most:
                yield [*where, currency], f"{least} to {most}, the payment provider's limits of one payment"


def line_of(path: Path, bad: BadCatalogue) -> int:
    """Return the line of the fault, or of the nearest enclosing value that the file has."""
    if bad.byte is not None:
        return path.read_bytes()[: bad.byte].count(b"\n") + 1
    node = _nodes(path)
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
