"""The arguments of API handlers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from .errors import ApiError, JsonObject
from .knobs import Knobs
from .params import decode
from .store import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """An API request with the sandbox's state.

    `object_id` is the id in the path ("" if the route has none), `pairs` the parameters of the body or the query,
    `stripe_version` the header of that name ("" without it).
    """

    store: Store
    knobs: Knobs
    base_url: str
    path: str
    object_id: str
    pairs: tuple[tuple[str, str], ...]
    stripe_version: str = ""

    def decode(self, shape: type[T]) -> T:
        """Validate the parameters against a params type of stripe-python.

        Raises:
            ParamError: a parameter is unknown, missing or invalid.
        """
        return decode(shape, self.pairs)


def metadata_of(given: object) -> dict[str, str]:
    """Copy a metadata parameter, which is absent, empty or an object of texts."""
    return dict(cast("dict[str, str]", given or {}))


Handler = Callable[[Call], JsonObject]


def refuse(params: Mapping[str, object], names: str) -> None:
    """Raise ApiError if a request has one of the parameters in `names` (separated by spaces)."""
    for name in names.split():
        if name in params:
            raise ApiError(f"The sandbox does not serve {name}.", param=name)


def serve_only(params: Mapping[str, object], names: str) -> None:
    """Raise ApiError if a request has a parameter that is not in `names` (separated by spaces)."""
    refuse(params, " ".join(name for name in params if name not in names.split()))
