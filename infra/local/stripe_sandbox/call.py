"""One request to the API as its handlers see it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .errors import ApiError, JsonObject
from .knobs import Knobs
from .params import decode
from .store import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """`object_id` stands in the path ("" where there is none), `pairs` in the body or the query."""

    store: Store
    knobs: Knobs
    base_url: str
    path: str
    object_id: str
    pairs: tuple[tuple[str, str], ...]

    def decode(self, shape: type[T]) -> T:
        """Check the parameters against an SDK params type; raises ParamError."""
        return decode(shape, self.pairs)


Handler = Callable[[Call], JsonObject]


def refuse(params: Mapping[str, object], names: str) -> None:
    """Raise ApiError for parameters, named with spaces between, that the sandbox does not act upon."""
    for name in names.split():
        if name in params:
            raise ApiError(f"The sandbox does not serve {name}.", param=name)


def serve_only(params: Mapping[str, object], names: str) -> None:
    """Raise ApiError for parameters other than these that it acts upon."""
    refuse(params, " ".join(name for name in params if name not in names.split()))
