"""The knobs: how hard the sandbox makes life, read and set through the control API."""

from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase

from .errors import ApiError, JsonObject


@dataclass
class FailNext:
    """Spoil the next `times` API requests whose method and path fit; `times` counts down."""

    times: int = 0
    status: int = 500
    method: str = ""
    path: str = ""
    # Do the work before failing: what a crash between commit and answer looks like.
    after_work: bool = False
    # "", "true" or "false": the Stripe-Should-Retry header.
    should_retry: str = ""


@dataclass
class Knobs:
    """Defaults are an honest Stripe on a good day; README.md describes each."""

    deliver: bool = True
    enabled_events: list[str] = field(default_factory=lambda: ["*"])
    duplicates: int = 0
    delay_seconds: float = 0.0
    reorder_seconds: float = 0.0
    drop_percent: float = 0.0
    seed: int = 0
    retry_seconds: float = 0.2
    retry_max_seconds: float = 5.0
    max_attempts: int = 30
    post_timeout_seconds: float = 20.0
    down: bool = False
    slow_seconds: float = 0.0
    lost_answers: int = 0
    refund_status: str = "succeeded"
    # "paid" or "failed": what the tries to collect a renewal come to.
    renewals: str = "paid"
    dunning_seconds: int = 3 * 24 * 60 * 60
    dunning_retries: int = 3
    fail_next: FailNext = field(default_factory=FailNext)

    def is_enabled(self, event_type: str) -> bool:
        """Tell whether the endpoint is subscribed to this type."""
        return any(fnmatchcase(event_type, pattern) for pattern in self.enabled_events)

    def to_json(self) -> JsonObject:
        """Render every knob by name."""
        return asdict(self)

    def update(self, changes: JsonObject) -> None:
        """Set the named knobs, all or none; raises ApiError for an unknown name or a wrong type."""
        changes = dict(changes)
        if changes.get("renewals", "paid") not in ("paid", "failed"):
            raise ApiError("renewals is paid or failed", param="renewals")
        fail_next = changes.pop("fail_next", None)
        spoiled = FailNext()
        if isinstance(fail_next, dict):
            spoiled = FailNext(times=1)
            _assign(spoiled, fail_next)
        elif fail_next is not None:
            raise ApiError("fail_next is an object", param="fail_next")
        _assign(self, changes)
        if fail_next is not None:
            self.fail_next = spoiled


def _assign(target: "Knobs | FailNext", changes: JsonObject) -> None:
    known = {knob.name for knob in fields(target)}
    checked: JsonObject = {}
    for name, given in changes.items():
        if name not in known:
            raise ApiError(f"Unknown knob: {name}", param=name)
        wanted = type(getattr(target, name))
        value = float(given) if wanted is float and type(given) is int else given
        if type(value) is not wanted or (isinstance(value, int | float) and value < 0):
            raise ApiError(f"{name} takes a {wanted.__name__}, zero or more if a number", param=name)
        checked[name] = value
    for name, value in checked.items():
        setattr(target, name, value)
