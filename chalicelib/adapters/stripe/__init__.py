"""Stripe adapters.

stripe imports requests at its start, which a credited webhook does not need.
"""

from chalicelib.adapters.deferred import defer

defer("requests")
