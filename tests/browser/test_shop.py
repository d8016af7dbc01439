"""<coin-shop>, <coin-button> and <coin-balance> on a page of another origin, with that page's strict policy."""

import re

from playwright.sync_api import Page, expect

from tests.browser.site import Site, lost, unavailable

SHOP = '<coin-balance token-from="/me/token"></coin-balance><coin-shop token-from="/me/token"></coin-shop>'
CHECKOUTS = "/v1/checkout-sessions"
EVENTS = """
window.heard = [];
for (const name of ["checkout", "purchased", "error", "sign-in"])
  addEventListener(`coinpurse:${name}`, ({ detail }) => heard.push([name, detail?.code ?? detail?.coins ?? null]));
"""


def opened(page: Page, site: Site, body: str = SHOP) -> Page:
    site.body = body
    page.add_init_script(EVENTS)
    page.goto(site.url)
    return page


def heard(page: Page) -> list[list[object]]:
    found: list[list[object]] = page.evaluate("heard")
    return found


def test_purchase_from_button_to_balance(page: Page, site: Site) -> None:
    opened(page, site)
    expect(page.locator("coin-balance")).to_contain_text("0 coins")
    page.get_by_role("button", name="Buy 70 coins for $0.74").click()
    page.wait_for_url(f"{site.pay_url}/*")
    purchase_id = site.checkout().purchase_id

    site.pay(purchase_id)
    page.goto(f"{site.url}/?stream=1&purchase={purchase_id}#chat")

    expect(page.locator("coin-shop [role=status]")).to_have_text("70 coins added.")
    expect(page.locator("coin-balance")).to_contain_text("70 coins")
    assert heard(page) == [["purchased", 70]]
    # A reload dispatches no second event.
    assert page.url == f"{site.url}/?stream=1#chat"
    page.reload()
    expect(page.locator("coin-balance")).to_contain_text("70 coins")
    assert heard(page) == []


def test_purchase_without_return_address_is_followed_by_the_tab(page: Page, site: Site) -> None:
    opened(page, site)
    page.get_by_role("button", name="Buy 70 coins").click()
    page.wait_for_url(f"{site.pay_url}/*")
    page.goto(site.url)
    expect(page.get_by_role("button", name="Buy 70 coins")).to_be_visible()
    expect(page.locator("coin-shop [role=status]")).to_be_empty()
    site.pay(site.checkout().purchase_id)
    expect(page.locator("coin-shop [role=status]")).to_have_text("70 coins added.")


def test_page_that_the_operator_does_not_allow_is_no_obstacle(page: Page, site: Site) -> None:
    opened(page, site, '<coin-shop token-from="/me/token" return-url="https://other.example/"></coin-shop>')
    page.get_by_role("button", name="Buy 70 coins").click()
    page.wait_for_url(f"{site.pay_url}/*")
    assert site.counts()[f"POST {CHECKOUTS}"] == 2
    assert len(site.api.gateway.sessions) == 1


def test_leaving_the_payment_page_says_that_nothing_was_charged(page: Page, site: Site) -> None:
    opened(page, site)
    page.goto(f"{site.url}/?purchase=01a2100d-c651-72a5-9b87-5be58393e6a4&canceled=1")
    expect(page.locator("coin-shop [role=status]")).to_have_text("You left before paying. Nothing was charged.")
    assert page.url == f"{site.url}/"


def test_unavailable_and_lost_answers_are_one_purchase(page: Page, site: Site) -> None:
    site.fail(CHECKOUTS, unavailable, lost)
    opened(page, site)
    page.get_by_role("button", name="Buy 700 coins").click()
    page.wait_for_url(f"{site.pay_url}/*")
    assert site.counts()[f"POST {CHECKOUTS}"] >= 3
    assert len(set(site.keys)) == 1
    assert len(site.api.gateway.sessions) == 1


def test_unanswered_request_keeps_its_key_over_a_reload(page: Page, site: Site) -> None:
    site.fail(CHECKOUTS, *[lost] * 6)
    opened(page, site)
    page.clock.install()
    page.get_by_role("button", name="Buy 700 coins").click()
    for _ in range(12):
        page.clock.run_for(6_000)
    expect(page.locator("coin-shop [role=status]")).to_contain_text("The payment page could not be opened.")
    site.recover()
    page.reload()
    page.get_by_role("button", name="Buy 700 coins").click()
    page.wait_for_url(f"{site.pay_url}/*")
    assert len(set(site.keys)) == 1
    assert len(site.api.gateway.sessions) == 1


def test_key_is_made_by_the_servers_clock(page: Page, site: Site) -> None:
    page.clock.install(time="2020-02-02")
    opened(page, site)
    page.get_by_role("button", name="Buy 70 coins").click()
    page.wait_for_url(f"{site.pay_url}/*")
    assert len(set(site.keys)) == 2
    assert len(site.api.gateway.sessions) == 1


