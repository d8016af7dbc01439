"""The provider's list of events, for fakes."""

from collections.abc import Collection, Sequence
from datetime import datetime

from chalicelib.domain.payments import EventPage, StripeEvent


def page_of(
    events: Sequence[StripeEvent], since: datetime, until: datetime, types: Collection[str], after: str | None
) -> EventPage:
    """Build a page of 100 of the provider's list. Of events of one time, those recorded last are listed first."""
    found = [event for event in reversed(events) if since <= event.created_at < until and event.type in types]
    found.sort(key=lambda event: event.created_at, reverse=True)
    start = next((place for place, event in enumerate(found, start=1) if event.stripe_event_id == after), 0)
    page = found[start : start + 100]
    return EventPage(events=page, after=page[-1].stripe_event_id if len(found) > start + 100 else None)


class FakeEventList:
    """The calls of the PaymentGateway port that read events. `listed` are in the order in which they happened."""

    listed: list[StripeEvent]

    def list_events(
        self, since: datetime, until: datetime, types: Collection[str], after: str | None = None
    ) -> EventPage:
        return page_of(self.listed, since, until, types, after)

    def find_event(self, event_id: str) -> StripeEvent | None:
        return next((event for event in self.listed if event.stripe_event_id == event_id), None)
