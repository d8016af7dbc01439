"""The Markdown files are short where they must be, and their links and commands work."""

import pytest

from tests.house import language
from tests.house.documents import broken_links, documents, shell_blocks, unknown_commands

MAX_README_BYTES = 8_000
DOCUMENTS = documents()


def test_readme_is_short() -> None:
    assert len(DOCUMENTS["README.md"].encode()) <= MAX_README_BYTES


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_resolve(path: str) -> None:
    assert broken_links(path, DOCUMENTS[path]) == []


def test_documents_are_linked_from_the_readme() -> None:
    assert [path for path in DOCUMENTS if path != "README.md" and f"]({path})" not in DOCUMENTS["README.md"]] == []


@pytest.mark.parametrize("path", DOCUMENTS)
def test_commands_exist(path: str) -> None:
    assert list(unknown_commands(DOCUMENTS[path])) == []


def test_shell_blocks_can_be_pasted() -> None:
    blocks = [
        (path, line) for path, text in DOCUMENTS.items() for block in shell_blocks(text) for line in block.split("\n")
    ]
    assert blocks
    # A prompt is no command, and an interactive zsh takes a comment for one.
    assert [(path, line) for path, line in blocks if line.lstrip().startswith(("$ ", "#"))] == []


@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_have_no_literary_turns(path: str) -> None:
    texts = language.prose_of(path, DOCUMENTS[path])
    assert [f"{hit.path}:{hit.line}: {hit.phrase}" for hit in language.turns_in(texts)] == []


@pytest.mark.parametrize(
    "link", ["missing.md", "infra", "#no-heading", "infra/README.md#no-heading", "chalicelib/http/README.md#route"]
)
def test_broken_link_is_found(link: str) -> None:
    path = "README.md"
    expected = [] if link == "infra" else [link]
    assert broken_links(path, f"# A heading\n\n[text]({link})") == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Run `make nonsense`.", "make nonsense"),
        ("```sh\nmake nonsense STAGE=test\n```", "make nonsense"),
        ("Run `python -m infra.nonsense --stage prod`.", "python -m infra.nonsense"),
        ("```sh\nnonsense | grep x\n```", "nonsense"),
        ("```sh\ncurl() { echo; }\n```", "curl hides a program"),
    ],
)
def test_unknown_command_is_found(text: str, found: str) -> None:
    assert found in list(unknown_commands(text))


@pytest.mark.parametrize(
    "text",
    [
        "Run `make check`, then `python -m infra.operations.redrive`. Tests make a mess.",
        "```sh\nread_it() { curl -s $1; }\nX=$(read_it a)\nread_it b | grep c\n```",
        "```text\nnonsense\n```",
    ],
)
def test_commands_that_exist_pass(text: str) -> None:
    assert list(unknown_commands(text)) == []
