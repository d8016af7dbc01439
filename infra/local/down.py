"""`make down`: stop the local cloud and the temporary stacks that killed demo or test runs left running."""

import argparse
import sys
from pathlib import Path

from infra.local.registry import DIRECTORY, Registry
from infra.local.teardown import stop_orphans, stop_stack


def main() -> int:
    """Stop the stacks, if any. Returns the exit code, which is always 0."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.down", description=__doc__)
    parser.add_argument("--dir", type=Path, default=DIRECTORY, help="directory of the stack's files")
    directory = parser.parse_args().dir.resolve()
    was_claimed = Registry(directory).is_claimed()
    stopped = stop_stack(directory) + stop_orphans()
    print(f"Stopped {', '.join(stopped)}." if stopped else "Cleaned up." if was_claimed else "Nothing was running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
