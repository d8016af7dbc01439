// The form of <gift-panel>: it shows what the panel computes, and calls the panel for each choice.

import { h, whole } from "./element.js";

const USUAL_AMOUNTS = [1, 10, 100, 500, 1000, 5000];

const radio = (name, value, checked, onchange) =>
  h("input", { type: "radio", class: "unseen", name, value, checked, onchange });
const numberInput = (attributes) =>
  h("input", { type: "number", inputmode: "numeric", min: 1, part: "input", ...attributes });

/** Radio buttons that look like a row of tabs. */
function tabs(name, label, options, text, choose) {
  return h(
    "div",
    { part: "tabs", role: "radiogroup", "aria-label": label },
    ...options.map((option, place) =>
      h(
        "label",
        { part: "tab" },
        radio(name, option, place === 0, () => choose(option)),
        h("span", {}, text(option)),
      ),
    ),
  );
}

export class GiftForm {
  constructor(panel) {
    const { words, kinds } = panel;
    const oninput = () => panel.update();
    this.panel = panel;
    this.balance = h("span", { part: "balance" });
    this.grid = h("div", { part: "gifts", role: "radiogroup", "aria-label": words.gift });
    this.quantity = numberInput({
      max: panel.economy.gift?.max_quantity,
      value: 1,
      "aria-label": words.quantity,
      oninput,
    });
    this.amount = numberInput({ oninput });
    this.chips = h("div", { class: "chips" });
    this.tier = h("p", { part: "tier" });
    this.message = h("input", { type: "text", autocomplete: "off", enterkeyhint: "send", part: "input", oninput });
    this.left = h("small", { part: "hint" });
    this.anonymous = h("input", { type: "checkbox", part: "checkbox" });
    this.total = h("output", { part: "total" });
    this.button = h("button", { type: "submit", part: "button" }, words.send);
    this.lack = h("p", { part: "lack", role: "status", hidden: true });
    this.stage = h("div", { part: "stage", "aria-hidden": "true" });
    this.gifts = h("div", { class: "kind" }, this.#categories(), this.grid, this.#stepper());
    this.coins = h(
      "div",
      { class: "kind" },
      h("label", { part: "label" }, words.amount, this.amount),
      this.chips,
      this.tier,
    );
    this.texts = h("label", { part: "label" }, words.message, this.message, this.left);
    this.unnamed = h("label", { class: "check", part: "label" }, this.anonymous, words.anonymous);
    const choice =
      kinds.length > 1
        ? tabs(
            "kind",
            words.kind,
            kinds,
            (kind) => words[kind],
            (kind) => panel.chooseKind(kind),
          )
        : null;
    this.root = h(
      "form",
      { part: "panel", novalidate: true, onsubmit: (event) => panel.submit(event) },
      h("div", { class: "bar" }, choice, this.balance),
      this.gifts,
      this.coins,
      this.texts,
      this.unnamed,
      h("div", { class: "bar pay" }, this.total, this.button),
      this.lack,
      panel.makeStatus(),
      this.stage,
    );
  }

  #categories() {
    const { words, gifts } = this.panel;
    const names = [...new Set(gifts.map((gift) => gift.category).filter(Boolean))];
    if (names.length < 2) return null;
    return tabs(
      "category",
      words.gift,
      ["", ...names],
      (name) => name || words.all,
      (name) => this.showGifts(name),
    );
  }

  #stepper() {
    const { words, economy } = this.panel;
    const step = (by, label, sign) =>
      h(
        "button",
        { type: "button", part: "step", "aria-label": label, onclick: () => this.#step(by) },
        sign,
      );
    return h(
      "div",
      {
        part: "stepper",
        role: "group",
        "aria-label": words.quantity,
        hidden: !(economy.gift?.max_quantity > 1),
      },
      h("span", { class: "caption" }, words.quantity),
      step(-1, words.less, "−"),
      this.quantity,
      step(1, words.more, "+"),
    );
  }

