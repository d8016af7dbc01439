import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.messages import cleaned, count_emoji
from tests.properties.profile import STEADY

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
FAMILY = "👩\u200d👩\u200d👧"


@pytest.mark.parametrize("char", ["\t", "\n", "\v", "\f", "\r", "\x85", "\u2028", "\u2029"], ids=ascii)
def test_cleaned_replaces_line_breaks_by_a_space(char: str) -> None:
    assert cleaned(f"a{char}b") == "a b"


@pytest.mark.parametrize(
    "char",
    [
        *("\0", "\x1b", "\x7f", "\x9f", "\ud800", "\udfff", "\ue000", "\U000f0000"),
        *("\ufffe", "\uffff", "\U0001fffe", "\U0010ffff"),
        *("\u00ad", "\u200b", "\u2060", "\ufeff", "\U000e0001"),
        *BIDI_CONTROLS,
    ],
    ids=ascii,
)
def test_cleaned_removes_control_characters(char: str) -> None:
    assert cleaned(f"a{char}b{char}") == "ab"


@pytest.mark.parametrize(
    "text", ["", "hi", "e\u0301", FAMILY, "מזל טוב", "<b>&amp;", "a\u00a0b", "\U0001fae8"], ids=ascii
)
def test_cleaned_keeps_clean_texts(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize("text", ["\u200d", "\u0301", " \u200c\u200d ", "\ufe0f", "\U000e0067\U000e007f"], ids=ascii)
def test_cleaned_of_invisible_characters_is_empty(text: str) -> None:
    assert cleaned(text) == ""


def test_cleaned_strips_both_ends() -> None:
    assert cleaned(" \n hi \u202e ") == "hi"


@STEADY
@given(st.text(st.characters()))
def test_cleaned_is_idempotent(text: str) -> None:
    assert cleaned(cleaned(text)) == cleaned(text)
    cleaned(text).encode()


@pytest.mark.parametrize(
    ("text", "emoji"),
    [
        ("", 0),
        ("no emoji: 1 # * © é 漢", 0),
        ("🎉", 1),
        ("a🎉b🎁", 2),
        (FAMILY, 1),
        (f"{FAMILY}{FAMILY}", 2),
        ("👍🏽", 1),
        ("❤\ufe0f", 1),
        ("🇩🇪", 1),
        ("🇩🇪🇫🇷", 2),
        ("🇩", 1),
        ("⭐☀", 2),
        ("\u200d".join("😀" * 5), 2),
        ("\u200d😀", 1),
        ("😀a\u200d😀", 2),
        ("👩🏽\u200d❤\ufe0f\u200d👨🏽", 1),
        ("⌚⏰⏩🀄🃏", 5),
        ("▶\ufe0f🅰\ufe0f", 2),
        ("▶ ↔ ™", 0),
        ("1\ufe0f\u20e3#\u20e3", 2),
        ("🏽🏽🏽", 3),
        ("👍🏽🏽", 2),
        ("\ufe0f", 0),
    ],
    ids=ascii,
)
def test_count_emoji_counts_visible_emoji(text: str, emoji: int) -> None:
    assert count_emoji(text) == emoji
