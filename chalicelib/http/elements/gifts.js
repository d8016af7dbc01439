// <gift-panel>: the choice of a gift, what it costs, and what the wallet lacks for it.

import { PREFIX, recall, remember, sleep } from "./client.js";
import { CoinElement, h, quote, whole } from "./element.js";
import { GiftForm } from "./gift_form.js";
import { Giving } from "./giving.js";

const KINDS = ["gift", "cheer", "super_chat"];
const segments = (text) => [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
const isPicture = (segment) => /\p{Emoji_Presentation}|\uFE0F/u.test(segment);

/** Characters that are left of a message, negative if there are too many, by whichever limit is nearest. */
function charactersLeft(text, senderName, limits) {
  if (!limits) return 0;
  const count = [...text].length;
  const bytes = new TextEncoder().encode(text + senderName).length;
  const byBytes = Math.floor((limits.max_bytes - bytes) / (count ? Math.max(bytes / count, 1) : 1));
  const emoji = limits.max_emoji === null ? 0 : limits.max_emoji - segments(text).filter(isPicture).length;
  return emoji < 0 ? emoji : Math.min(limits.max_characters - count, byBytes);
}

export class GiftPanel extends CoinElement {
  needsWallet = true;
  #giving = new Giving(this);
  #worth;
  #missing;

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
    this.form = new GiftForm(this);
    this.#missing = 0;
    this.#restore();
    this.form.showGifts("");
    this.chooseKind(this.kind);
    this.#giving.resume();
    return [this.form.root];
  }

  chooseKind(kind) {
    this.kind = kind;
    this.form.showKind(kind);
    this.update();
  }

  /** What is chosen: its coins, the tier that limits it, and whether it is within the limits. */
  #choice() {
    const { economy, kind, gift, form } = this;
    const isGift = kind === "gift";
    const quantity = isGift ? whole(form.quantity.value) : 1;
    const coins = isGift ? gift.coins * quantity : whole(form.amount.value);
    const tier = isGift ? economy.gift : economy[kind].tiers.findLast((each) => coins >= each.min_coins);
    const isInRange = isGift
      ? quantity >= 1 && quantity <= economy.gift.max_quantity
      : Boolean(tier) && coins <= economy[kind].max_coins;
    const left = charactersLeft(form.message.value.trim(), this.setting("sender-name") ?? "", tier);
    return { coins, quantity, tier, isInRange, left };
  }

  /** Show what follows from the choice: the total, the limits, and what the wallet lacks. */
  update() {
    const { kind, form, client } = this;
    const { coins, tier, isInRange, left } = this.#choice();
    const giving = this.#giving;
    form.showLeft(left, tier?.max_characters);
    this.#worth = form.showTotal(coins);
    this.#showWorth(coins);
    if (kind !== "gift") form.showTier(coins, tier, this.economy[kind]);
    const missing = client.wallet ? coins + giving.committed - client.wallet.coins : 0;
    this.#showLack(missing);
    form.button.disabled = !isInRange || left < 0 || missing > 0 || (giving.isUnderWay && !giving.hasStreaks(kind));
  }

  /** Show the worth in the fan's own money: known for one gift, asked for any other number of coins. */
  async #showWorth(coins) {
    const { currency } = this;
    const worth = this.#worth;
    if (!currency || !coins) return;
    const single = this.kind === "gift" && this.gift.coins === coins && this.gift.price;
    if (!single) await sleep(250);
    if (worth !== this.#worth) return;
    const price =
      single || (await this.client.read(`v1/worth?coins=${coins}&currency=${currency}`).catch(() => null))?.price;
    if (price && worth === this.#worth) worth.textContent = this.words.money(price);
  }

  async #showLack(missing) {
    const { words, client } = this;
    const { lack } = this.form;
    lack.hidden = missing <= 0;
    const isNew = this.#missing !== missing;
    this.#missing = missing;
    if (lack.hidden || !isNew) return;
    lack.replaceChildren(words.say("lack", { coins: words.coins(missing) }));
    const offer = await quote(client, missing, this.currency).catch(() => null);
    if (!offer || this.#missing !== missing) return;
    const onclick = () => {
      this.#keepChoice();
      this.purchase(button, offer.wish);
    };
    const button = h(
      "button",
      { type: "button", class: "link", part: "get", onclick },
      words.say(offer.coins > missing ? "get" : "getThem", {
        coins: words.coins(offer.coins),
        price: words.money(offer.price),
      }),
    );
    lack.append(" ", button);
  }

  showWallet() {
    this.showBalance(this.form.balance);
    this.update();
  }

  get #slot() {
    return `${PREFIX}choice:${this.creator}`;
  }

  /** Keep what is chosen while the fan is away to pay. */
  #keepChoice() {
    const { quantity, amount, message } = this.form;
    remember(this.#slot, [this.kind, this.gift?.item_id, quantity.value, amount.value, message.value]);
  }

  #restore() {
    const kept = recall(this.#slot);
    if (!kept) return;
    remember(this.#slot, null);
    const { form } = this;
    const [kind, item, ...values] = kept;
    if (this.kinds.includes(kind)) this.kind = kind;
    this.gift = this.gifts.find((gift) => gift.item_id === item) ?? this.gift;
    [form.quantity.value, form.amount.value, form.message.value] = values;
  }

  submit(event) {
    event.preventDefault();
    const { form, gift } = this;
    if (form.button.disabled) return;
    const { quantity, coins } = this.#choice();
    const message = form.message.value.trim();
    const optional = {
      message,
      anonymous: form.anonymous.checked && !form.unnamed.hidden,
      stream_id: this.setting("stream"),
      sender_name: this.setting("sender-name"),
    };
    const wish = {
      kind: this.kind,
      creator_id: this.creator,
      ...(this.kind === "gift" ? { item_id: gift.item_id } : { coins }),
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value)),
    };
    form.message.value = "";
    this.#giving.add(wish, quantity);
  }
}
