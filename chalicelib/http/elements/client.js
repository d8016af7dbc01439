// Requests to the API: keys, the tab's memory, tokens, and what may be repeated.

const TRIES = 6;
const GIVE_UP_MS = 60_000;
const TIMEOUT_MS = 30_000;
const FRESH_MS = 60_000;

export const PREFIX = "coinpurse:";
export const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

let skew = 0;
let latest = 0;

/** Return a UUIDv7 by the server's clock. Each is greater than the one before, as the gifts of a streak must be. */
export function uuid7() {
  latest = Math.max(latest + 1, Date.now() + skew);
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i += 1) bytes[i] = Math.floor(latest / 256 ** (5 - i)) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** State of a tab: requests without a response, and the active purchase. Kept in memory if there is no storage. */
export const memory = (() => {
  try {
    sessionStorage.removeItem(PREFIX);
    return sessionStorage;
  } catch {
    const kept = new Map();
    return {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, text) => kept.set(name, text),
      removeItem: (name) => kept.delete(name),
    };
  }
})();

export const recall = (name) => JSON.parse(memory.getItem(name) ?? "null");
export const remember = (name, value) =>
  value === null ? memory.removeItem(name) : memory.setItem(name, JSON.stringify(value));

/** Statuses after which the outcome is unknown, or nothing was decided. 0: no response. */
export const isOpen = (status) => status === 0 || status === 429 || status >= 500;

/** The API for one fan: shared by the elements that name the same address and token. */
class Client extends EventTarget {
  wallet = null;
  isSignedOut = false;
  cache = new Map();

  constructor(api, provider) {
    super();
    this.api = api;
    this.provider = provider;
  }

  /** Return the bearer token. Empty: none is needed (a proxy adds it). Null: the fan is signed out. */
  async token(refused) {
    const isRefused = refused !== undefined;
    if (this.provider === undefined) return "";
    if (typeof this.provider === "function") return (await this.provider({ isRefused })) || null;
    if (!(this.provider instanceof URL)) return isRefused ? null : this.provider || null;
    if (isRefused && refused === this.held?.token) this.held = null;
    return (this.held ??= this.#fetch()).promise;
  }

  /** Fetch the token, once for all callers. That there is none is held too, for a moment or until a restart. */
  #fetch() {
    const held = {};
    held.promise = fetchToken(this.provider)
      .then((token) => (held.token = token))
      .finally(() => setTimeout(() => held.token || (this.held = null), 3000));
    return held;
  }

  /** Send a request once; twice when the token was refused. Returns {status, body, after}. */
  async call(method, path, { body, key, isPublic = false } = {}) {
    for (let refused; ; ) {
      try {
        const token = await this.token(refused);
        if (token === null && !isPublic) return { status: 401, body: { code: "unauthenticated" } };
        const headers = {};
        if (token) headers.Authorization = `Bearer ${token}`;
        if (body) headers["Content-Type"] = "application/json";
        if (key) headers["Idempotency-Key"] = key;
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const reply = await fetch(new URL(path, this.api), { method, headers, body, signal });
        if (reply.status === 401 && refused === undefined && this.provider !== undefined) {
          refused = token;
          continue;
        }
        // A truncated body is a lost response. The error page of a proxy is not JSON, but it is complete.
        const answer = await reply.json().catch((error) => {
          if (reply.ok || !(error instanceof SyntaxError)) throw error;
          return {};
        });
        return { status: reply.status, body: answer, after: Number(reply.headers.get("Retry-After")) || 0 };
      } catch {
        return { status: 0, body: {} };
      }
    }
  }

  /** Repeat a request until it is answered, with growing random pauses, or as the answer says. */
  async retry(method, path, options) {
    const end = Date.now() + GIVE_UP_MS;
    for (let tries = 1; ; tries += 1) {
      const answer = await this.call(method, path, options);
      if (!isOpen(answer.status) || tries === TRIES || Date.now() > end) return answer;
      await sleep(answer.after ? Math.min(answer.after, 10) * 1000 : (0.5 + Math.random()) * 200 * 2 ** tries);
    }
  }

  /** Return what a public address answers, kept for a minute for all elements. Throws the answer that is no success. */
  read(path) {
    const kept = this.cache.get(path);
    if (kept && Date.now() - kept.at < FRESH_MS) return kept.reading;
    const reading = this.retry("GET", path, { isPublic: true }).then((answer) => {
      if (answer.status === 200) return answer.body;
      this.cache.delete(path);
      throw answer;
    });
    this.cache.set(path, { reading, at: Date.now() });
    return reading;
  }

  /** Post a request that may be repeated: its key and body are kept in this tab until it is answered. */
  async send(path, wish, complete = () => wish) {
    const slot = `${PREFIX}${path}:${JSON.stringify(wish)}`;
    for (let isSecond = false; ; isSecond = true) {
      let kept = recall(slot);
      if (!kept) {
        const key = uuid7();
        kept = { key, body: JSON.stringify(complete(key)) };
        remember(slot, kept);
      }
      const answer = await this.retry("POST", path, kept);
      // A 401 settles nothing: an earlier attempt may have succeeded before the token expired.
      if (!isOpen(answer.status) && answer.status !== 401) remember(slot, null);
      if (answer.body.code !== "key_too_old" || isSecond) return answer;
      // The clock here is wrong, or the key waited for more than a day; the ledger has nothing under it.
      skew = Date.parse(answer.body.server_time) - Date.now() || 0;
      latest = 0;
    }
  }

  /** Read the balance, once for concurrent callers, and update the elements. */
  refresh() {
    this.reading ??= this.retry("GET", "v1/wallet").then(({ status, body }) => {
      this.reading = null;
      if (status === 200) this.wallet = body;
      this.isSignedOut = status === 401;
      if (this.isSignedOut) this.wallet = null;
      this.dispatchEvent(new Event("wallet"));
    });
    return this.reading;
  }

  /** Show a balance before the API is asked again. */
  assume(coins) {
    if (this.wallet) this.wallet = { ...this.wallet, coins: Math.max(coins, 0) };
    this.dispatchEvent(new Event("wallet"));
  }
}

/** Fetch a token from an address of the page's own site: text, or JSON with `access_token` or `token`. */
async function fetchToken(url) {
  const reply = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (reply.status >= 500) throw new Error("no token");
  if (!reply.ok) return null;
  const text = (await reply.text()).trim();
  if (!text.startsWith("{")) return text || null;
  const { access_token: access, token } = JSON.parse(text);
  return access || token || null;
}

export const clients = new Map();

export function clientFor(api, provider) {
  const name = provider instanceof URL ? `${api} ${provider}` : api;
  const known = clients.get(name) ?? [];
  let client = known.find((each) => each.provider === provider || provider instanceof URL);
  if (!client) clients.set(name, [...known, (client = new Client(api, provider))]);
  return client;
}
