"""Knobs: the faults and delays that the sandbox simulates, set through the control API."""

from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase

from .errors import ApiError, JsonObject


@dataclass
class FailNext:
    """A plan to fail the next `times` API requests that match the method and path; `times` counts down."""

    times: int = 0
    status: int = 500
    method: str = ""
    path: str = ""
    # Do the work before failing, as a crash between commit and response does.
    after_work: bool = False
    # The error's code, such as "resource_missing".
    code: str = ""
    # The Stripe-Should-Retry header: "", "true" or "false".
    should_retry: str = ""
    # The Retry-After header, in seconds; without one if 0.
    retry_after: int = 0


@dataclass
class Knobs:
    """The knobs, described in README.md. The defaults simulate no faults."""

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
    # As after a pause in which the client, or something between, was frozen or restarted.
    dead_connections: int = 0
    refund_status: str = "succeeded"
    # The outcome of attempts to collect a renewal: "paid" or "failed".
    renewals: str = "paid"
    dunning_seconds: int = 3 * 24 * 60 * 60
    dunning_retries: int = 3
    # Paths for which the API key lacks the permission.
    denied_paths: list[str] = field(default_factory=list)
    # Currencies for which the account has no payment method.
    unpayable_currencies: list[str] = field(default_factory=list)
    portal_configured: bool = True
    # The dashboard's default for sessions that do not say it.
    adaptive_pricing: bool = True
    fail_next: FailNext = field(default_factory=FailNext)

    def is_enabled(self, event_type: str) -> bool:
        """Check if the endpoint is subscribed to this type."""
        return any(fnmatchcase(event_type, pattern) for pattern in self.enabled_events)

    def to_json(self) -> JsonObject:
        return asdict(self)

    def update(self, changes: JsonObject) -> None:
        """Set the named knobs, all or none.

        Raises:
            ApiError: a name is unknown, or a value has the wrong type.
        """
        changes = dict(changes)
        if changes.get("renewals", "paid") not in ("paid", "failed"):
            raise ApiError("renewals is paid or failed", param="renewals")
        fail_next = changes.pop("fail_next", None)
        planned = FailNext()
        if isinstance(fail_next, dict):
            planned = FailNext(times=1)
            _assign(planned, fail_next)
        elif fail_next is not None:
            raise ApiError("fail_next is an object", param="fail_next")
        _assign(self, changes)
        if fail_next is not None:
            self.fail_next = planned


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
