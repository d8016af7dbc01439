"""What fans write: cleaned before it is kept, counted as an economy counts, and passed on as raw text."""

import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 400
"""The longest message of any economy we know of; characters are Unicode's code points."""
MAX_NAME_CHARACTERS: Final = 40
MAX_NAME_BYTES: Final = 48
MAX_BYTES: Final = 4 * MAX_CHARACTERS + MAX_NAME_BYTES
"""Of a message and its sender's name, in UTF-8, where no character takes more than four."""

_BIDI_CONTROLS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SPACED: Final = frozenset("\t\n\v\f\r\x85\u2028\u2029")
"""Ends of lines and tabs: what stood apart stays apart."""
_INVISIBLE: Final = frozenset("\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\ufff9\ufffa\ufffb\U000e0001")
"""What nobody sees and nothing needs. Joiners stay, and the tags that spell flags."""
_UNSEEN_CATEGORIES: Final = frozenset({"Cf", "Mn", "Me", "Zs"})
_UNFIT_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co"})
"""Controls, halves of characters, private ones. Not the unassigned: this year's emoji are among them."""
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_JOINER: Final = "\u200d"
_EMOJI: Final = (range(0x1F300, 0x1FB00), range(0x2600, 0x27C0), range(0x2B00, 0x2C00), range(0x1F1E6, 0x1F200))
"""Blocks of pictographs. Source: unicode.org/reports/tr51, emoji-data.txt, where `Extended_Pictographic` lies."""


def cleaned(text: str) -> str:
    """The text without what would break a chat: controls, overrides of the writing direction, noncharacters.

    Ends of lines become spaces, and none are left at either end. What nobody would see is nothing. Cleaning what is
    clean changes nothing.
    """
    kept = (" " if char in _SPACED else char for char in text)
    clean = "".join(char for char in kept if not _is_unfit(char)).strip()
    return clean if any(unicodedata.category(char) not in _UNSEEN_CATEGORIES for char in clean) else ""


def count_emoji(text: str) -> int:
    """How many emoji a reader sees: a family held together by joiners, a flag or a skin tone is one."""
    total, is_joined, half_flag = 0, False, False
    for char in text:
        is_flag = 0x1F1E6 <= ord(char) < 0x1F200
        if any(ord(char) in block for block in _EMOJI) and ord(char) not in _SKIN_TONES:
            total += not (is_joined or (is_flag and half_flag))
        half_flag = is_flag and not half_flag
        is_joined = char == _JOINER
    return total


def _is_unfit(char: str) -> bool:
    is_noncharacter = ord(char) & 0xFFFE == 0xFFFE  # queues refuse U+FFFE and U+FFFF
    return is_noncharacter or char in _BIDI_CONTROLS | _INVISIBLE or unicodedata.category(char) in _UNFIT_CATEGORIES
