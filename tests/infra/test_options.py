"""Options of `make up`: complete and valid, or rejected in one sentence before anything starts."""

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local import loopback, token_issuer
from infra.local.facts import StackFacts
from infra.local.options import STRIPE_URL, Issuer, OptionError, Options, StripeAccount, read_options
from infra.local.processes import ROOT
from infra.local.up import differences, keys_failure

CATALOGUES = ROOT / "chalicelib" / "catalogues"
STRIPE = {"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
ISSUER = {"TOKEN_ISSUER": "https://id.example/", "TOKEN_AUDIENCE": "shop", "JWKS_URL": "https://id.example/keys"}
ORIGINS = "http://localhost:3000, https://live.example"
FACTS = StackFacts(
    shop_url="",
    api_url="",
    stripe_api_url="http://127.0.0.1:1",
    stripe_webhook_secret="whsec_own",
    issuer_url="http://127.0.0.1:2",
    aws_endpoint_url="",
    aws_region="",
    table_name="",
    topic_arn="",
)


def own_file(folder: Path, name: str = "ours.json") -> Path:
    path = folder / name
    path.write_bytes((CATALOGUES / "default.json").read_bytes())
    return path


def test_read_options_without_any_is_the_default() -> None:
    assert read_options({"CATALOGUE": "", "HOME": "/"}) == Options()


def test_read_options_with_all_of_them_keeps_each(tmp_path: Path) -> None:
    file = own_file(tmp_path)

    options = read_options({**STRIPE, **ISSUER, "CATALOGUE": str(file), "RETURN_ORIGINS": ORIGINS, "WORKERS": "2"})

    assert options == Options(
        workers=2,
        catalogue="ours",
        catalogue_file=file.resolve(),
        stripe=StripeAccount(api_key="sk_test_1", webhook_secret="whsec_1", api_url=STRIPE_URL),
        issuer=Issuer(url="https://id.example/", audience="shop", jwks_url="https://id.example/keys"),
        return_origins=("http://localhost:3000", "https://live.example"),
        given=frozenset({*STRIPE, *ISSUER, "CATALOGUE", "RETURN_ORIGINS", "WORKERS"}),
    )


@pytest.mark.parametrize("text", ["youtube_like", "chalicelib/catalogues/youtube_like.json"])
def test_read_options_with_a_shipped_catalogue_has_no_file(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    options = read_options({"CATALOGUE": text})
    assert (options.catalogue, options.catalogue_file) == ("youtube_like", None)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"CATALOGUE": "nowhere"}, "CATALOGUE=nowhere is neither a file nor one of default, instagram_like"),
        ({"CATALOGUE": "/nowhere/ours.json"}, "is neither a file nor one of"),
        ({"CATALOGUE": "reference_rates"}, r"CATALOGUE cannot be used: .*reference_rates\.json:1: "),
        ({"WORKERS": "0"}, "WORKERS=0 must be a whole number from 1 to 8"),
        ({"WORKERS": "many"}, "WORKERS=many must be"),
        ({"STRIPE_API_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}, "is a live key, which moves real money"),
        ({"STRIPE_API_KEY": "rk_live_1"}, "is a live key"),
        ({"STRIPE_API_KEY": "pk_test_1"}, "must be a secret or restricted test key"),
        ({"STRIPE_API_KEY": "sk_test_1"}, "needs STRIPE_WEBHOOK_SECRET=whsec_.*stripe listen --print-secret"),
        ({**STRIPE, "STRIPE_WEBHOOK_SECRET": "secret"}, "STRIPE_WEBHOOK_SECRET must begin with whsec_"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_1"}, "STRIPE_WEBHOOK_SECRET needs STRIPE_API_KEY"),
        ({"STRIPE_API_URL": "http://127.0.0.1:1"}, "STRIPE_API_URL needs STRIPE_API_KEY"),
        ({**STRIPE, "STRIPE_API_URL": "stripe"}, "STRIPE_API_URL=stripe must be an address"),
        ({"TOKEN_ISSUER": "x"}, "given together or not at all; missing: TOKEN_AUDIENCE, JWKS_URL"),
        ({**ISSUER, "JWKS_URL": "keys.json"}, "JWKS_URL=keys.json must be an address"),
        ({"RETURN_ORIGINS": "http://localhost:3000/"}, "RETURN_ORIGINS=http://localhost:3000/ must be an origin"),
        ({"RETURN_ORIGINS": "https://live.example,*"}, r"RETURN_ORIGINS=\* must be an origin"),
        ({"MAKEFLAGS": "s -- CATALOG=x"}, "CATALOG is not an option of make up; its options are CATALOGUE"),
        ({"MAKEFLAGS": " -- STRIPE_KEY=sk_test_1"}, "STRIPE_KEY is not an option of make up"),
        ({"MAKEFLAGS": "-- PORT=1 WORKER=2"}, "^PORT, WORKER are not options of make up; .*, COINPURSE_ISSUER_PORT.$"),
    ],
)
def test_read_options_with_invalid_value_names_it_in_one_sentence(environment: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message) as refused:
        read_options(environment)
    assert str(refused.value).count("\n") == 0
    assert "_1" not in str(refused.value)


def test_read_options_names_every_invalid_value() -> None:
    with pytest.raises(OptionError) as refused:
        read_options({"WORKERS": "0", "CATALOGUE": "nowhere", "RETURN_ORIGINS": "*"})
    assert [line.partition("=")[0] for line in str(refused.value).splitlines()] == [
        *("CATALOGUE", "WORKERS", "RETURN_ORIGINS"),
    ]


@pytest.mark.parametrize(
    "flags", ["", "s", "-- CATALOGUE=default WORKERS=2", " -j2 -- PYTHON=python3.13 COINPURSE_SHOP_PORT=1"]
)
def test_read_options_accepts_the_command_lines_of_make(flags: str) -> None:
    assert read_options({"MAKEFLAGS": flags}) == Options()


@pytest.mark.parametrize("name", ["Our coins.json", "default.json"])
def test_read_options_with_a_file_that_cannot_be_deployed_asks_for_another_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="must have another file name"):
        read_options({"CATALOGUE": str(own_file(tmp_path, name))})


