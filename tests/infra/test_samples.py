"""The sample sites: each proxies the sign-in and plain forms, in at most forty lines."""

import json
import re
from collections.abc import Iterator

import pytest

from chalicelib.domain.ids import is_uuid7
from infra.local import loopback, token_issuer
from infra.local.processes import free_ports
from tests.infra.front_door_rig import FakeApi, post_form, running_api, send
from tests.sample_sites import PROGRAMS, SAMPLES, running_sample

MAX_LINES = 40
_NO_CODE = re.compile(r'\s*(#.*|//.*|""".*""")?')


@pytest.fixture(scope="module")
def api() -> Iterator[FakeApi]:
    with running_api() as fake:
        yield fake


@pytest.fixture(params=sorted(PROGRAMS), scope="module")
def site(request: pytest.FixtureRequest, api: FakeApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running sample."""
    (port,) = free_ports(1)
    url, folder = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("sample")
    with (
        loopback.running(token_issuer.create_app) as issuer,
        running_sample(request.param, folder, site=url, api=api.url, issuer=issuer, pay="https://pay.example"),
    ):
        yield url


def cookie_of(site: str) -> str:
    answer = post_form(site, "/sign-in", {"name": "ann"})
    assert (answer.status, answer.header("Location")) == (303, "/")
    cookie, *flags = str(answer.header("Set-Cookie")).split("; ")
    assert set(flags) == {"HttpOnly", "SameSite=Lax"}
    return cookie


def key_of(page: str) -> str:
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    return str(key)


def test_page_embeds_the_elements_under_a_strict_policy(site: str, api: FakeApi) -> None:
    answer = send(site, "GET", "/?purchase=1")
    assert f'<script type="module" src="{api.url}/assets/coinpurse.js"></script>' in answer.text
    policy = str(answer.header("Content-Security-Policy"))
    assert f"default-src {api.url}/" in policy
    assert "unsafe" not in policy
    keys = {key_of(answer.text), key_of(send(site, "GET", "/").text)}
    assert len(keys) == 2
    assert all(map(is_uuid7, keys))


def test_token_is_returned_to_the_fan_whose_cookie_it_is(site: str) -> None:
    cookie = cookie_of(site)
    assert send(site, "GET", "/me/token", Cookie=f"theme=dark; {cookie}").text == cookie.removeprefix("fan=")
    assert send(site, "GET", "/me/token").status == 401


def test_form_opens_a_checkout_with_the_fans_token_and_the_forms_key(site: str, api: FakeApi) -> None:
    cookie, key = cookie_of(site), key_of(send(site, "GET", "/").text)
    api.requests.clear()
    api.respond_json(201, {"id": key, "url": "https://pay.example/c/1"})
    answer = post_form(site, "/buy", {"bundle_id": "coins_70", "key": key}, Cookie=cookie)
    assert (answer.status, answer.header("Location")) == (303, "https://pay.example/c/1")
    [seen] = api.requests
    assert (seen.method, seen.target.rpartition("/v1/")[2]) == ("POST", "checkout-sessions")
    assert seen.header("Authorization") == f"Bearer {cookie.removeprefix('fan=')}"
    assert seen.header("Idempotency-Key") == key
    assert json.loads(seen.body) == {"bundle_id": "coins_70", "return_url": f"{site}/"}


def test_purchase_that_is_paid_already_leads_back_to_the_page(site: str, api: FakeApi) -> None:
    api.respond_json(200, {"id": "1", "url": None})
    answer = post_form(site, "/buy", {"bundle_id": "coins_70", "key": "1"}, Cookie=cookie_of(site))
    assert (answer.status, answer.header("Location")) == (303, "/?purchase=1")


def test_refusal_is_shown_as_text(site: str, api: FakeApi) -> None:
    api.respond_json(422, {"title": "Not on sale"})
    answer = post_form(site, "/buy", {"bundle_id": "coins_1", "key": "1"}, Cookie=cookie_of(site))
    assert (answer.status, answer.text) == (400, "Not on sale. You were not charged.")


def test_form_of_another_site_is_refused(site: str, api: FakeApi) -> None:
    api.requests.clear()
    for path in ("/buy", "/sign-in"):
        answer = post_form(site, path, {"name": "ann", "key": "1"}, Sec_Fetch_Site="cross-site", Cookie=cookie_of(site))
        assert answer.status == 404
    assert api.requests == []


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_sample_has_at_most_forty_lines(name: str) -> None:
    lines = (SAMPLES / name).read_text().splitlines()
    assert len([line for line in lines if not _NO_CODE.fullmatch(line)]) <= MAX_LINES


def test_every_sample_is_tested() -> None:
    programs = {path.name for path in SAMPLES.iterdir() if path.suffix in {".py", ".mjs"}}
    assert programs == set(PROGRAMS)
