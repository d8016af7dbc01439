"""<gift-panel>: gifts, streaks, cheers and super chats, and what happens when answers fail."""

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from chalicelib.adapters.catalogue_files import load_catalogue
from tests.browser.chromium import violations
from tests.browser.site import Fault, Site, held, lost, unavailable

PANEL = '<gift-panel creator="cleo" stream="live" token-from="/me/token"></gift-panel>'
GIFTS = "/v1/gifts"


def opened(page: Page, site: Site, body: str = PANEL, coins: int = 1000) -> Page:
    site.body = body
    site.api.fund("ann", coins)
    page.add_init_script("window.heard = []; addEventListener('coinpurse:gift-sent', (e) => heard.push(e.detail));")
    page.goto(site.url)
    expect(page.locator("gift-panel [part=balance]")).to_contain_text("coins")
    return page


def choose(page: Page, name: str) -> None:
    page.locator("gift-panel label", has_text=re.compile(rf"^{name}")).first.click()


def send(page: Page) -> None:
    page.get_by_role("button", name="Send", exact=True).click()


def expect_status(page: Page, text: str) -> None:
    expect(page.locator("gift-panel [part=status]")).to_contain_text(text)


def expect_sent(page: Page, quantity: int, name: str) -> None:
    expect_status(page, f"{quantity} \N{MULTIPLICATION SIGN} {name} sent.")


def test_gift_is_sent_with_its_message(page: Page, site: Site) -> None:
    opened(page, site)
    choose(page, "Birthday cake")
    page.get_by_role("button", name="More").click()
    page.get_by_label("Message").fill("bravo")
    page.get_by_label("Send anonymously").check()
    expect(page.locator("gift-panel [part=total]")).to_contain_text("70 coins$0.74")
    send(page)
    expect_sent(page, 2, "Birthday cake")
    expect(page.locator("gift-panel [part=balance]")).to_contain_text("930 coins")
    [gift] = site.api.gifts()
    assert (gift.item_id, gift.quantity, gift.message, gift.anonymous, gift.stream_id) == (
        "cake", 2, "bravo", True, "live",
    )  # fmt: skip
    [sent] = page.evaluate("heard")
    assert (sent["id"], sent["coins"]) == (gift.gift_id, 70)


def test_taps_during_a_request_are_added_up_as_one_streak(page: Page, site: Site) -> None:
    opened(page, site)
    choose(page, "Rose")
    gate = threading.Event()
    site.fail(GIFTS, held(gate))
    for _ in range(12):
        send(page)
    gate.set()
    expect_sent(page, 12, "Rose")
    first, second = sorted(site.api.gifts(), key=lambda gift: gift.gift_id)
    assert (first.quantity, second.quantity) == (1, 11)
    assert first.streak_id == second.streak_id == first.gift_id
    assert site.counts()[f"POST {GIFTS}"] == 2


def test_taps_above_the_greatest_quantity_are_several_requests(page: Page, site: Site) -> None:
    opened(page, site)
    choose(page, "Rose")
    gate = threading.Event()
    site.fail(GIFTS, held(gate))
    page.locator("gift-panel").evaluate("(panel) => { panel.economy.gift.max_quantity = 4; }")
    for _ in range(8):
        send(page)
    gate.set()
    expect_sent(page, 8, "Rose")
    assert sorted(gift.quantity for gift in site.api.gifts()) == [1, 3, 4]


def test_ended_streak_is_followed_by_a_new_one(page: Page, site: Site) -> None:
    opened(page, site)
    choose(page, "Rose")
    send(page)
    expect_sent(page, 1, "Rose")
    # A fan has one streak at a time: another one, started on another page, ends it.
    other = site.later_id()
    assert site.api.give(other, item_id="clap", streak_id=other).status == 201
    send(page)
    expect(page.locator("gift-panel [part=balance]")).to_contain_text("988 coins")
    first, second = sorted((gift for gift in site.api.gifts() if gift.item_id == "rose"), key=lambda gift: gift.gift_id)
    assert second.streak_id == second.gift_id != first.streak_id


def test_unavailable_and_lost_answers_are_one_gift(page: Page, site: Site) -> None:
    opened(page, site)
    choose(page, "Birthday cake")
    site.fail(GIFTS, unavailable, lost)
    send(page)
    expect_sent(page, 1, "Birthday cake")
    assert site.counts()[f"POST {GIFTS}"] == 3
    assert len(set(site.keys)) == 1
    assert len(site.api.gifts()) == 1


def give_up(page: Page, site: Site, failure: Fault) -> None:
    """Send a cake, and let all tries fail."""
    opened(page, site)
    choose(page, "Birthday cake")
    site.fail(GIFTS, *[failure] * 6)
    page.clock.install()
    send(page)
    for _ in range(12):
        page.clock.run_for(6_000)
    expect_status(page, "We could not tell whether it arrived.")
    site.recover()


def test_trying_again_after_lost_answers_uses_the_same_key(page: Page, site: Site) -> None:
    give_up(page, site, lost)
    page.get_by_role("button", name="Try again").click()
    expect_sent(page, 1, "Birthday cake")
    assert len(set(site.keys)) == 1
    assert len(site.api.gifts()) == 1


def test_gift_without_an_answer_is_looked_up_after_a_reload(page: Page, site: Site) -> None:
    give_up(page, site, lost)
    posted = site.counts()[f"POST {GIFTS}"]
    page.reload()
    expect_sent(page, 1, "Birthday cake")
    assert len(site.api.gifts()) == 1
    assert site.counts()[f"POST {GIFTS}"] == posted


