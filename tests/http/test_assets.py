"""Assets: files of the pages, the custom elements, and pictures of the catalogues."""

import gzip
import json
import re
from pathlib import Path

import pytest

from chalicelib import errors
from chalicelib.errors import NotFound
from chalicelib.http import pages
from chalicelib.http.pages import elements

MAX_COMPRESSED_BYTES = 15_000
SOURCES = {path.name: path.read_text() for path in elements.FOLDER.glob("*.js")}
LOCALES = sorted((elements.FOLDER / "locales").glob("*.json"))
_PLACEHOLDER = re.compile(r"\{\w+\}")


def english() -> dict[str, str]:
    """Return the English texts, which the module itself has."""
    table = SOURCES["words.js"].partition("  en: {")[2].partition("\n  },")[0]
    return dict(re.findall(r'(\w+): "([^"]*)"', re.sub(r"coin: \{.*?\},", "", table)))


def test_picture_opened_as_a_page_runs_no_script() -> None:
    text, headers = pages.asset("rocket_animation.svg")
    assert text.startswith("<svg")
    assert headers["Content-Type"] == "image/svg+xml"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Content-Security-Policy"].endswith("sandbox")


@pytest.mark.parametrize(
    "name", ["", "shop.html", "__init__.py", "../errors.py", "..%2ferrors.py", "/etc/passwd", "COIN.SVG", "tulip.svg"]
)
def test_asset_with_another_name_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        pages.asset(name)


# ---- the custom elements ---------------------------------------------------------------------------------------------


def test_elements_are_one_small_module_without_imports() -> None:
    text, headers = pages.asset("coinpurse.js")
    assert len(gzip.compress(text.encode(), 9)) < MAX_COMPRESSED_BYTES
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert len(re.findall(r"^export ", text, re.MULTILINE)) == 1


def test_elements_are_joined_from_every_module_in_an_order_that_runs() -> None:
    assert {f"{name}.js" for name in elements.MODULES} == set(SOURCES)
    for place, name in enumerate(elements.MODULES):
        extended = re.findall(r"extends (\w+)", SOURCES[f"{name}.js"])
        earlier = "".join(SOURCES[f"{each}.js"] for each in elements.MODULES[: place + 1])
        assert [
            base for base in extended if not re.search(rf"class {base}\b|\b(HTMLElement|EventTarget)\b", earlier)
        ] == []


def test_modules_declare_each_name_once() -> None:
    names = re.findall(
        r"^(?:export )?(?:async )?(?:const|let|class|function) (\w+)", "".join(SOURCES.values()), re.MULTILINE
    )
    assert sorted(names) == sorted(set(names))


def test_joined_elements_lose_comments_only() -> None:
    assert "//" not in re.sub(r"https?://", "", elements.script())
    assert "/**" not in elements.script()
    assert all(not re.search(r"\S[ \t]*//", re.sub(r"https?:/?", "", source)) for source in SOURCES.values())


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_elements_never_parse_text_as_html_or_code(name: str) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\.cssText|\"style\""
    assert not re.search(forbidden, SOURCES[name])


@pytest.mark.parametrize("error", [errors.WalletFrozen, errors.SelfExcluded, errors.BudgetReached, errors.SelfGift,
                                   errors.PaymentUnavailable, errors.TooManyOpen])  # fmt: skip
def test_elements_have_a_text_for_a_refusal_that_the_fan_can_understand(error: type[errors.Refusal]) -> None:
    assert error.code in english()


@pytest.mark.parametrize("path", LOCALES, ids=lambda path: path.stem)
def test_locale_has_every_text_with_its_placeholders(path: Path) -> None:
    text, headers = pages.asset(f"coinpurse.{path.stem}.json")
    assert headers["Content-Type"] == "application/json"
    texts = json.loads(text)
    assert "other" in texts.pop("coin")
    assert texts.keys() == english().keys()
    differing = [name for name, words in english().items() if placeholders(words) != placeholders(texts[name])]
    assert differing == []


def placeholders(text: str) -> list[str]:
    return sorted(_PLACEHOLDER.findall(text))


def test_every_shipped_locale_is_known_to_the_module() -> None:
    [listed] = re.findall(r"SHIPPED = \[(.*)\]", SOURCES["words.js"])
    assert sorted(re.findall(r'"([^"]+)"', listed)) == [path.stem for path in LOCALES]


def test_declarations_list_every_part_property_event_and_export() -> None:
    declared, _ = pages.asset("coinpurse.d.ts")
    script = "".join(SOURCES.values())
    parts = {part for parts in re.findall(r'part: "([^"]+)"', script) for part in parts.split()}
    assert [part for part in sorted(parts) if f"`{part}`" not in declared] == ["root"]
    assert set(re.findall(r"--coinpurse-[a-z-]+", script)) == set(re.findall(r"--coinpurse-[a-z-]+", declared))
    events = {f"coinpurse:{name}" for name in re.findall(r'\.emit\("([a-z-]+)"', script)} | {"coinpurse:purchase"}
    assert set(re.findall(r'"(coinpurse:[a-z-]+)":', declared)) == events
    [exported] = re.findall(r"^export \{ (.*) \};", SOURCES["coinpurse.js"], re.MULTILINE)
    assert set(exported.split(", ")) == set(
        re.findall(r"^export declare (?:class|const|function) (\w+)", declared, re.MULTILINE)
    )
