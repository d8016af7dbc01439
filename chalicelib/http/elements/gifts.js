// <gift-panel>.

import { PREFIX, isOpen, memory, recall, remember, sleep } from "./client.js";
import { CoinElement, h, quote, whole } from "./element.js";

const KINDS = ["gift", "cheer", "super_chat"];
const USUAL_AMOUNTS = [1, 10, 100, 500, 1000, 5000];
const segments = (text) => [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
const isPicture = (segment) => /\p{Emoji_Presentation}|\uFE0F/u.test(segment);

export class GiftPanel extends CoinElement {
  needsWallet = true;
  #queue = [];
  #underWay = null;
  #streak = null;

  get creator() {
    return this.getAttribute("creator") ?? "";
  }

  async load() {
    const { client, economy } = this;
    const { bundles } = await this.bundles();
    this.currency = this.setting("currency") ?? bundles[0]?.price.currency ?? "";
    const priced = this.currency ? `?currency=${this.currency}` : "";
    this.gifts = economy.gift ? (await client.read(`v1/gift-catalogue${priced}`)).gifts : [];
    this.kinds = KINDS.filter((kind) => economy[kind]);
    this.kind = this.kinds[0];
    this.gift = this.gifts.find((gift) => gift.featured) ?? this.gifts[0];
    return this.#build();
  }

  #build() {
    const { words, kinds } = this;
    this.balance = h("span", { class: "balance", part: "balance" });
    this.grid = h("div", { class: "gifts", part: "gifts", role: "radiogroup", "aria-label": words.gift });
    this.quantity = h("input", {
      type: "number",
      inputmode: "numeric",
      min: 1,
      max: this.economy.gift?.max_quantity,
      value: 1,
      part: "input",
      "aria-label": words.quantity,
      oninput: () => this.update(),
    });
    this.amount = h("input", {
      type: "number",
      inputmode: "numeric",
      min: 1,
      part: "input",
      oninput: () => this.update(),
    });
    this.quick = h("div", { class: "chips" });
    this.tier = h("p", { class: "tier", part: "tier" });
    this.message = h("input", {
      type: "text",
      autocomplete: "off",
      enterkeyhint: "send",
      part: "input",
      oninput: () => this.update(),
    });
    this.left = h("small", { part: "hint" });
    this.anonymous = h("input", { type: "checkbox", part: "checkbox" });
    this.total = h("output", { class: "total", part: "total" });
    this.button = h("button", { type: "submit", class: "main", part: "button" }, words.send);
    this.lack = h("p", { class: "lack", part: "lack", role: "status", hidden: true });
    this.stage = h("div", { class: "stage", part: "stage", "aria-hidden": "true" });
    const step = (by, label, sign) =>
      h(
        "button",
        { type: "button", class: "step", part: "step", "aria-label": label, onclick: () => this.#step(by) },
        sign,
      );
    this.parts = {
      gift: h(
        "div",
        { class: "kind" },
        this.#categories(),
        this.grid,
        h(
          "div",
          {
            class: "stepper",
            part: "stepper",
            role: "group",
            "aria-label": words.quantity,
            hidden: !(this.economy.gift?.max_quantity > 1),
          },
          h("span", { class: "caption" }, words.quantity),
          step(-1, words.less, "−"),
          this.quantity,
          step(1, words.more, "+"),
        ),
      ),
      coins: h(
        "div",
        { class: "kind" },
        h("label", { part: "label" }, words.amount, this.amount),
        this.quick,
        this.tier,
      ),
    };
    this.texts = h("label", { part: "label" }, words.message, this.message, this.left);
    this.unnamed = h("label", { class: "check", part: "label" }, this.anonymous, words.anonymous);
    const form = h(
      "form",
      { class: "panel", part: "panel", novalidate: true, onsubmit: (event) => this.#submit(event) },
      h(
        "div",
        { class: "bar" },
        kinds.length > 1
          ? this.#choices(
              "kind",
              words.kind,
              kinds,
              (kind) => words[kind],
              (kind) => this.#setKind(kind),
            )
          : null,
        this.balance,
      ),
      this.parts.gift,
      this.parts.coins,
      this.texts,
      this.unnamed,
      h("div", { class: "bar pay" }, this.total, this.button),
      this.lack,
      this.makeStatus(),
      this.stage,
    );
    this.#showGifts("");
    this.#restore();
    this.#setKind(this.kind);
    this.#resume();
    return [form];
  }

  /** Radio buttons that look like a row of tabs. */
  #choices(name, label, options, text, choose) {
    return h(
      "div",
      { class: "tabs", part: "tabs", role: "radiogroup", "aria-label": label },
      ...options.map((option, place) =>
        h(
          "label",
          { class: "tab", part: "tab" },
          h("input", {
            type: "radio",
            class: "unseen",
            name,
            value: option,
            checked: place === 0,
            onchange: () => choose(option),
          }),
          h("span", {}, text(option)),
        ),
      ),
    );
  }

  #categories() {
    const names = [...new Set(this.gifts.map((gift) => gift.category).filter(Boolean))];
    if (names.length < 2) return null;
    const { words } = this;
    return this.#choices(
      "category",
      words.gift,
      ["", ...names],
      (name) => name || words.all,
      (name) => this.#showGifts(name),
    );
  }

  #showGifts(category) {
    const shown = this.gifts.filter((gift) => !category || gift.category === category);
    if (!shown.includes(this.gift)) this.gift = shown[0];
    this.grid.replaceChildren(...shown.map((gift) => this.#giftCard(gift)));
    if (this.parts) this.update();
  }

  #giftCard(gift) {
    const { words } = this;
    const choose = () => {
      this.gift = gift;
      this.update();
    };
    return h(
      "label",
      { class: gift.featured ? "gift featured" : "gift", part: gift.featured ? "gift featured" : "gift" },
      h("input", {
        type: "radio",
        class: "unseen",
        name: "gift",
        value: gift.item_id,
        checked: gift === this.gift,
        onchange: choose,
      }),
      this.picture(gift.image ?? this.unit.image, 48),
      h("span", { class: "name", part: "gift-name" }, gift.name),
      h("span", { class: "cost", part: "gift-coins" }, words.coins(gift.coins)),
      gift.price ? h("span", { class: "worth", part: "gift-price" }, words.money(gift.price)) : null,
    );
  }

  #setKind(kind) {
    this.kind = kind;
    const { words, economy } = this;
    const isGift = kind === "gift";
    this.parts.gift.hidden = !isGift;
    this.parts.coins.hidden = isGift;
    if (!isGift) {
      const { tiers, max_coins: high } = economy[kind];
      const low = tiers[0].min_coins;
      const amounts = kind === "cheer" ? USUAL_AMOUNTS : tiers.map((tier) => tier.min_coins);
      Object.assign(this.amount, { min: low, max: high });
      if (whole(this.amount.value) < low) this.amount.value = amounts.find((each) => each >= low);
      this.quick.replaceChildren(
        ...amounts
          .filter((each) => each >= low && each <= high)
          .slice(0, 6)
          .map((each) =>
            h(
              "button",
              {
                type: "button",
                class: "chip",
                part: "chip",
                onclick: () => {
                  this.amount.value = each;
                  this.update();
                },
              },
              words.number(each),
            ),
          ),
      );
    }
    this.unnamed.hidden = !economy[kind].allows_anonymous;
    this.update();
  }

  #step(by) {
    const { max } = this.quantity;
    this.quantity.value = Math.min(Math.max(whole(this.quantity.value) + by, 1), Number(max));
    this.update();
  }

  /** What is chosen: its coins and, where they are within the limits, the request without its quantity. */
  #choice() {
    const { economy, kind, gift } = this;
    const isGift = kind === "gift";
    const quantity = isGift ? whole(this.quantity.value) : 1;
    const coins = isGift ? gift.coins * quantity : whole(this.amount.value);
    const tier = isGift ? economy.gift : economy[kind].tiers.findLast((each) => coins >= each.min_coins);
    const isInRange = isGift
      ? quantity >= 1 && quantity <= economy.gift.max_quantity
      : Boolean(tier) && coins <= economy[kind].max_coins;
    return { coins, quantity, tier, isInRange, left: this.#left(tier) };
  }

  /** Characters that are left of a message, negative if there are too many, by whichever limit is nearest. */
  #left(limits) {
    const text = this.message.value.trim();
    const count = [...text].length;
    if (!limits) return 0;
    const bytes = new TextEncoder().encode(text + (this.setting("sender-name") ?? "")).length;
    const byBytes = Math.floor((limits.max_bytes - bytes) / (count ? Math.max(bytes / count, 1) : 1));
    const emoji = limits.max_emoji === null ? 0 : limits.max_emoji - segments(text).filter(isPicture).length;
    return emoji < 0 ? emoji : Math.min(limits.max_characters - count, byBytes);
  }

  /** Show what follows from the choice: the total, the limits, and what the wallet lacks. */
  update() {
    const { words, client } = this;
    const { coins, tier, isInRange, left } = this.#choice();
    const text = this.message.value;
    this.texts.hidden = !tier?.max_characters && !text;
    this.left.textContent = text ? words.say(left < 0 ? "tooLong" : "left", { n: words.number(Math.abs(left)) }) : "";
    this.left.classList.toggle("over", left < 0);
    this.total.replaceChildren(
      h("span", { class: "caption" }, words.total),
      h("strong", {}, words.coins(coins)),
      (this.worth = h("span", { class: "worth" })),
    );
    this.#showWorth(coins);
    if (this.kind !== "gift") this.#showTier(coins, tier);
    const missing = client.wallet ? coins + this.#committed() - client.wallet.coins : 0;
    this.#showLack(missing);
    this.button.disabled = !isInRange || left < 0 || missing > 0 || (this.#underWay !== null && !this.#hasStreaks(this.kind));
  }

  #hasStreaks(kind) {
    return kind === "gift" && this.economy.gift.streak_seconds > 0;
  }

  #showTier(coins, tier) {
    const { words, economy, kind } = this;
    const { tiers, max_coins: high } = economy[kind];
    const isInRange = tier && coins <= high;
    this.tier.hidden = isInRange && !tier.color;
    this.tier.dataset.color = isInRange ? (tier.color ?? "") : "";
    this.tier.textContent = !isInRange
      ? words.say("range", { low: words.number(tiers[0].min_coins), high: words.coins(high) })
      : [words.coins(coins), tier.pin_seconds ? words.say("pinned", { time: words.duration(tier.pin_seconds) }) : ""]
          .filter(Boolean)
          .join(" · ");
  }

  /** Show the worth in the fan's own money: known for one gift, asked for any other number of coins. */
  async #showWorth(coins) {
    const { currency, worth } = this;
    if (!currency || !coins) return;
    const single = this.kind === "gift" && this.gift.coins === coins && this.gift.price;
    if (!single) await sleep(250);
    if (worth !== this.worth) return;
    const price =
      single || (await this.client.read(`v1/worth?coins=${coins}&currency=${currency}`).catch(() => null))?.price;
    if (price && worth === this.worth) worth.textContent = this.words.money(price);
  }

  async #showLack(missing) {
    this.lack.hidden = missing <= 0;
    if (missing <= 0 || this.missing === missing) {
      this.missing = missing;
      return;
    }
    this.missing = missing;
    const { words, client } = this;
    this.lack.replaceChildren(words.say("lack", { coins: words.coins(missing) }));
    const offer = await quote(client, missing, this.currency).catch(() => null);
    if (!offer || this.missing !== missing) return;
    const button = h(
      "button",
      {
        type: "button",
        class: "link",
        part: "get",
        onclick: () => {
          this.#keepChoice();
          this.purchase(button, offer.wish);
        },
      },
      words.say(offer.coins > missing ? "get" : "getThem", {
        coins: words.coins(offer.coins),
        price: words.money(offer.price),
      }),
    );
    this.lack.append(" ", button);
  }

  showWallet() {
    const { wallet, isSignedOut } = this.client;
    if (isSignedOut) this.balance.replaceChildren(this.signIn());
    else if (wallet)
      this.balance.replaceChildren(
        ...[this.picture(this.unit.image, 20)].filter(Boolean),
        h("span", { class: "unseen" }, `${this.words.balance} `),
        this.words.coins(wallet.coins),
      );
    this.update();
  }

  /** Keep what is chosen while the fan is away to pay. */
  #keepChoice() {
    remember(`${PREFIX}choice:${this.creator}`, [
      this.kind,
      this.gift?.item_id,
      this.quantity.value,
      this.amount.value,
      this.message.value,
    ]);
  }

  #restore() {
    const slot = `${PREFIX}choice:${this.creator}`;
    const kept = recall(slot);
    if (!kept) return;
    remember(slot, null);
    const [kind, item, quantity, amount, message] = kept;
    if (this.kinds.includes(kind)) this.kind = kind;
    this.gift = this.gifts.find((gift) => gift.item_id === item) ?? this.gift;
    this.quantity.value = quantity;
    this.amount.value = amount;
    this.message.value = message;
    this.#showGifts("");
    for (const input of this.parts.gift.closest("form")?.querySelectorAll("[name=kind]") ?? [])
      input.checked = input.value === this.kind;
  }

  // ---- giving

  #submit(event) {
    event.preventDefault();
    if (this.button.disabled) return;
    const { quantity, coins } = this.#choice();
    const message = this.message.value.trim();
    const wish = {
      kind: this.kind,
      creator_id: this.creator,
      ...(this.kind === "gift" ? { item_id: this.gift.item_id } : { coins }),
      ...(message && { message }),
      ...(this.anonymous.checked && !this.unnamed.hidden && { anonymous: true }),
      ...(this.setting("stream") && { stream_id: this.setting("stream") }),
      ...(this.setting("sender-name") && { sender_name: this.setting("sender-name") }),
    };
    this.message.value = "";
    this.#enqueue(wish, quantity);
  }

  /** Add to the queue. Taps of one streak add up while a request is pending, and are sent as one. */
  #enqueue(wish, quantity) {
    const last = this.#queue.at(-1);
    if (last && JSON.stringify(last.wish) === JSON.stringify(wish)) last.quantity += quantity;
    else this.#queue.push({ wish, quantity });
    this.#pump();
    this.update();
  }

  /** Coins of the requests that are not answered yet. */
  #committed() {
    const cost = ({ wish, quantity }) =>
      (wish.coins ?? this.gifts.find((gift) => gift.item_id === wish.item_id).coins) * quantity;
    return [...this.#queue, ...(this.#underWay ? [this.#underWay] : [])].reduce((sum, each) => sum + cost(each), 0);
  }

  async #pump() {
    if (this.#underWay) return;
    while (this.#queue.length > 0) {
      const next = this.#queue[0];
      const quantity = Math.min(next.quantity, this.economy[next.wish.kind].max_quantity ?? 1);
      next.quantity -= quantity;
      if (next.quantity < 1) this.#queue.shift();
      this.#underWay = { wish: next.wish, quantity };
      if (!this.#streak) this.tell("busy", [this.words.sending]);
      const isSent = await this.#deliver(next.wish, quantity);
      this.#underWay = null;
      if (!isSent) this.#queue = [];
    }
    this.client.refresh();
    this.update();
  }

  /** Send one request. Returns true if it was accepted. */
  async #deliver(wish, quantity) {
    const { client } = this;
    const request = wish.kind === "gift" ? { ...wish, quantity } : wish;
    const complete = (key) => (this.#hasStreaks(wish.kind) ? { ...request, streak_id: this.#streakOf(wish) ?? key } : request);
    let answer = await client.send("v1/gifts", request, complete);
    if (answer.body.code === "streak_ended") {
      this.#streak = null;
      answer = await client.send("v1/gifts", request, complete);
    }
    if (answer.status === 200 || answer.status === 201) {
      this.#delivered(answer.body);
      return true;
    }
    if (answer.status === 402) {
      this.emit("error", { ...answer.body, status: 402 });
      this.tell("", []);
      client.assume(answer.body.coins);
      return false;
    }
    const again = isOpen(answer.status) || answer.status === 409 ? () => this.#enqueue(wish, quantity) : null;
    this.tell("bad", [this.refusal(answer)], again);
    return false;
  }

  #streakOf({ item_id: item }) {
    const { id, item: going, until } = this.#streak ?? {};
    return going === item && Date.now() < until ? id : undefined;
  }

  #delivered(sent) {
    const { words, client } = this;
    const gift = this.gifts.find((each) => each.item_id === sent.item_id);
    const seconds = this.economy.gift?.streak_seconds ?? 0;
    let count = sent.quantity;
    if (sent.streak_id) {
      if (this.#streak?.id === sent.streak_id) count += this.#streak.count;
      this.#streak = { id: sent.streak_id, item: sent.item_id, count, until: Date.now() + seconds * 1000 };
    }
    const what = gift ? `${words.number(count)} × ${gift.name}` : words.coins(sent.coins);
    this.tell("good", [words.say("sent", { what })]);
    this.#celebrate(gift, count, seconds);
    if (client.wallet) client.assume(client.wallet.coins - sent.coins);
    this.emit("gift-sent", sent);
  }

  /** Play the gift's animation once, with the count of its streak. */
  #celebrate(gift, count, seconds) {
    const { words, stage } = this;
    const picture = this.picture(gift?.animation ?? gift?.image ?? this.unit.image, 96);
    const shown = h(
      "div",
      { class: "burst" },
      ...[picture].filter(Boolean),
      count > 1 ? h("b", { class: "count", part: "count" }, `×${words.number(count)}`) : "",
    );
    stage.replaceChildren(shown);
    setTimeout(() => shown.remove(), Math.max(seconds, 3) * 1000);
  }

  /** Find out the outcome of gifts that had no response when the page was closed. */
  async #resume() {
    const prefix = `${PREFIX}v1/gifts:`;
    for (const slot of Object.keys(memory).filter((name) => name.startsWith(prefix))) {
      const { quantity = 1, ...wish } = JSON.parse(slot.slice(prefix.length));
      if (wish.creator_id !== this.creator) continue;
      const { status, body } = await this.client.retry("GET", `v1/gifts/${recall(slot)?.key}`);
      if (status === 200) {
        remember(slot, null);
        this.#delivered(body);
      } else if (status === 404) this.tell("bad", [this.words.unknown], () => this.#enqueue(wish, quantity));
    }
  }
}
