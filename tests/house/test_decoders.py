"""The adapters that threads share build the descriptions of their msgspec types at import."""

import re

import pytest

from tests.house.source import python_files

IN_THREADS = ("chalicelib/adapters/stripe/", "chalicelib/adapters/dynamodb/", "chalicelib/usecases/")
ELSEWHERE = {"chalicelib/adapters/dynamodb/stream_records.py"}
"""Decodes in the function's one thread, before the relay starts others."""


def undescribed(source: str) -> set[str]:
    used = re.findall(r"msgspec\.json\.decode\(.+?, type=(\w+)\)|msgspec\.convert\(\w+, (\w+)\)", source)
    described = re.findall(r"Decoder\((?:each\) for each in \()?([\w, \n]+)\)", source)
    return {name for pair in used for name in pair if name} - {*re.findall(r"\w+", " ".join(described))}


def test_types_that_threads_decode_are_described_at_import() -> None:
    sources = {path: source for path, source in python_files("chalicelib").items() if path.startswith(IN_THREADS)}
    assert undescribed("\n".join(source for path, source in sources.items() if path not in ELSEWHERE)) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("event = msgspec.json.decode(payload, type=_Event)", {"_Event"}),
        ("refund = msgspec.convert(values, _Refund)", {"_Refund"}),
        ("D = [msgspec.json.Decoder(each) for each in (_A, _B)]\nmsgspec.convert(values, _B)", set()),
        ("D = [msgspec.json.Decoder(_A)]\nmsgspec.json.decode(text, type=_A)", set()),
        ("D = [msgspec.json.Decoder(_A)]\nmsgspec.json.decode(text, type=_B)", {"_B"}),
    ],
)
def test_undescribed_finds_the_types(source: str, found: set[str]) -> None:
    assert undescribed(source) == found
