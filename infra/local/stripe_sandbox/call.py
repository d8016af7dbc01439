"""One request to the API as its handlers see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .errors import JsonObject
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
