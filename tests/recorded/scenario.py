"""The recorded requests: every kind of entry, event and refusal in the default economy, the gifts of the others."""

from datetime import UTC, datetime
from typing import Any

from uuid_utils import uuid7

from tests.recorded.backends import SHOP
from tests.recorded.harness import Harness
from tests.recorded.purchases import bought, checkout, completed, paid_again, session_id

OLD_KEY = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
CREATOR = "creator-zoe"
RECONCILE_DELAY_SECONDS = 600

CHEER = {"kind": "cheer", "creator_id": CREATOR}
CHAT = {"kind": "super_chat", "creator_id": CREATOR}
GIFT = {"kind": "gift", "creator_id": CREATOR}

ECONOMIES: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "tiktok_like": ("coins_350", "usd", [{**GIFT, "item_id": "confetti", "message": "bravo"}]),
    "twitch_like": ("bits_500", "usd", [{**CHEER, "coins": 250, "anonymous": True}, {**CHEER, "coins": 149}]),
    "youtube_like": ("yen_1000", "jpy", [{**CHAT, "coins": 500, "message": "hello"}, {**CHAT, "coins": 99}]),
    "instagram_like": ("web_45", "usd", [{**GIFT, "item_id": "heart", "quantity": 3}, {**GIFT, "item_id": "fire"}]),
    "telegram_like": ("stars_250", "usd", [{**GIFT, "item_id": "rose", "anonymous": True}, {**CHAT, "coins": 10}]),
}


def play(harness: Harness) -> None:
    """Run everything that is recorded."""
    harness.load("default")
    browse(harness)
    buy(harness)
    give(harness)
    streak = tap(harness)  # it ends by itself during the next steps
    operate(harness)
    limit(harness)
    join(harness)
    refuse(harness)
    work(harness, streak)
    for catalogue, story in ECONOMIES.items():
        harness.load(catalogue)
        browse_economy(harness)
        give_in(harness, *story)


def browse(harness: Harness) -> None:
    """Read everything that needs no purchase."""
    browse_economy(harness)
    harness.get("/v1/health")
    harness.get("/v1/bundles", currency="kwd", channel="in_app")
    harness.get("/v1/worth", coins=500, currency="eur")
    harness.get("/v1/top-up?for=1570")
    harness.get("/v1/prices")
    harness.get("/.well-known/jwks.json")
    jws = harness.get("/v1/offers", currency="usd")["offers"][0]["jws"]
    harness.get("/v1/offers/verify", jws=jws)
    harness.get("/v1/offers/verify", jws=f"{jws[:-4]}AAAA")
    harness.get("/v1/offers/verify", coins=70, amount_minor=74)
    harness.get("/v1/offers/verify", coins=70, amount_minor=75)
    harness.get("/v1/offers/verify", url=f"{SHOP}/success?purchase=1")
    harness.get("/v1/offers/verify", url="https://shop.example.evil.example/")
    for page in ("/", "/success", "/cancelled", "/assets/coinpurse.css", "/assets/coinpurse.js"):
        harness.get(page)


def browse_economy(harness: Harness) -> None:
    """Read what an economy sells."""
    for path in ("/v1/economy", "/v1/bundles", "/v1/gift-catalogue", "/v1/membership-plans"):
        harness.get(path)