def test_custom_amount_is_quoted_and_bought_as_one_checkout(page: Page, site: Site) -> None:
    opened(page, site)
    page.get_by_label("Other amount").fill("1234")
    page.get_by_role("button", name=re.compile(r"Get 1,234 coins for \$12\.\d\d")).click()
    page.wait_for_url(f"{site.pay_url}/*")
    assert site.checkout().coins == 1234


def test_custom_amount_outside_its_limits_cannot_be_bought(page: Page, site: Site) -> None:
    opened(page, site)
    page.get_by_label("Other amount").fill("69")
    expect(page.locator("coin-shop .over")).to_have_text("From 70 to 200,000 coins.")
    expect(page.locator("coin-shop form button")).to_be_disabled()


def test_signed_out_fan_is_asked_to_sign_in(page: Page, site: Site) -> None:
    site.fan = None
    link = '<a slot="sign-in" href="/sign-in">Sign in here</a>'
    opened(page, site, f'<coin-shop token-from="/me/token">{link}</coin-shop>')
    page.get_by_role("button", name="Buy 70 coins").click()
    expect(page.get_by_role("link", name="Sign in here")).to_be_visible()
    assert ["sign-in", None] in heard(page)
    assert site.counts()[f"POST {CHECKOUTS}"] == 0


def test_signed_out_elements_fetch_the_token_once_and_link_to_the_sign_in_page(page: Page, site: Site) -> None:
    site.fan = None
    opened(page, site, f'<section sign-in="/login">{SHOP}<gift-panel creator="cleo" token-from="/me/token"></section>')
    for element in ("coin-balance", "gift-panel"):
        link = page.locator(element).get_by_role("link", name="Sign in to continue.")
        expect(link).to_have_attribute("href", "/login")
    expect(page.get_by_role("button", name="Buy 70 coins")).to_be_visible()
    assert site.counts()["GET /me/token"] == 1

    site.fan = "ann"
    page.evaluate("for (const each of document.querySelectorAll('section *')) each.restart()")
    expect(page.locator("coin-balance")).to_contain_text("0 coins")
    expect(page.locator("gift-panel")).to_contain_text("Balance 0 coins")
    assert site.counts()["GET /me/token"] == 2

    site.fan = "bob"
    site.api.fund("bob", 34)
    page.evaluate("for (const each of document.querySelectorAll('section *')) each.restart()")
    expect(page.locator("coin-balance")).to_contain_text("34 coins")
    expect(page.locator("gift-panel")).to_contain_text("Balance 34 coins")
    assert site.counts()["GET /me/token"] == 3


def test_token_that_ran_out_is_fetched_again(page: Page, site: Site) -> None:
    opened(page, site, "<coin-balance></coin-balance>")
    page.evaluate("""() => {
      const tokens = ["stale", "token-of-ann"];
      document.querySelector("coin-balance").token = async ({ isRefused }) => tokens[Number(isRefused)];
    }""")
    site.api.fund("ann", 12)
    expect(page.locator("coin-balance")).to_contain_text("12 coins")


def test_page_can_open_the_payment_page_itself(page: Page, site: Site) -> None:
    opened(page, site, '<coin-button bundle="coins_70" token-from="/me/token"></coin-button>')
    page.evaluate("""() => addEventListener("coinpurse:checkout", (event) => {
      event.preventDefault();
      document.title = event.detail.url;
    })""")
    page.get_by_role("button", name="Buy 70 coins for $0.74").click()
    expect(page).to_have_title(re.compile(f"^{re.escape(site.pay_url)}"))
    assert page.url == f"{site.url}/"


def test_refusal_is_explained_in_the_language_of_the_page(page: Page, site: Site) -> None:
    site.lang = "de"
    opened(page, site)
    site.api.call("POST", "/v1/self-exclusions", key=site.api.clock.new_id(), body={"days": 3})
    page.get_by_role("button", name="70 Münzen für 0,74 $ kaufen", exact=True).click()
    expect(page.locator("coin-shop [role=status]")).to_contain_text("Du hast dich bis ")
    assert ["error", "self_excluded"] in heard(page)


def test_shop_without_an_answer_offers_to_try_again(page: Page, site: Site) -> None:
    site.fail("/v1/economy", *[unavailable] * 6)
    page.clock.install()
    opened(page, site, '<coin-shop token-from="/me/token"></coin-shop>')
    for _ in range(12):
        page.clock.run_for(6_000)
    expect(page.locator("coin-shop")).to_contain_text("Not available right now.")
    site.recover()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Buy 70 coins")).to_be_visible()


def test_fallback_in_the_elements_is_hidden_once_they_run(page: Page, site: Site) -> None:
    opened(page, site, '<coin-shop><form method="post" action="/buy"><button>Plain</button></form></coin-shop>')
    expect(page.get_by_role("button", name="Buy 70 coins")).to_be_visible()
    expect(page.get_by_role("button", name="Plain")).to_be_hidden()
