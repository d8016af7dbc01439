import pytest

from chalicelib.domain.open_windows import MAX_OPEN_CHECKOUTS, MAX_OPEN_MEMBERSHIPS
from chalicelib.settings import MissingSettings, Settings

ADDRESSES = ("TOKEN_ISSUER", "JWKS_URL", "STRIPE_API_URL", "SUCCESS_URL", "CANCEL_URL")
COMPLETE = {field.upper(): f"the {field}" for field in Settings.__struct_fields__} | {
    **{name: f"https://{name}.example" for name in ADDRESSES},
    "STAGE": "test",
    "LIVEMODE": "false",
    "CREATOR_LANES": "8",
    "ALLOWED_ORIGINS": "*",
    "ALLOWED_RETURN_ORIGINS": "https://live.example",
    "MAX_OPEN_CHECKOUTS": "5",
    "MAX_OPEN_MEMBERSHIPS": "2",
}
DEFAULTS = {"ALLOWED_ORIGINS", "ALLOWED_RETURN_ORIGINS", "MAX_OPEN_CHECKOUTS", "MAX_OPEN_MEMBERSHIPS"}
"""Settings that have a default."""
NEEDED = sorted(set(COMPLETE) - DEFAULTS)


def test_settings_are_read_from_uppercase_variables() -> None:
    settings = Settings.read(COMPLETE)
    assert (settings.table_name, settings.livemode, settings.creator_lanes) == ("the table_name", False, 8)


def test_missing_variables_are_all_named_in_one_error() -> None:
    with pytest.raises(MissingSettings) as missing:
        Settings.read({})
    assert all(name in str(missing.value) for name in NEEDED)
    assert str(missing.value).count(";") == len(NEEDED) - 1


@pytest.mark.parametrize("name", NEEDED)
def test_single_missing_or_empty_variable_is_named_alone(name: str) -> None:
    without = {other: value for other, value in COMPLETE.items() if other != name}
    for environment in (without, COMPLETE | {name: ""}):
        with pytest.raises(MissingSettings) as missing:
            Settings.read(environment)
        assert str(missing.value).startswith(f"{name} ")
        assert ";" not in str(missing.value)


@pytest.mark.parametrize(("raw", "read"), [("true", True), ("false", False)])
def test_livemode_reads_true_and_false(raw: str, *, read: bool) -> None:
    assert Settings.read(COMPLETE | {"STAGE": "prod", "LIVEMODE": raw}).livemode is read


@pytest.mark.parametrize("stage", ["local", "test", "staging"])
def test_livemode_is_for_the_stage_prod(stage: str) -> None:
    with pytest.raises(MissingSettings, match=r"^LIVEMODE must be false outside the stage prod$"):
        Settings.read(COMPLETE | {"STAGE": stage, "LIVEMODE": "true"})


@pytest.mark.parametrize("stage", ["test", "prod", "staging"])
@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("value", ["http://127.0.0.1:1", "HTTPS://a.example", "shop.example", "file:///keys"])
def test_addresses_outside_the_stage_local_need_https(stage: str, name: str, value: str) -> None:
    with pytest.raises(MissingSettings, match=f"^{name} must begin with https://$"):
        Settings.read(COMPLETE | {"STAGE": stage, name: value})


def test_addresses_in_the_stage_local_may_be_http() -> None:
    http = dict.fromkeys(ADDRESSES, "http://127.0.0.1:1")
    assert Settings.read(COMPLETE | http | {"STAGE": "local"}).jwks_url == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("raw", "audiences"), [("a", ("a",)), ("a,b", ("a", "b")), (" https://a/ , b ", ("https://a/", "b"))]
)
def test_audience_is_one_or_several(raw: str, audiences: tuple[str, ...]) -> None:
    assert Settings.read(COMPLETE | {"TOKEN_AUDIENCE": raw}).token_audience == audiences


@pytest.mark.parametrize("raw", [",", "a,", "a,,b", " "])
def test_empty_audience_is_refused(raw: str) -> None:
    with pytest.raises(MissingSettings, match=r"^TOKEN_AUDIENCE is missing$"):
        Settings.read(COMPLETE | {"TOKEN_AUDIENCE": raw})


@pytest.mark.parametrize("raw", ["True", "1", "yes", " true", "no", "FALSE"])
def test_livemode_rejects_other_spellings(raw: str) -> None:
    with pytest.raises(MissingSettings, match=r"^LIVEMODE must be true or false$"):
        Settings.read(COMPLETE | {"LIVEMODE": raw})