def buy(harness: Harness) -> None:
    """Buy in every way, and move the money in every way."""
    key = str(uuid7())
    fields = {"bundle_id": "coins_350", "currency": "usd", "channel": "web"}
    opened = harness.post("/v1/checkout-sessions", fields, "ada", key=key)
    harness.post("/v1/checkout-sessions", fields, "ada", key=key)
    harness.post("/v1/checkout-sessions", {**fields, "bundle_id": "coins_700"}, "ada", key=key)
    harness.pay(opened["url"], "declined")
    harness.pay(opened["url"])
    harness.get(f"/v1/checkout-sessions/{key}", "ada")
    harness.send(completed(harness, opened))
    for end in ("settle", "fail", "expire"):
        fan = f"fan-{end}"
        opened = checkout(harness, fan, "coins_70")
        if end != "expire":
            harness.pay(opened["url"], "bank_debit")
            harness.get(f"/v1/checkout-sessions/{opened['id']}", fan)
        harness.control("POST", f"/sessions/{session_id(opened)}/{end}", {})
        harness.deliver()
        harness.get(f"/v1/checkout-sessions/{opened['id']}", fan)
    payment = bought(harness, "ben", "coins_1500", "eur")
    for path, end in (("refunds", "failed"), ("disputes", "won")):
        status = {"refunds": "pending", "disputes": "needs_response"}[path]
        taken = harness.control("POST", f"/{path}", {"payment_intent": payment, "amount": 700, "status": status})
        harness.deliver()
        for state in ("succeeded", end) if path == "refunds" else (end,):
            harness.control("POST", f"/{path}/{taken['id']}", {"status": state})
            harness.deliver()
    harness.control("POST", "/refunds", {"payment_intent": payment, "amount": 1449, "status": "succeeded"})
    harness.deliver()
    harness.get("/v1/wallet", "ben")
    harness.get("/v1/wallet/entries", "ben")


def give(harness: Harness) -> None:
    """Give in every way; the streak that is left open ends with the next one."""
    rose = {"creator_id": CREATOR, "item_id": "rose"}
    key = str(uuid7())
    words = {"message": "hello", "sender_name": "Ada", "stream_id": "live-1"}
    sent = harness.post("/v1/gifts", {**rose, "quantity": 2, **words}, "ada", key=key)
    harness.post("/v1/gifts", {**rose, "quantity": 2, **words}, "ada", key=key)
    harness.post("/v1/gifts", {**rose, "quantity": 3}, "ada", key=key)
    harness.get(f"/v1/gifts/{sent['id']}", "ada")
    harness.post("/v1/gifts", {**rose, "anonymous": True, "sender_name": "Ada"}, "ada")
    harness.post("/v1/gifts", {**CHEER, "coins": 20, "message": "<b>go</b>"}, "ada")
    harness.post("/v1/gifts", {**CHAT, "coins": 50, "message": "a question"}, "ada")
    first, second = str(uuid7()), str(uuid7())
    for streak, first_key in ((first, first), (first, None), (second, second), (second, None)):
        harness.post("/v1/gifts", {**rose, "streak_id": streak}, "ada", key=first_key)
    harness.get("/v1/creator/earnings", CREATOR, "creator")
    harness.get("/v1/wallet", "ada")
    page = harness.get("/v1/wallet/entries", "ada", limit=2)
    cursor = next((value for name, value in page.items() if "cursor" in name and value), "")
    harness.get("/v1/wallet/entries", "ada", limit=3, cursor=cursor)
    harness.get("/v1/gift-catalogue", "ada", currency="usd")
    harness.get("/v1/worth", "ada", coins=100, currency="usd")


def operate(harness: Harness) -> None:
    """Everything that an operator does."""

    def act(path: str, fields: dict[str, Any]) -> Any:
        return harness.post(f"/v1/operator/{path}", fields, "olga", "operator")

    grant = {"user_id": "carl", "coins": 100, "reason": "a stream broke down"}
    act("grants", grant)
    act("grants", {**grant, "coins": -30})
    gift = harness.post("/v1/gifts", {"creator_id": CREATOR, "item_id": "clap"}, "carl")
    reversal = {"user_id": "carl", "gift_id": gift["id"], "reason": "sent by a child"}
    act("reversals", reversal)
    act("reversals", reversal)
    freeze = {"user_id": "carl", "frozen": True, "reason": "a stolen card"}
    act("freezes", freeze)
    harness.post("/v1/gifts", {"creator_id": CREATOR, "item_id": "clap"}, "carl")
    act("freezes", {**freeze, "frozen": False})
    for decision in ("credit", "refuse"):
        opened = checkout(harness, "dora", "coins_70")
        harness.pay(opened["url"])
        harness.send(paid_again(harness, opened, decision))
        listed = harness.get("/v1/operator/reviews", "olga", "operator", month=f"{datetime.now(UTC):%Y-%m}")
        review = next(each for each in listed["reviews"] if each["purchase_id"] == opened["id"])
        settlement = {"review_id": review["id"], "decision": decision, "reason": "asked the bank"}
        act("settlements", settlement)
    harness.get("/v1/operator/reviews", "olga", "operator", month=f"{datetime.now(UTC):%Y-%m}")


