"""Import times and warm CPU by library: what is left when a limit is exceeded."""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path

from tests.bench.children import Children
from tests.bench.cold import Calls
from tests.bench.report import Row, measure

RUNS = 3
SHOWN = 12
OURS = frozenset({"app", "chalicelib"})

_LINE = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)


def rows(path: str, calls: Calls, children: Children, package: Path) -> Iterator[Row]:
    """Measure the imports of a path.

    Args:
        path: a path of `Calls`.
        calls: provides the calls.
        children: runs them.
        package: the unpacked package.
    """
    runs = []
    for _ in range(RUNS):
        calls.run(path, children, package, ("-X", "importtime"))
        runs.append(by_library(children.log.read_text(errors="replace")))
    shortest = Counter({name: min(run.get(name, 0) for run in runs) for name in runs[0]})
    for name, microseconds in shortest.most_common(SHOWN):
        yield measure(name, microseconds / 1000, "ms")


def shares(files: Mapping[str, float], package: Path) -> Iterator[Row]:
    """Sum profiled seconds by library, in percent of all.

    Args:
        files: seconds by source file.
        package: the unpacked package.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    for file, spent in files.items():
        is_packaged = Path(file).is_relative_to(package)
        module = Path(file).relative_to(package).with_suffix("").parts[0] if is_packaged else "sys"
        seconds[library_of(module)] += spent
    for name, spent in sorted(seconds.items(), key=itemgetter(1), reverse=True)[:SHOWN]:
        yield measure(name, 100 * spent / sum(seconds.values()), "%")


def by_library(log: str) -> Mapping[str, int]:
    """Sum the time of each library's own modules, in microseconds.

    Args:
        log: the standard error of a Python that ran with `-X importtime`.
    """
    times: Counter[str] = Counter()
    for microseconds, module in _LINE.findall(log):
        times[library_of(module)] += int(microseconds)
    return times


def library_of(module: str) -> str:
    """Name the library of a module; our own code and the standard library have one name each."""
    package = module.partition(".")[0]
    if package in OURS:
        return "our code"
    is_standard = package in sys.stdlib_module_names or package.startswith("_sysconfigdata")
    return "standard library" if is_standard else package
