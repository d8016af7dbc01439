// Custom elements that put Coinpurse on any site: <coin-shop>, <coin-button>, <coin-balance> and <gift-panel>. They need no
// build, no dependency, no inline style and no eval, so a strict Content-Security-Policy may stay as it is. What they take,
// send and can be styled by is declared in coinpurse.d.ts. Nothing here credits coins.
//
// The modules of this folder are served as one file, /assets/coinpurse.js.

import { uuid7 } from "./client.js";
import { CoinElement, configure, connected } from "./element.js";
import { GiftPanel } from "./gifts.js";
import { CoinBalance, CoinButton, CoinShop } from "./shop.js";
import { locales } from "./words.js";

export { CoinBalance, CoinButton, CoinElement, CoinShop, GiftPanel, configure, locales, uuid7 };

// A page that comes back from the browser's cache shows its buttons as they were when the fan left.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const element of connected) element.restart();
});

const ELEMENTS = {
  "coin-balance": CoinBalance,
  "coin-shop": CoinShop,
  "coin-button": CoinButton,
  "gift-panel": GiftPanel,
};
for (const [name, element] of Object.entries(ELEMENTS))
  if (!customElements.get(name)) customElements.define(name, element);