def limit(harness: Harness) -> None:
    """Budgets, their reminders, self-exclusion."""
    zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
    bought(harness, "eve", "coins_70")
    harness.get("/v1/budgets", "eve")
    limits = {"zone": zone, "coins": {"day": 10, "month": 500}, "money": {"week": 1000}, "currency": "usd"}
    harness.put("/v1/budgets", limits, "eve")
    rose = {"creator_id": CREATOR, "item_id": "rose"}
    for quantity in (7, 1, 2, 1):
        harness.post("/v1/gifts", {**rose, "quantity": quantity}, "eve")
    checkout(harness, "eve", "coins_70", "eur")
    checkout(harness, "eve", "coins_1500")
    harness.put("/v1/budgets", {**limits, "coins": {"day": 20}}, "eve")
    harness.put("/v1/budgets", {**limits, "coins": {"day": 5, "month": 500}}, "eve")
    harness.get("/v1/budgets", "eve")
    bought(harness, "finn", "coins_70")
    harness.post("/v1/self-exclusions", {"days": 7}, "finn")
    harness.post("/v1/gifts", rose, "finn")
    checkout(harness, "finn")
    harness.get("/v1/budgets", "finn")


def join(harness: Harness) -> None:
    """A membership from its first month to its end.

    Stripe's clock moves on between payments: entry ids sort by the second in which a month was paid.
    """
    a_minute = {"advance_seconds": 60}
    harness.get("/v1/membership", "gwen")
    harness.post("/v1/membership/portal-sessions", {}, "gwen")
    plan = {"plan_id": "coin_club", "currency": "usd"}
    opened = harness.post("/v1/memberships", plan, "gwen")
    harness.pay(opened["url"])
    harness.get("/v1/membership", "gwen")
    harness.post("/v1/memberships", plan, "gwen")
    sessions = [each for each in harness.stripe_events() if each["type"] == "checkout.session.completed"]
    path = f"/subscriptions/{sessions[-1]['data']['object']['subscription']}"
    harness.control("POST", "/clock", a_minute)
    harness.control("POST", f"{path}/renew", {})
    harness.deliver()
    harness.control("PUT", "/knobs", {"renewals": "failed"})
    harness.control("POST", "/clock", a_minute)
    open_invoice = harness.control("POST", f"{path}/renew", {})["invoices"][-1]
    harness.deliver()
    harness.get("/v1/membership", "gwen")
    harness.control("PUT", "/knobs", {"renewals": "paid"})
    harness.control("POST", "/clock", a_minute)
    harness.control("POST", f"/invoices/{open_invoice['id']}/pay", {})
    harness.deliver()
    paid = harness.control("GET", path)["invoices"][1]
    harness.control(
        "POST", "/refunds", {"payment_intent": paid["payment_intent"], "amount": 499, "status": "succeeded"}
    )
    harness.deliver()
    portal = harness.post("/v1/membership/portal-sessions", {}, "gwen")
    harness.choose(portal["url"], "cancel")
    harness.get("/v1/membership", "gwen")
    harness.control("POST", f"{path}/cancel", {})
    harness.deliver()
    harness.control("POST", "/clock", {"offset_seconds": 0})
    harness.get("/v1/membership", "gwen")
    harness.get("/v1/wallet/entries", "gwen")


