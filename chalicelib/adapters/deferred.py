"""Deferred import of modules that an SDK imports at its start but that most requests do not need."""

import sys
from importlib import import_module
from types import ModuleType


def defer(name: str) -> None:
    """Put a stand-in into `sys.modules` that imports the module at the first access to one of its attributes.

    Args:
        name: a module that other modules bind as a whole (`import requests`, `from cryptography import x509`).
    """
    stand_in = ModuleType(name)

    def attribute(attribute_name: str) -> object:
        # Tools that search `sys.modules` read each module's file; submodules are imported by `__path__`.
        if attribute_name.startswith("__") and attribute_name != "__path__":
            raise AttributeError(attribute_name)
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute_name)

    stand_in.__getattr__ = attribute  # type: ignore[method-assign]
    sys.modules.setdefault(name, stand_in)