  #step(by) {
    const { quantity } = this;
    quantity.value = Math.min(Math.max(whole(quantity.value) + by, 1), Number(quantity.max));
    this.panel.update();
  }

  /** Show the gifts of a category, all of them without one. */
  showGifts(category) {
    const { panel } = this;
    const shown = panel.gifts.filter((gift) => !category || gift.category === category);
    if (!shown.includes(panel.gift)) panel.gift = shown[0];
    this.grid.replaceChildren(...shown.map((gift) => this.#giftCard(gift)));
    panel.update();
  }

  #giftCard(gift) {
    const { panel } = this;
    const { words } = panel;
    const name = gift.featured ? "gift featured" : "gift";
    const choose = () => {
      panel.gift = gift;
      panel.update();
    };
    return h(
      "label",
      { part: name },
      radio("gift", gift.item_id, gift === panel.gift, choose),
      panel.picture(gift.image ?? panel.unit.image, 48),
      h("span", { class: "name", part: "gift-name" }, gift.name),
      h("span", { class: "cost", part: "gift-coins" }, words.coins(gift.coins)),
      gift.price ? h("span", { class: "worth", part: "gift-price" }, words.money(gift.price)) : null,
    );
  }

  /** Show the fields of a kind of giving. */
  showKind(kind) {
    const isGift = kind === "gift";
    this.gifts.hidden = !isGift;
    this.coins.hidden = isGift;
    for (const input of this.root.querySelectorAll("[name=kind]")) input.checked = input.value === kind;
    const rules = this.panel.economy[kind];
    this.unnamed.hidden = !rules.allows_anonymous;
    if (!isGift) this.#offerAmounts(rules, kind === "cheer" ? USUAL_AMOUNTS : rules.tiers.map((tier) => tier.min_coins));
  }

  #offerAmounts({ tiers, max_coins: high }, amounts) {
    const { panel, amount } = this;
    const low = tiers[0].min_coins;
    Object.assign(amount, { min: low, max: high });
    if (whole(amount.value) < low) amount.value = amounts.find((each) => each >= low);
    const chip = (each) => {
      const onclick = () => {
        amount.value = each;
        panel.update();
      };
      return h("button", { type: "button", part: "chip", onclick }, panel.words.number(each));
    };
    const offered = amounts.filter((each) => each >= low && each <= high).slice(0, 6);
    this.chips.replaceChildren(...offered.map(chip));
  }

  /** Show how much of the message is left, and hide its field where the amount allows none. */
  showLeft(left, isAllowed) {
    const { words } = this.panel;
    const text = this.message.value;
    this.texts.hidden = !isAllowed && !text;
    this.left.textContent = text ? words.say(left < 0 ? "tooLong" : "left", { n: words.number(Math.abs(left)) }) : "";
    this.left.classList.toggle("over", left < 0);
  }

  /** Show the tier of an amount, or the limits that it is outside of. */
  showTier(coins, tier, { tiers, max_coins: high }) {
    const { words } = this.panel;
    const isInRange = tier && coins <= high;
    this.tier.hidden = isInRange && !tier.color;
    this.tier.dataset.color = isInRange ? (tier.color ?? "") : "";
    this.tier.textContent = !isInRange
      ? words.say("range", { low: words.number(tiers[0].min_coins), high: words.coins(high) })
      : [words.coins(coins), tier.pin_seconds ? words.say("pinned", { time: words.duration(tier.pin_seconds) }) : ""]
          .filter(Boolean)
          .join(" · ");
  }

  /** Show the total. Returns the node for its worth in money. */
  showTotal(coins) {
    const { words } = this.panel;
    const worth = h("span", { class: "worth" });
    this.total.replaceChildren(h("span", { class: "caption" }, words.total), h("strong", {}, words.coins(coins)), worth);
    return worth;
  }

  /** Play a gift's animation once, with the count of its streak. */
  celebrate(gift, count, seconds) {
    const { panel } = this;
    const picture = panel.picture(gift?.animation ?? gift?.image ?? panel.unit.image, 96);
    const shown = h(
      "div",
      { class: "burst" },
      picture,
      count > 1 ? h("b", { part: "count" }, `×${panel.words.number(count)}`) : "",
    );
    this.stage.replaceChildren(shown);
    setTimeout(() => shown.remove(), Math.max(seconds, 3) * 1000);
  }
}
