"""`make reload`: deploy the present code and catalogue to the running local cloud, without touching its data."""

import sys
from pathlib import Path

from chalicelib.adapters.catalogue_files import FOLDER
from infra.local.client import UnexpectedError
from infra.local.deployment import Deployer
from infra.local.options import OptionError, check_catalogue_file
from infra.local.processes import StartError
from infra.local.progress import ProgressConsole
from infra.local.registry import DIRECTORY, running_stack
from infra.local.stack import build_package, warm
from infra.local.warmup import warm_api


def main() -> int:
    """Reload the stack. Returns the exit code: 0, 1 after a failure, or 2 for a bad catalogue."""
    with ProgressConsole() as console:
        try:
            reload(DIRECTORY, console)
        except OptionError as bad:
            console.print(str(bad), "red")
            return 2
        except (StartError, UnexpectedError) as failure:
            console.print(str(failure), "red")
            return 1
    return 0


def reload(directory: Path, console: ProgressConsole) -> None:
    """Deploy the present code and catalogue to the stack in the directory. Functions that have them keep running.

    Raises:
        OptionError: the catalogue cannot be used.
        StartError: no stack is running there, packaging failed, or the relay does not start.
        UnexpectedError: the API does not start.
    """
    facts = running_stack(directory)
    file = Path(facts.catalogue_file) if facts.catalogue_file else None
    check_catalogue_file(file or FOLDER / f"{facts.catalogue}.json")
    console.step("packaging")
    package, deployer = build_package(file, directory), Deployer(facts.aws_endpoint_url)
    if functions := deployer.outdated(package):
        console.step(f"updating {len(functions)} functions")
        deployer.update_code(package, functions)
        console.step("starting the API")
        warm_api(facts, 1)
        console.print(
            f"The API has the present code and catalogue after {console.elapsed_seconds:.0f} s.", "bold green"
        )
        console.step(f"warming {facts.workers} function workers")
        warm(deployer, dict(deployer.resources("AWS::Lambda::Function"))["Relay"], facts)
        console.print(f"Done after {console.elapsed_seconds:.0f} s.")
    else:
        console.print("The local cloud runs the present code and catalogue already.", "bold green")
    if not deployer.has_template(package):
        console.print("The template has changed too: make down and make up apply it.")


if __name__ == "__main__":
    sys.exit(main())
