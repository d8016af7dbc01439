// The script of the pages in this folder (other sites embed coinpurse.js). Progressive enhancement of the shop: balance,
// statement, gifts, and a purchase's status until it is posted. The shop sells without it. Foreign text is set by
// textContent only. Nothing here credits coins.

const PAGE_SIZE = 10;
const WATCH_MS = 60_000;
const TRIES = 3;

const at = (id) => document.getElementById(id);
const count = (coins) => coins.toLocaleString("en");
const coinsText = (coins) => `${count(coins)} ${coins === 1 ? "coin" : "coins"}`;
const verb = (coins) => (coins === 1 ? "is" : "are");
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** Call the API. Returns {status, body}; status 0 without a response: the outcome is unknown. */
async function call(path, options = {}) {
  try {
    const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(30_000), ...options });
    return { status: answer.status, body: await answer.json().catch(() => ({})) };
  } catch {
    return { status: 0, body: {} };
  }
}

/** Create an element with text and attributes. */
function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Return a new UUIDv7: 48 bits of milliseconds, then version, variant and 74 random bits. */
function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = Date.now();
  for (let i = 0; i < 6; i += 1) bytes[i] = Math.floor(now / 256 ** (5 - i)) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// ---- the wallet ---------------------------------------------------------------------------------------------------

/** Show the balance. Returns false when signed out. */
async function showBalance() {
  const { status, body } = await call("v1/wallet");
  if (status === 200) {
    const owed = body.owed > 0 ? ` (${coinsText(body.owed)} owed)` : "";
    at("balance").textContent = `Balance: ${coinsText(body.coins)}${owed}`;
  } else if (status !== 401) {
    at("balance").textContent = "Balance not available";
  }
  return status === 200;
}

const WHAT = {
  purchase: () => "Coins bought",
  gift: (entry) => `${count(entry.quantity ?? 1)} × ${entry.item_id ?? "gift"} for ${entry.creator_id ?? "a creator"}`,
  clawback: () => "Coins taken back",
  restore: () => "Coins given back",
  grant: () => "Coins granted",
  gift_reversal: () => "Gift taken back",
};
const UNPOSTED = { pending: "not paid", processing: "payment under way", failed: "payment failed", expired: "expired" };

function entryRow(entry) {
  const moment = entry.posted_at ?? entry.created_at;
  const when = element("td");
  if (moment) {
    const date = new Date(moment);
    const text = date.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
    when.append(element("time", text, { datetime: moment }));
  }
  const isPosted = entry.status === undefined || entry.status === "posted";
  const what = (WHAT[entry.kind] ?? (() => entry.kind))(entry);
  const why = isPosted ? "" : ` (${UNPOSTED[entry.status] ?? entry.status})`;
  const coins = `${entry.coins > 0 ? "+" : entry.coins < 0 ? "−" : ""}${count(Math.abs(entry.coins))}`;
  const row = element("tr", "", isPosted ? {} : { class: "unposted" });
  row.append(when, element("td", what + why), element("td", isPosted ? coins : "–", { class: "number" }));
  return row;
}

/** Show the statement from its newest entry, or from `cursor`. */
async function showStatement(cursor = null) {
  if (!at("statement")) return;
  const query = new URLSearchParams({ limit: PAGE_SIZE, ...(cursor && { cursor }) });
  const { status, body } = await call(`v1/wallet/entries?${query}`);
  if (status !== 200) return;
  const rows = body.entries.map(entryRow);
  if (cursor) at("entries").append(...rows);
  else at("entries").replaceChildren(...rows);
  at("no-entries").hidden = at("entries").rows.length > 0;
  at("more").hidden = !body.next_cursor;
  at("more").onclick = () => whileBusy(at("more"), () => showStatement(body.next_cursor));
  at("statement").hidden = false;
}

async function whileBusy(button, act) {
  button.disabled = true;
  try {
    await act();
  } finally {
    button.disabled = false;
  }
}

// ---- a pending purchase or membership -------------------------------------------------------------------------------------------

const PROMISE = "We will credit your coins as soon as your payment is confirmed.";

function say(text, state = "") {
  at("purchase").textContent = text;
  at("purchase").dataset.status = state;
}

/** Show the purchase's status. Returns true when it is final. */
function tellPurchase({ status, body }) {
  if (status === 401) say("Sign in to see your purchase. Your coins do not depend on it.");
  else if (status === 404) say("There is no such purchase of yours.", "refused");
  else if (body.status === "posted") say(`${coinsText(body.coins)} ${verb(body.coins)} yours.`, "posted");
  else if (body.status === "failed") say("The payment did not go through. No coins were credited.", "failed");
  else if (body.status === "expired") say("The checkout ran out of time. No coins were credited.", "expired");
  else if (body.status === "processing")
    say(
      `Your bank is working on the payment. We will credit ${coinsText(body.coins)} as soon as it is confirmed.`,
      "processing",
    );
  else return false;
  return body.status !== "processing";
}

