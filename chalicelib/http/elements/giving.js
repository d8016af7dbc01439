// Delivery of gifts: one request at a time, and a streak whose taps add up meanwhile.

import { PREFIX, isOpen, memory, recall, remember } from "./client.js";

export class Giving {
  #panel;
  #queue = [];
  #underWay = null;
  #streak = null;

  constructor(panel) {
    this.#panel = panel;
  }

  get isUnderWay() {
    return this.#underWay !== null;
  }

  /** Coins of the requests that are not answered yet. */
  get committed() {
    const cost = ({ wish, quantity }) => (wish.coins ?? this.#giftOf(wish).coins) * quantity;
    return [...this.#queue, ...(this.#underWay ? [this.#underWay] : [])].reduce((sum, each) => sum + cost(each), 0);
  }

  hasStreaks(kind) {
    return kind === "gift" && this.#panel.economy.gift.streak_seconds > 0;
  }

  /** Add to the queue. Taps of one streak add up while a request is pending, and are sent as one. */
  add(wish, quantity) {
    const last = this.#queue.at(-1);
    if (last && JSON.stringify(last.wish) === JSON.stringify(wish)) last.quantity += quantity;
    else this.#queue.push({ wish, quantity });
    this.#sendAll();
    this.#panel.update();
  }

  async #sendAll() {
    const panel = this.#panel;
    if (this.isUnderWay) return;
    while (this.#queue.length > 0) {
      const next = this.#queue[0];
      const quantity = Math.min(next.quantity, panel.economy[next.wish.kind].max_quantity ?? 1);
      next.quantity -= quantity;
      if (next.quantity < 1) this.#queue.shift();
      this.#underWay = { wish: next.wish, quantity };
      if (!this.#streak) panel.tell("busy", [panel.words.sending]);
      const isSent = await this.#deliver(next.wish, quantity);
      this.#underWay = null;
      if (!isSent) this.#queue = [];
    }
    panel.client.refresh();
    panel.update();
  }

  /** Send one request. Returns true if it was accepted. */
  async #deliver(wish, quantity) {
    const panel = this.#panel;
    const { client } = panel;
    const request = wish.kind === "gift" ? { ...wish, quantity } : wish;
    const complete = (key) => (this.hasStreaks(wish.kind) ? { ...request, streak_id: this.#streakOf(wish) ?? key } : request);
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
      panel.emit("error", { ...answer.body, status: 402 });
      panel.tell("", []);
      client.assume(answer.body.coins);
      return false;
    }
    const again = isOpen(answer.status) || answer.status === 409 ? () => this.add(wish, quantity) : null;
    panel.tell("bad", [panel.refusal(answer)], again);
    return false;
  }

  #streakOf({ item_id: item }) {
    const { id, item: going, until } = this.#streak ?? {};
    return going === item && Date.now() < until ? id : undefined;
  }

  #giftOf({ item_id: item }) {
    return this.#panel.gifts.find((gift) => gift.item_id === item);
  }

  #delivered(sent) {
    const panel = this.#panel;
    const { words, client } = panel;
    const gift = this.#giftOf(sent);
    const seconds = panel.economy.gift?.streak_seconds ?? 0;
    let count = sent.quantity;
    if (sent.streak_id) {
      if (this.#streak?.id === sent.streak_id) count += this.#streak.count;
      this.#streak = { id: sent.streak_id, item: sent.item_id, count, until: Date.now() + seconds * 1000 };
    }
    const what = gift ? `${words.number(count)} × ${gift.name}` : words.coins(sent.coins);
    panel.tell("good", [words.say("sent", { what })]);
    panel.form.celebrate(gift, count, seconds);
    if (client.wallet) client.assume(client.wallet.coins - sent.coins);
    panel.emit("gift-sent", sent);
  }

  /** Find out the outcome of gifts that had no response when the page was closed. */
  async resume() {
    const panel = this.#panel;
    const prefix = `${PREFIX}v1/gifts:`;
    for (const slot of Object.keys(memory).filter((name) => name.startsWith(prefix))) {
      const { quantity = 1, ...wish } = JSON.parse(slot.slice(prefix.length));
      if (wish.creator_id !== panel.creator) continue;
      const { status, body } = await panel.client.retry("GET", `v1/gifts/${recall(slot)?.key}`);
      if (status === 200) {
        remember(slot, null);
        this.#delivered(body);
      } else if (status === 404) panel.tell("bad", [panel.words.unknown], () => this.add(wish, quantity));
    }
  }
}
