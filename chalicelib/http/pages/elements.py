"""The custom elements as they are served: one file, joined from the modules of `chalicelib/http/elements`.

The modules import each other by name only, so they are joined by removing the imports. Comments, indentation and the
breaks within a statement are removed too: the file is to stay below 15 KB when it is compressed.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "elements"
MODULES: Final = (
    "client",
    "purchases",
    "words",
    "style",
    "element",
    "shop",
    "gift_form",
    "giving",
    "gifts",
    "coinpurse",
)
"""In the order in which they run: each after those that it extends."""

_IMPORT: Final = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:const|let|class|function)\b)", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ \t]*(?://|/\*\*).*\n", re.MULTILINE)
_INDENT: Final = re.compile(r"^[ \t\n]+", re.MULTILINE)
_BREAK: Final = re.compile(r"(?<=[,;({\[])\n")
"""Line breaks that end no statement, because of the character before them."""


def read(name: str) -> str | None:
    """Return the text of a served file, or None if there is none of that name."""
    if name == "coinpurse.js":
        return script()
    file = files().get(name)
    return _text(file) if file else None


@cache
def files() -> Mapping[str, Path]:
    """Return the files that are served unchanged: the TypeScript declarations, and the texts of each language."""
    texts = {f"coinpurse.{path.stem}.json": path for path in (FOLDER / "locales").glob("*.json")}
    return {"coinpurse.d.ts": FOLDER / "coinpurse.d.ts", **texts}


@cache
def script() -> str:
    """Join the modules into one, which exports what `coinpurse.js` exports."""
    sources = [(FOLDER / f"{name}.js").read_text("utf-8") for name in MODULES]
    joined = "".join(_EXPORT.sub("", _IMPORT.sub("", source)) for source in sources)
    return _BREAK.sub("", _INDENT.sub("", _COMMENT.sub("", joined)))


@cache
def _text(file: Path) -> str:
    return file.read_text("utf-8")