/** Show the membership's status. Returns true when a month is paid. */
function tellMembership(id, { status, body }) {
  if (status === 401) say("Sign in to see your membership. Your coins do not depend on it.");
  else if (body.membership?.id === id && body.membership.active)
    say(`You are a member. You get ${coinsText(body.membership.coins)} every month.`, "posted");
  else return false;
  return true;
}

/** Poll until `tell` has shown a final status. */
async function watch(path, tell) {
  const giveUpAt = Date.now() + WATCH_MS;
  say("Waiting for your payment to be confirmed …");
  for (let pause = 500; Date.now() < giveUpAt; pause = Math.min(pause * 1.5, 5000)) {
    if (tell(await call(path))) return;
    await sleep(pause);
  }
  if (at("purchase").dataset.status !== "processing") say(`${PROMISE} You can leave this page.`);
}

// ---- gifts --------------------------------------------------------------------------------------------------------

// The key is made before sending and kept until the outcome is known, also over a new sign-in or a reload: sending
// again is the same gift.
const UNSETTLED = "unsettled-gift";

async function sendGift(gift) {
  const body = JSON.stringify(gift);
  const earlier = JSON.parse(sessionStorage.getItem(UNSETTLED) ?? "null");
  const unsettled = earlier?.body === body ? earlier : { key: uuid7(), body };
  sessionStorage.setItem(UNSETTLED, JSON.stringify(unsettled));
  const headers = { "Content-Type": "application/json", "Idempotency-Key": unsettled.key };
  for (let tries = 1; ; tries += 1) {
    const answer = await call("v1/gifts", { method: "POST", headers, body });
    // A 401 does not settle the gift: an earlier attempt may have succeeded before the token expired.
    const isSettled = answer.status >= 200 && answer.status < 500 && ![401, 429].includes(answer.status);
    if (isSettled) sessionStorage.removeItem(UNSETTLED);
    if (isSettled || answer.status === 401 || tries === TRIES) return answer;
    await sleep(500 * 2 ** tries);
  }
}

function tellGift(gift, { status, body }) {
  if (status === 200 || status === 201) return `Sent ${count(body.quantity)} × ${body.item_id} to ${body.creator_id}.`;
  if (status >= 400 && status < 500) return body.detail ?? body.title ?? "The gift was not sent.";
  return `We could not learn whether your gift to ${gift.creator_id} went out. Send again: it will not go out twice.`;
}

async function submitGift(form) {
  const fields = new FormData(form);
  const [creator_id, message] = [fields.get("creator_id").trim(), fields.get("message").trim()];
  const gift = { creator_id, item_id: fields.get("item_id"), quantity: Number(fields.get("quantity")) };
  if (message) gift.message = message;
  at("gift-state").textContent = "Sending …";
  at("gift-state").textContent = tellGift(gift, await sendGift(gift));
  await Promise.all([showBalance(), showStatement()]);
}

async function offerGifts() {
  const { status, body } = await call("v1/gift-catalogue", { cache: "default" });
  if (status !== 200 || body.gifts.length === 0) return;
  const form = at("gift-form");
  const option = (gift) => element("option", `${gift.name}: ${coinsText(gift.coins)}`, { value: gift.item_id });
  form.elements.item_id.replaceChildren(...body.gifts.map(option));
  form.onsubmit = (event) => {
    event.preventDefault();
    whileBusy(event.submitter ?? form.querySelector("button"), () => submitGift(form));
  };
  at("gift").hidden = false;
}

// ---- the pages ----------------------------------------------------------------------------------------------------

/** Disable a pressed button until the next page is loaded, or this one is shown again. */
function restPressedButtons() {
  document.addEventListener("submit", (event) => {
    if (event.target.method === "post" && event.submitter) event.submitter.disabled = true;
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form[method=post] button")) button.disabled = false;
  });
}

async function start() {
  restPressedButtons();
  const query = new URLSearchParams(location.search);
  const [purchase, membership] = [query.get("purchase"), query.get("membership")];
  if (at("purchase") && purchase) await watch(`v1/checkout-sessions/${encodeURIComponent(purchase)}`, tellPurchase);
  if (at("purchase") && membership) await watch("v1/membership", (answer) => tellMembership(membership, answer));
  const isSignedOut = document.querySelector("form[action=sign-in]") !== null;
  if (isSignedOut || !(await showBalance())) return;
  await Promise.all([showStatement(), at("gift") && offerGifts()]);
}

start();
