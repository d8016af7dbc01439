// The base of all elements.

import { PREFIX, clientFor, clients, isOpen } from "./client.js";
import { buy, noticeReturn, purchase } from "./purchases.js";
import { sheet } from "./style.js";
import { Words, loadLocale } from "./words.js";

const defaults = {};

/** Set defaults for all elements of the page: token, api, lang, currency. Attributes and properties come first. */
export function configure(settings) {
  Object.assign(defaults, settings);
  for (const element of connected) element.restart();
}

export const connected = new Set();

/** Create an element: a part is a class too, booleans toggle attributes, `on...` adds listeners, texts are never parsed as HTML. */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries({ class: attributes.part, ...attributes })) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const whole = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : 0);

/** Call only once the calls have paused. */
export function settled(act, pause = 250) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, pause);
  };
}

/** Price and order of one checkout for at least this many coins. */
export async function quote(client, coins, currency) {
  const found = await client.read(`v1/top-up?for=${coins}${currency ? `&currency=${currency}` : ""}`);
  const { checkout, bundles } = found;
  const { bundle_id, quantity = 1, coins: sum, price } = checkout ?? bundles[0];
  const wish = bundle_id === "custom" ? { coins: sum } : quantity > 1 ? { bundle_id, quantity } : { bundle_id };
  return { coins: sum, price, wish: { ...wish, currency: price.currency } };
}

const ATTRIBUTES = "api,bundle,coins,creator,currency,lang,quantity,return-url,sender-name,sign-in,stream,token-from".split(
  ",",
);

export class CoinElement extends HTMLElement {
  static observedAttributes = ATTRIBUTES;
  #token;
  #ending;
  #isWaiting = false;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
  }

  /** The fan's bearer token, or a function (async or not) that returns it, or null for a fan who is signed out. */
  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    this.#restart();
  }

  connectedCallback() {
    // A property that was set before the element was defined hides the accessor.
    if (Object.hasOwn(this, "token")) {
      const { token } = this;
      delete this.token;
      this.#token = token;
    }
    connected.add(this);
    this.#restart();
  }

  disconnectedCallback() {
    connected.delete(this);
    this.#ending?.abort();
  }

  attributeChangedCallback() {
    this.#restart();
  }

  /** Begin anew, perhaps for another fan: without a token or balance of the one before. */
  restart() {
    clients.clear();
    this.#restart();
  }

  /** Restart, once for all attribute changes of the same task. */
  #restart() {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    queueMicrotask(() => {
      this.#isWaiting = false;
      if (this.isConnected) this.#start();
    });
  }

  async #start() {
    this.#ending?.abort();
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    this.client = clientFor(this.#api(), this.#provider());
    const wanted = this.setting("lang") || navigator.language;
    const locale = loadLocale(wanted);
    noticeReturn(this);
    try {
      const { unit } = (this.economy = await this.client.read("v1/economy"));
      this.unit = unit ?? { singular: "coin", plural: "coins" };
      this.words = new Words(wanted, await locale, this.unit);
      const nodes = await this.load();
      if (signal.aborted) return;
      this.#fill(...nodes);
    } catch (answer) {
      if (signal.aborted) return;
      if (answer instanceof Error) throw answer;
      this.words = new Words(wanted, await locale);
      this.#fill(this.makeStatus());
      this.tell("bad", [this.words.unavailable], () => this.#restart());
      return;
    }
    this.client.addEventListener("wallet", () => this.showWallet(), { signal });
    document.addEventListener(`${PREFIX}purchase`, () => this.showPurchase(), { signal });
    this.showPurchase();
    if (this.needsWallet && !this.client.wallet) this.client.refresh();
    else this.showWallet();
  }

  needsWallet = false;
  showWallet() {}

  #api() {
    return new URL(this.setting("api") ?? new URL("../", import.meta.url), document.baseURI).href.replace(/\/?$/, "/");
  }

  #provider() {
    const from = this.setting("token-from");
    return this.#token ?? (from ? new URL(from, document.baseURI) : defaults.token);
  }

  /** An attribute of this element or of one around it, or the page's default. */
  setting(name) {
    return this.closest(`[${name}]`)?.getAttribute(name) ?? defaults[name.replace(/-(\w)/g, (_, c) => c.toUpperCase())];
  }

  /** Read the bundles on sale, in the currency of the page if it names one. */
  bundles() {
    const currency = this.setting("currency");
    return this.client.read(`v1/bundles${currency ? `?currency=${currency}` : ""}`);
  }

  /** Dispatch `coinpurse:<name>`. Returns false if it was canceled. */
  emit(name, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(PREFIX + name, { detail, cancelable, bubbles: true, composed: true }));
  }

  #fill(...nodes) {
    const { lang, dir } = this.words;
    this.shadowRoot.replaceChildren(h("div", { part: "root", lang, dir }, ...nodes));
  }

  makeStatus() {
    return (this.status = h("p", { part: "status", role: "status" }));
  }

  /** Show a message, with a button to try again if there is something to try. */
  tell(state, content, again) {
    this.status.dataset.state = state;
    this.status.replaceChildren(...content);
    if (again)
      this.status.append(
        " ",
        h("button", { class: "link", part: "again", type: "button", onclick: again }, this.words.again),
      );
  }

  /** Show a refusal, and dispatch it as an event. */
  refusal(answer, unknown = "unknown") {
    const { status, body } = answer;
    this.emit("error", { ...body, status });
    if (status === 401) {
      this.emit("sign-in");
      return this.signIn();
    }
    if (isOpen(status)) return this.words[unknown];
    if (status === 409) return this.words.conflict;
    if (this.words.table[body.code])
      return this.words.say(body.code, { until: this.words.date(body.until ?? body.resets_at) });
    return (this.words.lang === "en" && body.detail) || this.words.refused;
  }

  signIn() {
    const href = this.setting("sign-in");
    const { signIn } = this.words;
    return h("slot", { name: "sign-in" }, href ? h("a", { class: "link", part: "sign-in", href }, signIn) : signIn);
  }

  /** Show the balance, or a way to sign in. */
  showBalance(node) {
    const { words, client } = this;
    const { wallet } = client;
    if (client.isSignedOut) node.replaceChildren(this.signIn());
    if (!wallet) return;
    const owed = wallet.owed > 0 && words.say("owed", { coins: words.coins(wallet.owed) });
    const shown = [
      h("span", { class: "unseen" }, `${words.balance} `),
      this.picture(this.unit.image, 20),
      h("span", { part: "count" }, words.coins(wallet.coins)),
      owed && h("span", { part: "owed" }, owed),
    ];
    node.replaceChildren(...shown.filter(Boolean));
  }

  picture(address, size) {
    const attributes = { alt: "", width: size, height: size, part: "image", loading: "lazy", draggable: "false" };
    return address ? h("img", { ...attributes, src: new URL(address, this.client.api) }) : null;
  }

  /** Buy, with the button at rest meanwhile. */
  async purchase(button, wish) {
    const { opening } = this.words;
    button.disabled = true;
    this.tell("busy", [opening]);
    const said = await buy(this, wish);
    button.disabled = false;
    if (!said) this.showPurchase();
    else if (said !== opening) this.tell("bad", [said], said instanceof Node ? null : () => this.purchase(button, wish));
  }

  /** Show the purchase that the fan comes back from. */
  showPurchase() {
    if (!purchase || !this.status) return;
    const { status, coins } = purchase;
    const text = status ? this.words.say(status, { coins: coins && this.words.coins(coins) }) : "";
    this.tell(status === "posted" ? "good" : status === "failed" || status === "expired" ? "bad" : "busy", [text]);
  }
}
