"""PyJWT, imported without X.509 certificates.

PyJWT imports `cryptography.x509` for keys given as certificates, which no key set holds. Compiling that module's
regular expressions takes as much of a cold start as all of the ledger.
"""

import sys
from importlib import import_module
from types import ModuleType

X509 = "cryptography.x509"


def _defer(name: str) -> None:
    """Put a stand-in into `sys.modules` that imports the module at the first access to one of its attributes."""
    stand_in = ModuleType(name)

    def attribute(attribute_name: str) -> object:
        # Tools that search `sys.modules` ask each module for its file; submodules are imported by `__path__`.
        if attribute_name.startswith("__") and attribute_name != "__path__":
            raise AttributeError(attribute_name)
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute_name)

    stand_in.__getattr__ = attribute  # type: ignore[method-assign]
    sys.modules.setdefault(name, stand_in)


_defer(X509)

import jwt  # noqa: E402
from jwt.algorithms import ECAlgorithm  # noqa: E402

__all__ = ["ECAlgorithm", "jwt"]
