"""PyJWT, imported without X.509 certificates.

PyJWT imports `cryptography.x509` for keys given as certificates, which no key set holds. Compiling that module's
regular expressions takes as much of a cold start as all of the ledger.
"""

from chalicelib.adapters.deferred import defer

defer("cryptography.x509")

import jwt  # noqa: E402
from jwt.algorithms import ECAlgorithm  # noqa: E402

__all__ = ["ECAlgorithm", "jwt"]
