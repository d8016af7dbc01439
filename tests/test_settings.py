import pytest

from chalicelib.settings import MissingSettings, Settings

WHOLE = {field.upper(): f"the {field}" for field in Settings.__struct_fields__} | {
    "LIVEMODE": "false",
    "CREATOR_LANES": "8",
}


def test_settings_are_read_by_their_names_in_capitals() -> None:
    settings = Settings.read(WHOLE)
    assert (settings.table_name, settings.livemode, settings.creator_lanes) == ("the table_name", False, 8)


def test_every_variable_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(MissingSettings) as missing:
        Settings.read({})
    assert all(name in str(missing.value) for name in WHOLE)
    assert str(missing.value).count(";") == len(WHOLE) - 1


@pytest.mark.parametrize("name", WHOLE)
def test_one_that_is_missing_or_empty_is_named_alone(name: str) -> None:
    without = {other: value for other, value in WHOLE.items() if other != name}
    for environment in (without, WHOLE | {name: ""}):
        with pytest.raises(MissingSettings) as missing:
            Settings.read(environment)
        assert str(missing.value).startswith(f"{name} ")
        assert ";" not in str(missing.value)


@pytest.mark.parametrize(("raw", "read"), [("true", True), ("false", False)])
def test_a_flag_is_true_or_false(raw: str, *, read: bool) -> None:
    assert Settings.read(WHOLE | {"LIVEMODE": raw}).livemode is read


@pytest.mark.parametrize("raw", ["True", "1", "yes", " true", "no", "FALSE"])
def test_and_nothing_that_could_be_taken_for_either(raw: str) -> None:
    with pytest.raises(MissingSettings, match=r"^LIVEMODE must be true or false$"):
        Settings.read(WHOLE | {"LIVEMODE": raw})


@pytest.mark.parametrize("raw", ["1", "64", "08"])
def test_lanes_are_one_to_sixty_four(raw: str) -> None:
    assert Settings.read(WHOLE | {"CREATOR_LANES": raw}).creator_lanes == int(raw)


@pytest.mark.parametrize("raw", ["0", "65", "-1", "+8", "8.0", "1e1", "\u0668", "eight", "9" * 5_000])
def test_no_other_number_of_lanes_is_read(raw: str) -> None:
    with pytest.raises(MissingSettings, match=r"^CREATOR_LANES "):
        Settings.read(WHOLE | {"CREATOR_LANES": raw})


def test_variables_of_others_are_left_alone() -> None:
    assert Settings.read(WHOLE | {"PATH": "/bin"}) == Settings.read(WHOLE)


def test_the_environment_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    assert Settings.read() == Settings.read(WHOLE)


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings.read(WHOLE).livemode = True  # type: ignore[misc]  # that is the point
