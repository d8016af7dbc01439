"""`make reload`: deploy the present code and catalogue to the running local cloud, without touching its data."""

import sys
from pathlib import Path

from chalicelib.adapters.catalogue_files import FOLDER
from infra.local.deployment import Deployer
from infra.local.options import OptionError, check_catalogue_file
from infra.local.processes import StartError
from infra.local.progress import ProgressConsole
from infra.local.registry import DIRECTORY, running_stack
from infra.local.stack import build_package, warm


def main() -> int:
    """Reload the stack. Returns the exit code: 0, 1 after a failure, or 2 for a bad catalogue."""
    with ProgressConsole() as console:
        try:
            _reload(DIRECTORY, console)
        except OptionError as bad:
            console.print(str(bad), "red")
            return 2
        except StartError as failure:
            console.print(str(failure), "red")
            return 1
    return 0


def _reload(directory: Path, console: ProgressConsole) -> None:
    facts = running_stack(directory)
    file = Path(facts.catalogue_file) if facts.catalogue_file else None
    check_catalogue_file(file or FOLDER / f"{facts.catalogue}.json")
    deployer = Deployer(facts.aws_endpoint_url)
    is_whole = deployer.update_code(build_package(file, directory))
    warm(deployer, dict(deployer.resources("AWS::Lambda::Function"))["Relay"], facts)
    console.print(
        f"The local cloud runs the present code and catalogue after {console.elapsed_seconds:.0f} s.", "bold green"
    )
    if not is_whole:
        console.print("The template has changed too: make down and make up apply it.")


if __name__ == "__main__":
    sys.exit(main())
