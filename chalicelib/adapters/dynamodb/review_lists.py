"""Reviews by their place in the journal index, which lists the open ones and the settled ones of each month."""

from collections.abc import Sequence

from pynamodb.exceptions import DoesNotExist

from chalicelib.adapters.dynamodb.keys import OPEN_REVIEWS, old_reviews, review_keys, settled_reviews
from chalicelib.adapters.dynamodb.models import ReviewRow
from chalicelib.adapters.dynamodb.review_rows import copy_row, to_review
from chalicelib.adapters.dynamodb.transactions import transient_errors
from chalicelib.domain.reviews import Review, ReviewPage, ReviewRef

_Place = tuple[str, tuple[str, str]]
"""Sort key in the index, and primary key, of a review."""


class DynamoReviewLists:
    """The OperatorLedger port's reads of reviews. The index lags by moments; the rows are read consistently."""

    def list_reviews(self, month: str, after: str | None, limit: int, *, is_any_age: bool = False) -> ReviewPage:
        with transient_errors():
            places = [
                *_places(OPEN_REVIEWS, after, limit, "" if is_any_age else month),
                *_places(settled_reviews(month), after, limit),
            ]
            page = _page(places, limit)
            # Rows of the first release that are not copied yet, on the last page.
            old = [] if page.after else self.list_old_reviews(month)
        return ReviewPage(reviews=[*page.reviews, *old], after=page.after)

    def list_open_reviews(self, after: str | None, limit: int) -> ReviewPage:
        with transient_errors():
            return _page(_places(OPEN_REVIEWS, after, limit), limit)

    def list_old_reviews(self, month: str) -> Sequence[Review]:
        with transient_errors():
            return [to_review(row) for row in _old_rows(month) if not row.is_copied]

    def copy_old_reviews(self, month: str) -> int:
        with transient_errors():
            return len([copy_row(row) for row in _old_rows(month)])

    def find_review(self, ref: ReviewRef) -> Review | None:
        """Cost: 1 read. A review of the first release costs 2, and is copied to its present key."""
        with transient_errors():
            if found := _get(review_keys(ref.payment_id, ref.moved)):
                return to_review(found)
            old = _get((old_reviews(ref.month), ref.payment_id)) if ref.moved is None else None
            return copy_row(old) if old else None


def is_filed_by_first_release(review: Review) -> bool:
    """Return True if the first release filed a review of the payment. Cost: 1 read."""
    return review.moved is None and _get((old_reviews(review.month), review.payment_id)) is not None


def _get(keys: tuple[str, str]) -> ReviewRow | None:
    try:
        return ReviewRow.get(*keys, consistent_read=True)
    except DoesNotExist:
        return None


def _old_rows(month: str) -> list[ReviewRow]:
    return list(ReviewRow.query(old_reviews(month), consistent_read=True))


def _places(index: str, after: str | None, limit: int, month: str = "") -> list[_Place]:
    """Query the places behind `after`, one more than `limit`."""
    # BETWEEN includes its ends, and `after` was on the page before. A tilde sorts behind all digits.
    first, last = max(after or "", month, "0"), f"{month}~"
    if first > last:
        return []
    rows = ReviewRow.journal.query(index, ReviewRow.journal_at.between(first, last), limit=limit + 2)
    return [(row.journal_at or "", (row.pk, row.sk)) for row in rows if row.journal_at != after][: limit + 1]


def _page(places: Sequence[_Place], limit: int) -> ReviewPage:
    """Read the reviews at the first places. One that was settled a moment ago may be at two."""
    first = sorted(set(places))
    kept = first[:limit]
    rows = {(row.pk, row.sk): row for row in ReviewRow.batch_get([keys for _, keys in kept], consistent_read=True)}
    reviews = [to_review(rows[keys]) for _, keys in kept if keys in rows]
    return ReviewPage(reviews=reviews, after=kept[-1][0] if len(first) > limit else None)
