"""The helpers that the API's README gives for making idempotency keys."""

import re
from typing import Any

from chalicelib.domain.ids import is_uuid7, uuid7_time
from tests.house.source import ROOT

README = (ROOT / "chalicelib/http/README.md").read_text()
SECTION = README.partition("\n## Idempotency keys\n")[2].partition("\n## ")[0]


def test_key_helper_exists_for_each_language() -> None:
    assert re.findall(r"^```(\w+)$", SECTION, re.MULTILINE) == ["js", "python", "go", "java"]


def test_key_helper_for_python_makes_present_keys() -> None:
    source = SECTION.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(source, names)  # our own document
    keys = [names["uuid7"]() for _ in range(1000)]
    assert all(map(is_uuid7, keys))
    assert len(set(keys)) == len(keys)
    assert keys[0][:13] <= keys[-1][:13]
    assert uuid7_time(keys[0]).year >= 2026
