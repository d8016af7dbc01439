"""The API README's helpers for idempotency keys in other languages than Python, as programs."""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.ids import is_uuid7, uuid7_time
from infra.local.processes import ROOT

JAVA = """class Keys {
HELPER
    public static void main(String[] args) { for (int i = 0; i < 50; i++) System.out.println(uuid7()); }
}
"""
PROGRAMS = {
    "js": ("node", "keys.mjs", "HELPER\nfor (let i = 0; i < 50; i += 1) console.log(uuid7());"),
    "java": ("java", "Keys.java", JAVA),
}


@pytest.mark.parametrize("language", sorted(PROGRAMS))
def test_helper_makes_keys_of_the_present_time(language: str, tmp_path: Path) -> None:
    command, name, program = PROGRAMS[language]
    path = shutil.which(command)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{command} is not installed")
    readme = (ROOT / "chalicelib/http/README.md").read_text()
    [helper] = re.findall(rf"```{language}\n(\S[^`]*uuid7\(\) {{.*?)```", readme, re.DOTALL)
    (tmp_path / name).write_text(program.replace("HELPER", helper))

    done = subprocess.run([str(path), name], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    keys = done.stdout.split()
    assert len(set(keys)) == 50
    assert all(map(is_uuid7, keys))
    now = datetime.now(UTC)
    assert all(now - timedelta(minutes=3) < uuid7_time(key) < now + timedelta(seconds=1) for key in keys)
