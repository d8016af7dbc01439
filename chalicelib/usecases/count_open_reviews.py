"""How many payments wait for an operator."""

from datetime import timedelta

from chalicelib.ports import Clock, OperatorDesk


def count_open_reviews(*, desk: OperatorDesk, clock: Clock) -> int:
    """The reviews of this month and the last that nobody has settled.

    The alarm of the moment can get lost with the answer that carried it; what waits is counted until it is settled.
    """
    this_month = clock.now()
    last_month = this_month.replace(day=1) - timedelta(days=1)
    months = [f"{month:%Y-%m}" for month in (this_month, last_month)]
    return sum(review.settlement is None for month in months for review in desk.list_reviews(month))
