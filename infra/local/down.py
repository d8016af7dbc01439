"""`make down`: end the local cloud, and whatever a killed demo or test run left of its own."""

import argparse
import sys
from pathlib import Path

from infra.local.registry import Registry
from infra.local.stack import DIRECTORY, stop_orphans, stop_stack


def main() -> int:
    """End what runs; nothing running is fine too."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.down", description=__doc__)
    parser.add_argument("--dir", type=Path, default=DIRECTORY, help="where the stack keeps its files")
    directory = parser.parse_args().dir.resolve()
    was_there = Registry(directory).is_claimed()
    ended = stop_stack(directory) + stop_orphans()
    print(f"Ended {', '.join(ended)}." if ended else "Cleaned up." if was_there else "Nothing was running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
