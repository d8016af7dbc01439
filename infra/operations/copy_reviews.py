"""Copy the reviews of the first release to their present form: `python -m infra.operations.copy_reviews --stage prod`.

Run it before the deployment, so that a payment whose coins an operator granted does not post its purchase as well, and
again after it, for the reviews that the former code filed or settled meanwhile. It can be repeated at any time.
Credentials and region are boto3's defaults.
"""

import argparse
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.dynamodb.operators import DynamoOperators
from chalicelib.ports.operators import OperatorLedger
from infra.deploy import STAGES, stack_outputs

FIRST_MONTH = "2026-01"
"""No stage has older payments."""


def copy_reviews(operators: OperatorLedger, first: str, now: datetime) -> Iterator[tuple[str, int]]:
    """Copy the reviews month by month. Yields each month that has some, with their number."""
    month = now
    while f"{month:%Y-%m}" >= first:
        if copied := operators.copy_old_reviews(f"{month:%Y-%m}"):
            yield f"{month:%Y-%m}", copied
        month = month.replace(day=1) - timedelta(days=1)


def _month(text: str) -> str:
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError("a month, like 2026-11")
    return text


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.operations.copy_reviews", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--since", type=_month, default=FIRST_MONTH, help="first month of payments, such as 2026-01")
    arguments = parser.parse_args()
    operators = DynamoOperators(stack_outputs(arguments.stage)["TableName"])
    total = 0
    for month, copied in copy_reviews(operators, arguments.since, datetime.now(UTC)):
        print(f"{month}: {copied} reviews")
        total += copied
    print(f"{total} reviews have their present form.")


if __name__ == "__main__":
    main()
