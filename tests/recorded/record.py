"""Record what the functions answer, publish and store.

`python -m tests.recorded.record` overwrites the recording; `--to FOLDER` writes it somewhere else.
"""

import argparse
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from tests.recorded import contract, normalize
from tests.recorded.backends import backends
from tests.recorded.harness import Harness
from tests.recorded.scenario import play

RECORDING = Path(__file__).with_name("recording")


def record() -> dict[str, Any]:
    """Play the scenario; returns the recording's files by name."""
    output = io.StringIO()
    with redirect_stdout(output), backends() as running:
        harness = Harness(running)
        try:
            play(harness)
        except Exception:
            sys.stderr.write(output.getvalue()[-4_000:])
            raise
        document = harness.get("/v1/openapi.json")
        harness.answers.pop()
        items = harness.scan()
    ids = normalize.Ids()
    return {
        "answers": [normalize.answer(step, ids) for step in harness.answers],
        "events": normalize.events(harness.events, ids),
        "rows": normalize.rows(items, ids),
        "names": {**contract.names(), "metrics": contract.metrics(output.getvalue())},
        "openapi": contract.openapi(document),
    }


def write(recording: dict[str, Any], folder: Path) -> None:
    """Write each part to a file, one element per line."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in recording.items():
        (folder / f"{name}.json").write_text(_lines(part))


def read(folder: Path = RECORDING) -> dict[str, Any]:
    """Read a recording."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def _lines(part: Any) -> str:
    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    if isinstance(part, list):
        return "[\n" + ",\n".join(line(each) for each in part) + "\n]\n"
    if set(part) == {"document", "shared"}:
        return json.dumps(part, indent=1, ensure_ascii=False) + "\n"
    return "{\n" + ",\n".join(f"{line(key)}: {line(value)}" for key, value in part.items()) + "\n}\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=RECORDING)
    write(record(), parser.parse_args().to)