def test_gift_that_never_arrived_is_offered_again_after_a_reload(page: Page, site: Site) -> None:
    give_up(page, site, unavailable)
    page.reload()
    expect_status(page, "Trying again is safe")
    assert site.api.gifts() == []
    page.get_by_role("button", name="Try again").click()
    expect_sent(page, 1, "Birthday cake")
    assert len(set(site.keys)) == 1


def test_missing_coins_are_offered_for_sale_and_the_choice_is_kept(page: Page, site: Site) -> None:
    opened(page, site, coins=415)
    expect(page.locator("gift-panel [part=lack]")).to_contain_text("You lack 85 coins: get them for $0.9")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    page.get_by_label("Message").fill("for the show")
    page.get_by_role("button", name="get them").click()
    page.wait_for_url(f"{site.pay_url}/*")
    bought = site.checkout()
    assert bought.coins == 85
    site.pay(bought.purchase_id)
    page.goto(f"{site.url}/?purchase={bought.purchase_id}")
    expect_status(page, "85 coins added.")
    expect(page.get_by_label("Message")).to_have_value("for the show")
    send(page)
    expect_sent(page, 1, "Fireworks")


def test_wallet_that_was_spent_elsewhere_shows_what_is_missing(page: Page, site: Site) -> None:
    opened(page, site)
    site.api.fund("ann", 400)
    send(page)
    expect(page.locator("gift-panel [part=lack]")).to_contain_text("You lack 100 coins")
    expect(page.locator("gift-panel [part=balance]")).to_contain_text("400 coins")
    assert site.api.gifts() == []


def test_conflict_is_tried_again_with_another_key(page: Page, site: Site) -> None:
    opened(page, site)
    choose(page, "Rose")
    slot = 'coinpurse:v1/gifts:{"kind":"gift","creator_id":"cleo","item_id":"rose","stream_id":"live","quantity":1}'
    page.evaluate(
        "([slot, key]) => sessionStorage.setItem(slot, JSON.stringify({ key, body: slot.slice(slot.indexOf('{')) }))",
        [slot, site.api.give(creator_id="dora").json["id"]],
    )
    send(page)
    expect_status(page, "Nothing was sent. Please try again.")
    page.get_by_role("button", name="Try again").click()
    expect_sent(page, 1, "Rose")
    assert sorted(gift.creator_id for gift in site.api.gifts()) == ["cleo", "dora"]


def test_cheer_and_super_chat_follow_their_limits(page: Page, site: Site) -> None:
    opened(page, site)
    choose(page, "Super chat")
    expect(page.locator("gift-panel [part=tier]")).to_have_attribute("data-color", "blue")
    page.get_by_label("Amount").fill("60")
    expect(page.locator("gift-panel [part=tier]")).to_have_text("60 coins · Pinned for 1 minute")
    page.get_by_label("Message").fill("x" * 81)
    expect(page.locator("gift-panel .over")).to_have_text("1 too many")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    page.get_by_role("button", name="250", exact=True).click()
    send(page)
    expect_status(page, "250 coins sent.")
    choose(page, "Cheer")
    page.get_by_label("Amount").fill("12")
    send(page)
    expect_status(page, "12 coins sent.")
    assert sorted((gift.kind.value, gift.price_coins) for gift in site.api.gifts()) == [
        ("cheer", 12),
        ("super_chat", 250),
    ]


def test_message_is_limited_in_bytes_too(page: Page, site: Site) -> None:
    opened(page, site)
    message, over = page.get_by_label("Message"), page.locator("gift-panel .over")
    for too_long in ("ありがとう" * 17, "x" * 201):
        message.fill(too_long)
        expect(over).to_be_visible()
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    for fitting in ("ありがとう" * 9, "x" * 200):
        message.fill(fitting)
        expect(over).to_be_hidden()
        with page.expect_response(f"**{GIFTS}"):
            send(page)
        expect_status(page, "sent.")
    assert sorted(gift.message for gift in site.api.gifts()) == ["x" * 200, "ありがとう" * 9]


@pytest.mark.parametrize("economy", ["tiktok_like", "twitch_like", "youtube_like", "instagram_like", "telegram_like"])
def test_each_economy_is_given_in_its_own_way(page: Page, site: Site, economy: str) -> None:
    site.api.ports["catalogue"] = load_catalogue(economy)
    unit = site.api.ports["catalogue"].unit.plural
    site.body = PANEL
    site.api.fund("ann", 100_000)
    page.goto(site.url)
    expect(page.locator("gift-panel [part=balance]")).to_contain_text(f"100,000 {unit}")
    send(page)
    expect_status(page, "sent.")
    assert len(site.api.gifts()) == 1
    assert violations(page) == []


LANGUAGES = (
    ("de-AT", "ltr", "500 Münzen", "Senden"),
    ("es", "ltr", "500 monedas", "Enviar"),
    ("ja", "ltr", "500コイン", "送る"),
    ("pt", "ltr", "500 moedas", "Enviar"),
    ("ar", "rtl", "500 عملة", "إرسال"),
    ("fi", "ltr", "500 coins", "Send"),
)


def test_panel_uses_the_language_of_the_page(page: Page, site: Site) -> None:
    site.body = PANEL
    site.api.fund("ann")
    for lang, direction, total, send_text in LANGUAGES:
        site.lang = lang
        page.goto(site.url)
        expect(page.locator("gift-panel [part=total]")).to_contain_text(total)
        expect(page.get_by_role("button", name=send_text, exact=True)).to_be_enabled()
        assert page.locator("gift-panel [part=root]").get_attribute("dir") == direction, lang


def test_keyboard_chooses_and_sends(page: Page, site: Site) -> None:
    opened(page, site)
    page.get_by_role("radio", name=re.compile("^Fireworks")).focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("gift-panel [part=total]")).to_contain_text("35 coins")
    page.keyboard.press("Enter")
    expect_sent(page, 1, "Birthday cake")
