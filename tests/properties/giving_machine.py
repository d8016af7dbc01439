"""State machine steps for cheers, super chats and streaks, compared with the model."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.streaks import Ended
from chalicelib.errors import TryAgain
from chalicelib.usecases.streaks import end_streak
from tests.fakes import PAUSE
from tests.properties.checkout_machine import COSTS, CheckoutMachine, GiftRequest, fans, faults, gift_requests, places
from tests.properties.model import Name, Streak

TEXTS = {"": 0, "hi": 2, "h" * 80: 80, "h" * 81: 81, "h" * 351: 351}
"""Messages, and the length that the model counts for each."""

DEVIATIONS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {}, {}, {}, {"creator_id": "dora"}, {"item_id": "rose"}, {"item_id": "cake"}, {"is_secret": True}]
)
"""Deviations of a tap from its streak. Some are no deviation, depending on the streak."""

coins = st.sampled_from([1, 4, 5, 9, 10, 49, 50, 249, 250, 5_000, 5_001])
texts = st.sampled_from(sorted(TEXTS))


class GivingMachine(CheckoutMachine):
    """Add gifts of coins and streaks to the steps. Both fans start with coins; most gifts would fail without."""

    @initialize()
    def start_with_more_coins(self) -> None:
        for fan in ("ana", "ben"):
            name = self.new_name(fan)
            self.open(name, "coins_700")
            self.deliver(self.change_provider(name, "completed", "paid", f"pi_more_{fan}"))

    @rule(
        target=CheckoutMachine.names,
        fan=fans,
        kind=st.sampled_from(["cheer", "super_chat"]),
        many=coins,
        text=texts,
        secret=st.sampled_from([False, False, True]),
    )
    def give_coins(self, fan: str, kind: str, many: int, text: str, *, secret: bool) -> Name:
        name = self.new_name(fan)
        self.send_coins(name, kind, many, text, secret=secret)
        return name

    @rule(
        name=CheckoutMachine.names, kind=st.sampled_from(["cheer", "super_chat"]), many=coins, text=texts, fault=faults
    )
    def give_coins_again(self, name: Name, kind: str, many: int, text: str, fault: str | None) -> None:
        self.send_coins(name, kind, many, text, fault)

    @rule(target=CheckoutMachine.names, fan=fans, request=gift_requests, secret=st.booleans(), fault=faults)
    def start_a_streak(self, fan: str, request: GiftRequest, fault: str | None, *, secret: bool) -> Name:
        name = self.new_name(fan)
        self.send_tap(name, name[1], request, fault, secret=secret)
        return name

    @rule(
        target=CheckoutMachine.names,
        fan=fans,
        request=gift_requests,
        streak=CheckoutMachine.names,
        secret=st.booleans(),
        fault=faults,
    )
    def tap_for_any(self, fan: str, request: GiftRequest, streak: Name, fault: str | None, *, secret: bool) -> Name:
        name = self.new_name(fan)
        self.send_tap(name, streak[1], request, fault, secret=secret)
        return name

    @precondition(lambda self: self.model.streaks)
    @rule(
        place=places, quantity=st.integers(1, 3), deviations=st.lists(DEVIATIONS, min_size=1, max_size=4), fault=faults
    )
    def tap(self, place: int, quantity: int, deviations: list[dict[str, Any]], fault: str | None) -> None:
        """Add to an active streak, or send a different gift under its id."""
        fan, known = list(self.model.streaks.items())[place % len(self.model.streaks)]
        for deviation in deviations:
            streak = replace(known, **deviation)
            request = (streak.creator_id, streak.item_id, quantity)
            self.send_tap(self.new_name(fan), streak.streak_id, request, fault, secret=streak.is_secret)

    @rule(name=CheckoutMachine.names, streak=CheckoutMachine.names, request=gift_requests, fault=faults)
    def tap_again(self, name: Name, streak: Name, request: GiftRequest, fault: str | None) -> None:
        self.send_tap(name, streak[1], request, fault)

    @precondition(lambda self: self.timer.waiting)
    @rule(place=places, is_acknowledged=st.booleans(), fault=faults)
    def check_a_streak(self, place: int, fault: str | None, *, is_acknowledged: bool) -> None:
        """Deliver a streak check before, at or after its time, once or repeatedly: the time is only a hint."""
        alarm = self.timer.waiting[place % len(self.timer.waiting)]
        has_ended = self.check_streak(alarm[0], alarm[1], fault)
        if has_ended and is_acknowledged:
            self.timer.waiting.remove(alarm)

    @invariant()
    def streaks_equal_the_model(self) -> None:
        streaks = self.harness.books.streaks.items()
        assert {fan: (streak.streak_id, streak.count, streak.coins) for fan, streak in streaks} == {
            fan: (streak.streak_id, streak.count, streak.coins) for fan, streak in self.model.streaks.items()
        }
        notifications = [entry for entry in self.given() if isinstance(entry, NotificationEntry)]
        ends = [notification for notification in notifications if notification.kind is NotificationKind.STREAK_END]
        relayed = [(end.user_id, end.payload["streak_id"], end.payload["count"], end.payload["coins"]) for end in ends]
        assert sorted(relayed) == sorted(self.model.ended)

    @invariant()
    def pins_equal_the_model(self) -> None:
        gifts = [entry for entry in self.given() if isinstance(entry, Gift) and (entry.color or entry.pin_seconds)]
        assert {(gift.user_id, gift.gift_id): (gift.color, gift.pin_seconds) for gift in gifts} == self.model.pinned

    @invariant()
    def streak_counts_have_no_gap(self) -> None:
        for shard in self.harness.books.shards.values():
            for streak, (taps, _) in shard.streaks.items():
                gifts = [gift for gift in self.given() if isinstance(gift, Gift) and gift.event_id in shard.counted]
                own = [shard.counted[gift.event_id] for gift in gifts if (gift.user_id, gift.streak_id) == streak]
                assert sorted(count for count, _ in own) == list(range(1, taps + 1))

    def teardown(self) -> None:
        """Check that every streak has ended and was published."""
        self.drain()
        self.harness.clock.advance(PAUSE)
        for fan, streak_id, _ in list(self.timer.waiting):
            self.check_streak(fan, streak_id)
        assert self.harness.books.streaks == {}
        self.streaks_equal_the_model()
        self.invariants_hold()
        super().teardown()

    def given(self) -> list[Any]:
        return [entry for known in self.harness.books.entries.values() for entry in known.values()]

    def send_coins(
        self, name: Name, kind: str, many: int, text: str, fault: str | None = None, *, secret: bool = False
    ) -> None:
        request = {
            "kind": kind,
            "coins": many,
            "message": text,
            "anonymous": secret,
            "item_id": None,
            "creator_id": "cleo",
        }
        self.compare(
            lambda: self.harness.send(user_id=name[0], gift_id=name[1], **request).is_repeat,
            lambda: self.model.send_coins(
                name, kind, many, text, TEXTS[text], is_secret=secret, is_stale=self.is_stale(name)
            ),
            fault,
            "post_gift",
        )

    def send_tap(
        self, name: Name, streak_id: str, request: GiftRequest, fault: str | None = None, *, secret: bool = False
    ) -> None:
        creator_id, item_id, quantity = request
        gift = {"creator_id": creator_id, "item_id": item_id, "quantity": quantity, "anonymous": secret}
        cost = COSTS[item_id] * quantity
        if fault and name[1] == streak_id and name[0] in self.model.streaks:
            # The first write only reads the active streak: a lost response changes nothing.
            fault = "fail_before"
        streak = Streak(streak_id, creator_id, item_id, secret, 1, cost, self.harness.clock.now())
        self.compare(
            lambda: self.harness.send(user_id=name[0], gift_id=name[1], streak_id=streak_id, **gift).is_repeat,
            lambda: self.model.tap(name, (*request, streak_id, secret), streak, is_stale=self.is_stale(name)),
            fault,
            "post_gift",
        )

    def check_streak(self, fan: str, streak_id: str, fault: str | None = None) -> bool:
        """Check a streak, and return True if it has ended. A failed check is repeated."""
        ledger, clock = self.harness.ledger, self.harness.clock
        if fault:
            getattr(self.harness.recorder, fault)["end_streak"] = TryAgain()
        try:
            answer = end_streak(fan, streak_id, PAUSE, ledger=ledger, clock=clock)
        except TryAgain:
            if fault == "fail_after":
                assert self.model.end(fan, streak_id, clock.now() - PAUSE) == "ended"
            answer = end_streak(fan, streak_id, PAUSE, ledger=ledger, clock=clock)
        getattr(self.harness.recorder, fault or "fail_before").clear()
        name = ("ended_before" if answer.is_repeat else "ended") if isinstance(answer, Ended) else "goes_on"
        assert name == self.model.end(fan, streak_id, clock.now() - PAUSE)
        return isinstance(answer, Ended)
