"""`python -m tests.house.staged FILE ...`: the laws that concern one file, for the hook that runs before a commit.

`make check` runs all laws.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence

from tests.house import language, law
from tests.house.rules import RULES
from tests.house.source import ROOT


def complaints(path: str, source: str) -> Iterator[str]:
    """Find what breaks a law in a file. A room may have a literary turn in 1,000 words; a new one is shown anyway."""
    for rule, sources in RULES:
        yield from rule(path, source) if path in sources else ()
    if path == "app.py" or (path.startswith(("chalicelib/", "infra/")) and path.endswith(".py")):
        yield from law.broken_laws(path, source)
    prose = language.prose_of(path, source)
    yield from (f"{hit.path}:{hit.line}: literary turn: {hit.phrase}" for hit in language.turns_in(prose))
    yield from (f"{each.path}:{each.line}: opens with {each.first_word}" for each in language.openers_in(prose))


def main(paths: Sequence[str]) -> int:
    """Print the complaints. Returns 1 if there are any."""
    texts = {path: (ROOT / path).read_text("utf-8") for path in paths if (ROOT / path).is_file()}
    found = [complaint for path, text in texts.items() for complaint in complaints(path, text)]
    print(*found, sep="\n", end="\n" * bool(found))
    command = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml"), *texts]
    spelling = subprocess.run(command, cwd=ROOT, check=False)
    return int(bool(found) or spelling.returncode != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
