"""What no code of ours can be faster than: import Chalice and PynamoDB, make a client, write one transaction.

`python bare_stack.py PACKAGE KEY`: the package's directory, and the partition to write to.
"""

import os
import sys


def main() -> None:
    """The program."""
    package, key = sys.argv[1:]
    sys.path.insert(0, package)
    # Only what is packaged: the imports come after the path. Chalice is imported for what that takes.
    import chalice.app  # noqa: F401
    import pynamodb.models
    import pynamodb.transactions  # noqa: F401
    from pynamodb.connection import Connection

    actions = [
        {"Put": {"TableName": os.environ["TABLE_NAME"], "Item": {"PK": {"S": key}, "SK": {"S": sort}}}} for sort in "ab"
    ]
    Connection().client.transact_write_items(TransactItems=actions)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
