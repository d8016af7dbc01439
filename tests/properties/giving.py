"""What else fans give: cheers, super chats and streaks, asked of the use cases and of the model."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.errors import TryAgain
from chalicelib.usecases.gifts import end_streak
from tests.fakes import PAUSE
from tests.properties.model import Name, Streak
from tests.properties.stories import COSTS, Stories, Wish, fans, faults, places, wishes

TEXTS = {"": 0, "hi": 2, "h" * 80: 80, "h" * 81: 81, "h" * 351: 351}
"""Messages, and how long the model takes them for."""

ODD: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {}, {}, {}, {"creator_id": "dora"}, {"item_id": "rose"}, {"item_id": "cake"}, {"is_secret": True}]
)
"""How a tap may differ from its streak, if that is not like this already."""

coins = st.sampled_from([1, 4, 5, 9, 10, 49, 50, 249, 250, 5_000, 5_001])
texts = st.sampled_from(sorted(TEXTS))


class Giving(Stories):
    """Steps of their own; then the streaks are looked at. Both fans have coins, or little would be given."""

    @initialize()
    def begin_with_more_coins(self) -> None:
        for fan in ("ana", "ben"):
            name = self.new_name(fan)
            self.open(name, "coins_700")
            self.deliver(self.happens(name, "completed", "paid", f"pi_more_{fan}"))

    @rule(
        target=Stories.names,
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

    @rule(name=Stories.names, kind=st.sampled_from(["cheer", "super_chat"]), many=coins, text=texts, fault=faults)
    def give_coins_again(self, name: Name, kind: str, many: int, text: str, fault: str | None) -> None:
        self.send_coins(name, kind, many, text, fault)

    @rule(target=Stories.names, fan=fans, wish=wishes, secret=st.booleans(), fault=faults)
    def begin_a_streak(self, fan: str, wish: Wish, fault: str | None, *, secret: bool) -> Name:
        name = self.new_name(fan)
        self.tap_of(name, name[1], wish, fault, secret=secret)
        return name

    @rule(target=Stories.names, fan=fans, wish=wishes, streak=Stories.names, secret=st.booleans(), fault=faults)
    def tap_for_any(self, fan: str, wish: Wish, streak: Name, fault: str | None, *, secret: bool) -> Name:
        name = self.new_name(fan)
        self.tap_of(name, streak[1], wish, fault, secret=secret)
        return name

    @precondition(lambda self: self.model.streaks)
    @rule(place=places, quantity=st.integers(1, 3), odds=st.lists(ODD, min_size=1, max_size=4), fault=faults)
    def tap(self, place: int, quantity: int, odds: list[dict[str, Any]], fault: str | None) -> None:
        """More of a streak that is under way; or something else under its id."""
        fan, known = list(self.model.streaks.items())[place % len(self.model.streaks)]
        for odd in odds:
            streak = replace(known, **odd)
            wish = (streak.creator_id, streak.item_id, quantity)
            self.tap_of(self.new_name(fan), streak.streak_id, wish, fault, secret=streak.is_secret)

    @rule(name=Stories.names, streak=Stories.names, wish=wishes, fault=faults)
    def tap_again(self, name: Name, streak: Name, wish: Wish, fault: str | None) -> None:
        self.tap_of(name, streak[1], wish, fault)

    @precondition(lambda self: self.timer.waiting)
    @rule(place=places, is_heard=st.booleans(), fault=faults)
    def an_alarm_rings(self, place: int, fault: str | None, *, is_heard: bool) -> None:
        """Too early, on time, late, once more: its time is a hint."""
        alarm = self.timer.waiting[place % len(self.timer.waiting)]
        self.look_at(alarm[0], alarm[1], fault)
        if is_heard:
            self.timer.waiting.remove(alarm)

    @invariant()
    def the_streaks_are_the_models(self) -> None:
        streaks = self.harness.books.streaks.items()
        assert {fan: (streak.streak_id, streak.count, streak.coins) for fan, streak in streaks} == {
            fan: (streak.streak_id, streak.count, streak.coins) for fan, streak in self.model.streaks.items()
        }
        notifications = [entry for entry in self.given() if isinstance(entry, NotificationEntry)]
        ends = [notification for notification in notifications if notification.kind is NotificationKind.STREAK_END]
        told = [(end.user_id, end.payload["streak_id"], end.payload["count"], end.payload["coins"]) for end in ends]
        assert sorted(told) == sorted(self.model.ended)

    @invariant()
    def the_places_in_the_chat_are_the_models(self) -> None:
        gifts = [entry for entry in self.given() if isinstance(entry, Gift) and (entry.color or entry.pin_seconds)]
        assert {(gift.user_id, gift.gift_id): (gift.color, gift.pin_seconds) for gift in gifts} == self.model.pinned

    @invariant()
    def a_lane_counts_from_one_without_a_gap(self) -> None:
        for shard in self.harness.books.shards.values():
            for streak, (taps, _) in shard.streaks.items():
                gifts = [gift for gift in self.given() if isinstance(gift, Gift) and gift.event_id in shard.counted]
                own = [shard.counted[gift.event_id] for gift in gifts if (gift.user_id, gift.streak_id) == streak]
                assert sorted(count for count, _ in own) == list(range(1, taps + 1))

    def teardown(self) -> None:
        """In the end every streak that began is over, and the world knows."""
        self.drain()
        self.harness.clock.advance(PAUSE)
        for fan, streak_id, _ in list(self.timer.waiting):
            self.look_at(fan, streak_id)
        assert self.harness.books.streaks == {}
        self.the_streaks_are_the_models()
        self.the_invariants_hold()
        super().teardown()

    def given(self) -> list[Any]:
        return [entry for known in self.harness.books.entries.values() for entry in known.values()]

    def send_coins(
        self, name: Name, kind: str, many: int, text: str, fault: str | None = None, *, secret: bool = False
    ) -> None:
        wish = {"kind": kind, "coins": many, "message": text, "anonymous": secret, "item_id": "", "creator_id": "cleo"}
        self.ask(
            lambda: self.harness.send(user_id=name[0], gift_id=name[1], **wish).is_repeat,
            lambda: self.model.chat(
                name, kind, many, text, TEXTS[text], is_secret=secret, is_stale=self.is_stale(name)
            ),
            fault,
            "post_gift",
        )

    def tap_of(self, name: Name, streak_id: str, wish: Wish, fault: str | None = None, *, secret: bool = False) -> None:
        creator_id, item_id, quantity = wish
        gift = {"creator_id": creator_id, "item_id": item_id, "quantity": quantity, "anonymous": secret}
        cost = COSTS[item_id] * quantity
        if fault and name[1] == streak_id and name[0] in self.model.streaks:
            # The first write only finds the streak that is in the way: whether its answer is lost, nothing is done.
            fault = "fail_before"
        streak = Streak(streak_id, creator_id, item_id, secret, 1, cost, self.harness.clock.now())
        self.ask(
            lambda: self.harness.send(user_id=name[0], gift_id=name[1], streak_id=streak_id, **gift).is_repeat,
            lambda: self.model.tap(name, (*wish, streak_id, secret), streak, is_stale=self.is_stale(name)),
            fault,
            "post_gift",
        )

    def look_at(self, fan: str, streak_id: str, fault: str | None = None) -> None:
        """An alarm that is not answered rings again, which finds the streak ended or not."""
        ledger, clock = self.harness.ledger, self.harness.clock
        if fault:
            getattr(self.harness.watch, fault)["end_streak"] = TryAgain()
        try:
            answer = end_streak(fan, streak_id, PAUSE, ledger=ledger, timer=self.timer, clock=clock)
        except TryAgain:
            if fault == "fail_after":
                assert self.model.end(fan, streak_id, clock.now() - PAUSE) == "ended"
            answer = end_streak(fan, streak_id, PAUSE, ledger=ledger, timer=self.timer, clock=clock)
        getattr(self.harness.watch, fault or "fail_before").clear()
        assert answer == self.model.end(fan, streak_id, clock.now() - PAUSE)