def refuse(harness: Harness) -> None:
    """Every kind of refusal that the steps before do not meet."""
    fields = {"bundle_id": "coins_350", "currency": "usd", "channel": "web"}
    opening = "/v1/checkout-sessions"
    keyed = {"Idempotency-Key": str(uuid7())}
    harness.call("POST", opening, b"{", fan="hal", headers=keyed)
    harness.call("POST", opening, b"x" * 20_000, fan="hal", headers=keyed)
    harness.call("POST", opening, fields, fan="hal", headers={**keyed, "Content-Type": "text/plain"})
    harness.call("POST", opening, fields, fan="hal")
    harness.call("POST", opening, fields, headers=keyed)
    harness.call("POST", opening, fields, headers={**keyed, "Authorization": "Bearer no.such.token"})
    harness.post(opening, {**fields, "currency": "xxx"}, "hal")
    harness.post(opening, {**fields, "tint": "red"}, "hal")
    harness.post(opening, {**fields, "bundle_id": "coins_71"}, "hal")
    harness.post(opening, fields, "hal", key=OLD_KEY)
    harness.post(opening, fields, "hal", key="not-a-uuid")
    harness.get(f"{opening}/{uuid7()}", "hal")
    harness.get("/v1/bundles", currency="xxx")
    harness.get("/v1/bundles", tint="red")
    harness.get("/v1/offers/verify")
    harness.get("/v1/operator/reviews", "hal", month="2026-11")
    harness.get("/v1/creator/earnings", "hal")
    harness.post("/v1/operator/grants", {}, "hal")
    harness.post("/v1/memberships", {"plan_id": "no_such"}, "hal")
    harness.send({"id": "evt_forged", "type": "invoice.paid"}, "whsec_other")
    harness.send({"id": "evt_odd", "object": "event", "type": "invoice.paid"})
    wishes: list[dict[str, Any]] = [
        {"item_id": "no_such"},
        {"item_id": "rose", "quantity": 10_000},
        {"item_id": "rose", "message": "x" * 201},
        {"item_id": "rose"},
        {"kind": "cheer", "coins": 100_001},
        {"kind": "super_chat", "coins": 10, "message": "too long"},
        {"kind": "super_chat", "coins": 50, "anonymous": True},
        {"kind": "no_such"},
    ]
    for wish in wishes:
        harness.post("/v1/gifts", {"creator_id": CREATOR, **wish}, "hal")
    harness.post("/v1/gifts", {"creator_id": "hal", "item_id": "rose"}, "hal")
    harness.post("/v1/gifts", {"creator_id": "a b", "item_id": "rose"}, "hal")


def tap(harness: Harness) -> str:
    """Send a streak of three; returns its id."""
    streak = str(uuid7())
    for first_key in (streak, None, None):
        harness.post(
            "/v1/gifts", {"creator_id": "creator-yan", "item_id": "rose", "streak_id": streak}, "ada", key=first_key
        )
    return streak


def work(harness: Harness, streak: str) -> None:
    """The workers: the timer ends a streak, reconcile finds a lost webhook, the audit finds nothing."""
    harness.end_streaks()
    harness.post("/v1/gifts", {"creator_id": "creator-yan", "item_id": "rose", "streak_id": streak}, "ada")
    harness.control("POST", "/clock", {"offset_seconds": -RECONCILE_DELAY_SECONDS - 5})
    opened = checkout(harness, "ida", "coins_70")
    harness.pay(opened["url"], "card", lost=True)
    harness.control("POST", "/clock", {"offset_seconds": 0})
    harness.set_watermarks("sweep", "audit")
    for worker in ("reconcile", "reconcile", "sweep", "audit"):
        harness.wake(worker)
    harness.get("/v1/wallet", "ida")


def give_in(harness: Harness, bundle: str, currency: str, wishes: list[dict[str, Any]]) -> None:
    """Buy and give in one of the other economies."""
    fan = f"fan-{harness.economy}"
    bought(harness, fan, bundle, currency)
    for wish in wishes:
        harness.post("/v1/gifts", wish, fan)
    for refused in ({**GIFT, "item_id": "no_such"}, {**CHEER, "coins": 100_001}, {**CHAT, "coins": 100_001}):
        harness.post("/v1/gifts", refused, fan)
    harness.get("/v1/creator/earnings", CREATOR, "creator")
    harness.get("/v1/wallet", fan)
