"""Set the environment variables that Lambda sets before it imports a function."""

import os

os.environ["POWERTOOLS_SERVICE_NAME"] = "coinpurse-test"