@pytest.mark.parametrize("raw", ["1", "64", "08"])
def test_creator_lanes_accepts_1_to_64(raw: str) -> None:
    assert Settings.read(COMPLETE | {"CREATOR_LANES": raw}).creator_lanes == int(raw)


@pytest.mark.parametrize("raw", ["0", "65", "-1", "+8", "8.0", "1e1", "\u0668", "eight", "9" * 5_000])
def test_creator_lanes_rejects_other_values(raw: str) -> None:
    with pytest.raises(MissingSettings, match=r"^CREATOR_LANES "):
        Settings.read(COMPLETE | {"CREATOR_LANES": raw})


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("", ("*",)),
        ("*", ("*",)),
        ("https://shop.example", ("https://shop.example",)),
        ("https://a-b.example:8443, http://localhost:3000", ("https://a-b.example:8443", "http://localhost:3000")),
        ("http://[::1]:8044,http://127.0.0.1:443", ("http://[::1]:8044", "http://127.0.0.1:443")),
    ],
)
def test_allowed_origins_are_any_or_a_list(raw: str, read: tuple[str, ...]) -> None:
    assert Settings.read(COMPLETE | {"ALLOWED_ORIGINS": raw}).allowed_origins == read
    assert Settings.read({**COMPLETE, "ALLOWED_ORIGINS": read[0]}).allowed_origins == read[:1]


@pytest.mark.parametrize(
    "raw",
    ["https://shop.example/", "shop.example", "https://Shop.example", "https://*.example", "*,https://shop.example",
     "https://shop.example,", "null", "https://shop.example:443", "http://shop.example:80", "ftp://shop.example",
     "https://shop.example https://b.example"],
)  # fmt: skip
def test_allowed_origins_that_no_browser_sends_are_refused(raw: str) -> None:
    with pytest.raises(MissingSettings, match=r"^ALLOWED_ORIGINS must be \*"):
        Settings.read(COMPLETE | {"ALLOWED_ORIGINS": raw})


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("", ()),
        ("https://live.example", ("https://live.example",)),
        ("https://a-b.example:8443, http://[::1]:3000", ("https://a-b.example:8443", "http://[::1]:3000")),
    ],
)
def test_allowed_return_origins_are_a_list(raw: str, read: tuple[str, ...]) -> None:
    assert Settings.read(COMPLETE | {"ALLOWED_RETURN_ORIGINS": raw}).allowed_return_origins == read


@pytest.mark.parametrize(
    "raw", ["*", "https://live.example/", "live.example", "https://*.example", "https://live.example,", "http://[::1]/"]
)
def test_allowed_return_origins_are_never_any(raw: str) -> None:
    with pytest.raises(MissingSettings, match=r"^ALLOWED_RETURN_ORIGINS must be a comma-separated list"):
        Settings.read(COMPLETE | {"ALLOWED_RETURN_ORIGINS": raw})


LIMITS = [("max_open_checkouts", MAX_OPEN_CHECKOUTS), ("max_open_memberships", MAX_OPEN_MEMBERSHIPS)]


@pytest.mark.parametrize(("name", "default"), LIMITS)
def test_limit_of_open_ones_is_a_number(name: str, default: int) -> None:
    for raw, read in (("", default), ("1", 1), ("1000", 1000)):
        assert getattr(Settings.read(COMPLETE | {name.upper(): raw}), name) == read


@pytest.mark.parametrize("raw", ["0", "1001", "-1", "1.5", "٣", "many"])
@pytest.mark.parametrize("name", [name.upper() for name, _ in LIMITS])
def test_limit_of_open_ones_outside_its_range_is_refused(name: str, raw: str) -> None:
    with pytest.raises(MissingSettings, match=rf"^{name} must be a whole number from 1 to 1000"):
        Settings.read(COMPLETE | {name: raw})


def test_variables_of_others_are_left_alone() -> None:
    assert Settings.read(COMPLETE | {"PATH": "/bin"}) == Settings.read(COMPLETE)


def test_read_without_argument_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    assert Settings.read() == Settings.read(COMPLETE)


def test_settings_are_immutable() -> None:
    with pytest.raises(AttributeError):
        Settings.read(COMPLETE).livemode = True  # type: ignore[misc]  # that is the point
