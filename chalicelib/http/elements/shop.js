// <coin-balance>, <coin-shop> and <coin-button>.

import { CoinElement, h, quote, settled, whole } from "./element.js";

export class CoinBalance extends CoinElement {
  needsWallet = true;

  async load() {
    this.line = h("span", { part: "balance", role: "status" });
    return [this.line];
  }

  showWallet() {
    this.showBalance(this.line);
  }
}

export class CoinShop extends CoinElement {
  async load() {
    const { bundles, custom } = await this.bundles();
    return [
      h("ul", { part: "bundles" }, ...bundles.map((bundle) => h("li", {}, this.card(bundle)))),
      custom && bundles.length ? this.amount(custom, bundles[0].price.currency) : null,
      this.makeStatus(),
    ];
  }

  card(bundle) {
    const { words } = this;
    const coins = words.coins(bundle.coins);
    const price = words.money(bundle.price);
    const badge = (name, n) =>
      n > 0 ? h("span", { part: "badge" }, words.say(name, { n: words.number(n) })) : null;
    const button = h(
      "button",
      {
        type: "button",
        part: bundle.featured ? "bundle featured" : "bundle",
        "aria-label": words.say("buy", { coins, price }),
        onclick: () => this.purchase(button, { bundle_id: bundle.bundle_id, currency: bundle.price.currency }),
      },
      bundle.featured ? h("span", { part: "ribbon" }, words.popular) : null,
      this.picture(bundle.image ?? this.unit.image, 56),
      h("span", { part: "coins" }, coins),
      h(
        "span",
        { class: "badges" },
        badge("bonus", bundle.bonus_coins),
        badge("save", bundle.discount_percent),
        bundle.discount_percent ? null : badge("below", bundle.web_saving_percent),
      ),
      h("span", { part: "price" }, price),
    );
    return button;
  }

  amount({ min_coins: low, max_coins: high }, currency) {
    const { words } = this;
    const input = h("input", {
      type: "number",
      inputmode: "numeric",
      min: low,
      max: high,
      part: "input",
      placeholder: words.number(low),
    });
    const button = h("button", { type: "submit", part: "button", disabled: true }, words.order);
    const isOutside = () => input.validity.rangeOverflow || input.validity.rangeUnderflow;
    let offer = null;
    const price = settled(async () => {
      const wanted = whole(input.value);
      const found = await quote(this.client, wanted, currency).catch(() => null);
      if (!found || whole(input.value) !== wanted || isOutside()) return;
      offer = found;
      button.textContent = words.say("get", { coins: words.coins(found.coins), price: words.money(found.price) });
      button.disabled = false;
    });
    input.addEventListener("input", () => {
      offer = null;
      button.disabled = true;
      button.textContent = words.order;
      hint.classList.toggle("over", isOutside());
      if (whole(input.value) && !isOutside()) price();
    });
    const hint = h("small", { part: "hint" }, words.say("range", { low: words.number(low), high: words.coins(high) }));
    const submit = (event) => {
      event.preventDefault();
      if (offer) this.purchase(button, offer.wish);
    };
    return h(
      "form",
      { part: "custom", novalidate: true, onsubmit: submit },
      h("label", { part: "label" }, words.other, input, hint),
      button,
    );
  }
}

export class CoinButton extends CoinElement {
  async load() {
    const { client, words } = this;
    const currency = this.setting("currency");
    const many = whole(this.getAttribute("quantity") ?? "1");
    let coins = whole(this.getAttribute("coins") ?? "0");
    let offer = null;
    if (!coins) {
      const { bundles } = await this.bundles();
      const bundle = bundles.find((each) => each.bundle_id === this.getAttribute("bundle"));
      if (!bundle) throw { status: 422, body: { code: "unknown_bundle" } };
      offer = { ...bundle, wish: { bundle_id: bundle.bundle_id, currency: bundle.price.currency } };
      if (many > 1) coins = bundle.coins * many;
    }
    if (coins) offer = await quote(client, coins, currency);
    const values = { coins: words.coins(offer.coins), price: words.money(offer.price) };
    const button = h(
      "button",
      { type: "button", part: "button", onclick: () => this.purchase(button, offer.wish) },
      this.picture(this.unit.image, 20),
      h("span", {}, words.say("buy", values)),
    );
    return [button, this.makeStatus()];
  }
}