def test_read_options_with_a_bad_catalogue_names_the_line(tmp_path: Path) -> None:
    file = own_file(tmp_path)
    file.write_text(re.sub(r'"coins": \d+', '"coins": 0', file.read_text("utf-8"), count=1), "utf-8")
    with pytest.raises(OptionError, match=r"ours\.json:\d+: "):
        read_options({"CATALOGUE": str(file)})


def test_options_repr_hides_secrets() -> None:
    assert "_1" not in repr(read_options(STRIPE))


def test_differences_are_those_of_given_options(tmp_path: Path) -> None:
    file = own_file(tmp_path).resolve()
    other = read_options({**STRIPE, **ISSUER, "CATALOGUE": str(file)})
    assert list(differences(read_options({}), FACTS)) == []
    assert list(differences(read_options({"CATALOGUE": "default"}), FACTS)) == []
    assert list(differences(read_options({}), replace(FACTS, catalogue="ours", catalogue_file=str(file)))) == []
    assert list(differences(other, FACTS)) == ["CATALOGUE", "STRIPE_API_KEY", "TOKEN_ISSUER"]


def test_differences_name_return_origins_that_the_stack_does_not_have() -> None:
    options, allowed = read_options({"RETURN_ORIGINS": ORIGINS}), ORIGINS.replace(" ", "")
    assert list(differences(options, FACTS)) == ["RETURN_ORIGINS"]
    assert list(differences(options, replace(FACTS, return_origins=f"http://127.0.0.1:1,{allowed}"))) == []


def test_up_with_invalid_option_starts_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    command = [sys.executable, "-m", "infra.local.up", "--dir", str(directory)]
    done = subprocess.run(
        command, cwd=ROOT, env={"WORKERS": "99"}, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "WORKERS=99 must be a whole number from 1 to 8.\n")
    assert not directory.exists()


def test_make_up_refuses_an_unknown_variable_before_it_builds_an_environment(tmp_path: Path) -> None:
    for name in ("Makefile", "infra/local/variables.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    ast.parse((ROOT / "infra/local/variables.py").read_text(), feature_version=(3, 6))
    command = ["make", "up", "CATALOG=ours.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr.startswith("CATALOG is not an option of make up; its options are CATALOGUE, ")
    assert done.returncode
    assert not (tmp_path / ".venv").exists()


def test_keys_failure_names_why_an_issuer_sends_no_keys() -> None:
    with loopback.running(token_issuer.create_app) as url:
        assert keys_failure(f"{url}/.well-known/jwks.json") is None
        assert keys_failure(f"{url}/jwks.json") == "HTTP 404 from JWKS"
    assert keys_failure("http://127.0.0.1:1/keys") == "ConnectionRefusedError from JWKS"
