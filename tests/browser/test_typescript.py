"""TypeScript: types made of the OpenAPI document by the command of the README, and declarations of the elements."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

from chalicelib.http.pages import elements
from infra.local import npm
from infra.local.processes import ROOT
from tests.browser.chromium import refuse
from tests.browser.site import Site, placed

PACKAGES: Final = ("openapi-typescript@7.13.0", "typescript@5.9.3")
_CACHE: Final = ROOT / ".local" / "cache" / "typescript"

PROGRAM: Final = """
import type { components, paths } from "./api.ts";
import { type Checkout, type Gift, type GiftPanel, type Problem, configure, uuid7 } from "./coinpurse.ts";

type Schemas = components["schemas"];
type Body<Path extends "/v1/checkout-sessions" | "/v1/gifts"> =
  paths[Path]["post"]["requestBody"]["content"]["application/json"];

export const orders: Body<"/v1/checkout-sessions">[] = [{ bundle_id: "coins_70" }, { coins: 85, currency: "eur" }];
export const gifts: Body<"/v1/gifts">[] = [
  { creator_id: "cleo", item_id: "rose" },
  { creator_id: "cleo", kind: "cheer", coins: 5, message: "bravo" },
];
// @ts-expect-error: a gift names its creator
export const nameless: Body<"/v1/gifts"> = { item_id: "rose" };
// @ts-expect-error: no such currency
export const unsold: Body<"/v1/checkout-sessions"> = { coins: 85, currency: "xyz" };

export const received: (answer: Schemas["GiftResponse"]) => Gift = (answer) => answer;
export const opened: (answer: Schemas["CheckoutResponse"]) => Checkout = (answer) => answer;
export const asked: (query: paths["/v1/top-up"]["get"]["parameters"]["query"]) => number = (query) => query.for;

configure({ token: async () => uuid7() });
document.addEventListener("coinpurse:gift-sent", ({ detail }) => detail.coins.toFixed());
export const refused = (panel: GiftPanel, show: (problem: Problem) => void): void =>
  panel.addEventListener("coinpurse:error", ({ detail }) => show(detail));
"""
OPTIONS: Final = (
    "--noEmit --strict --noUncheckedIndexedAccess --skipLibCheck --allowImportingTsExtensions "
    "--module esnext --moduleResolution bundler --target es2022 --lib es2022,dom"
)


def run(module: str, *arguments: str, folder: Path) -> None:
    command = ["node", str(_CACHE / "node_modules" / module), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_document_and_declarations_compile_and_agree(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        refuse("Node is not installed")
    if reason := npm.install(PACKAGES, _CACHE):
        refuse(reason)
    [command] = re.findall(r"`npx (openapi-typescript .+)`", (ROOT / "chalicelib/http/README.md").read_text())
    with placed(Site()) as site:
        (tmp_path / "openapi.json").write_text(site.api.get("/v1/openapi.json", fan=None).text)
    # Compiled as modules: skipLibCheck, without which the browser's types are checked for seconds, skips declarations.
    (tmp_path / "coinpurse.ts").write_text((elements.FOLDER / "coinpurse.d.ts").read_text())
    (tmp_path / "program.ts").write_text(PROGRAM)

    filled = command.replace("<api_url>/v1/openapi.json", "openapi.json").replace("api.d.ts", "api.ts")
    run("openapi-typescript/bin/cli.js", *shlex.split(filled)[1:], folder=tmp_path)
    run("typescript/bin/tsc", *OPTIONS.split(), "program.ts", folder=tmp_path)
