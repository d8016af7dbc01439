"""Cleaning and measuring of fans' messages. They are stored and published as plain, unescaped text."""

import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 400
"""The longest message of any economy, in Unicode code points."""
MAX_NAME_CHARACTERS: Final = 40
MAX_NAME_BYTES: Final = 48
MAX_BYTES: Final = 4 * MAX_CHARACTERS + MAX_NAME_BYTES
"""Limit of a message and its sender's name in UTF-8, at up to four bytes a character."""

_BIDI_CONTROLS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SPACED: Final = frozenset("\t\n\v\f\r\x85\u2028\u2029")
"""Line ends and tabs, which become spaces."""
_INVISIBLE: Final = frozenset("\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\ufff9\ufffa\ufffb\U000e0001")
"""Invisible characters to remove. Joiners and the tags of flags are not among them: emoji need them."""
_UNSEEN_CATEGORIES: Final = frozenset({"Cf", "Mn", "Me", "Zs"})
_UNFIT_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co"})
"""Controls, surrogates and private use. Unassigned code points stay: new emoji are among them."""
_DRAWN_CATEGORIES: Final = frozenset({"Sm", "So", "Pd"})
"""Categories of characters that a variation selector can turn into an emoji."""
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
_JOINER: Final = "\u200d"
_AS_EMOJI: Final = "\ufe0f"
_KEYCAP: Final = "\u20e3"
_MOST_JOINED: Final = 4
"""Maximum number of pictographs in one emoji with zero-width joiners, such as a family of four."""
_PICTOGRAPHS: Final = (
    *(range(0x1F300, 0x1FB00), range(0x2600, 0x27C0), range(0x2B00, 0x2C00), _FLAG_LETTERS),
    *(range(0x231A, 0x231C), range(0x23E9, 0x23F4), range(0x25FD, 0x25FF)),
    *(range(0x1F004, 0x1F005), range(0x1F0CF, 0x1F0D0), range(0x1F18E, 0x1F18F)),
    *(range(0x1F191, 0x1F19B), range(0x1F201, 0x1F252)),
)
"""Characters shown as emoji without a variation selector. Source: unicode.org/reports/tr51, emoji-data.txt: whole
blocks of `Extended_Pictographic`, and `Emoji_Presentation` elsewhere."""


def cleaned(text: str) -> str:
    """Remove characters that break a chat: controls, overrides of the writing direction, noncharacters.

    Line ends become spaces, and the result is stripped. Text without a visible character becomes empty. Idempotent.
    """
    kept = (" " if char in _SPACED else char for char in text)
    clean = "".join(char for char in kept if not _is_unfit(char)).strip()
    return clean if any(unicodedata.category(char) not in _UNSEEN_CATEGORIES for char in clean) else ""


def count_emoji(text: str) -> int:
    """Count emoji as shown: a joined sequence, a flag, or an emoji with a skin tone is one."""
    total, joined, half_flag, before = 0, 0, False, ""
    for char in text:
        is_flag = ord(char) in _FLAG_LETTERS
        if ord(char) in _SKIN_TONES:
            total += not _is_pictograph(before)
        elif _is_pictograph(char):
            joined = joined + 1 if before == _JOINER and joined < _MOST_JOINED else 1
            total += joined == 1 and not (is_flag and half_flag)
        elif char == _AS_EMOJI:
            total += before != "" and unicodedata.category(before) in _DRAWN_CATEGORIES and not _is_pictograph(before)
        else:
            total += char == _KEYCAP
            joined = joined if char == _JOINER else 0
        half_flag, before = is_flag and not half_flag, char
    return total


def _is_pictograph(char: str) -> bool:
    return char != "" and ord(char) not in _SKIN_TONES and any(ord(char) in block for block in _PICTOGRAPHS)


def _is_unfit(char: str) -> bool:
    is_noncharacter = ord(char) & 0xFFFE == 0xFFFE  # SQS rejects U+FFFE and U+FFFF
    return is_noncharacter or char in _BIDI_CONTROLS | _INVISIBLE or unicodedata.category(char) in _UNFIT_CATEGORIES
