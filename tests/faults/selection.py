"""Selection of the tests that can notice a change of a line: those that run its function."""

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.processes import ROOT

Runs = Mapping[int, Mapping[str, int]]
"""The number of tests that ran each line, by test file. "" stands for the import of the module."""


def runs_by_file(paths: Sequence[str], rooms: Sequence[str]) -> dict[str, Runs]:
    """Run the rooms once under coverage of the paths. Raises CalledProcessError if a test fails."""
    with tempfile.TemporaryDirectory(prefix="selection-") as folder:
        environment = os.environ | {"COVERAGE_FILE": str(Path(folder) / "coverage")}
        sources = [f"--cov={place}" for place in dict.fromkeys(str(Path(path).parent) for path in paths)]
        command = [sys.executable, "-m", "pytest", "-x", *sources, "--cov-context=test", "--cov-report=", *rooms]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        report = [sys.executable, "-m", "coverage", "json", "--show-contexts", "--quiet", "-o", "-"]
        done = subprocess.run(report, cwd=ROOT, env=environment, check=True, capture_output=True)
        files = json.loads(done.stdout)["files"]
        return {path: {int(line): _by_file(tests) for line, tests in files[path]["contexts"].items()} for path in paths}


def _by_file(tests: Sequence[str]) -> Mapping[str, int]:
    return Counter(test.partition("::")[0] for test in tests)


def files_for(line: int, source: str, runs: Runs, everything: Sequence[str]) -> list[str]:
    """List the test files that run the function around a line, the file with the most such tests first.

    A line outside of functions runs at import, and any test may depend on it.
    """
    ran = Counter[str]()
    for each in _function_around(line, source):
        ran.update(runs.get(each, {}))
    return list(everything) if not ran or "" in ran else [file for file, _ in ran.most_common()]


def _function_around(line: int, source: str) -> range:
    """Return the lines of the outermost function body around a line, or the line itself."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    bodies = (range(node.body[0].lineno, (node.end_lineno or line) + 1) for node in functions)
    return next((body for body in bodies if line in body), range(line, line + 1))
