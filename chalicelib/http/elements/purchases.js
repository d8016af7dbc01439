// A purchase: to the payment page, back from it, and until it is settled.

import { PREFIX, recall, remember, sleep } from "./client.js";

const FOLLOW_MS = 120_000;
const FINAL = ["posted", "failed", "expired"];
const PURCHASE = `${PREFIX}purchase`;

/** Open a checkout, and lead to the payment page. Returns the text to show if there is none. */
export async function buy(element, wish) {
  const { client, words } = element;
  const back = element.setting("return-url") ?? pageAddress();
  const order = { ...wish, ...(back && { return_url: back }) };
  let answer = await client.send("v1/checkout-sessions", order);
  if (answer.status === 400 && answer.body.field === "return_url") {
    console.warn("Coinpurse: the operator does not allow this page as return_url", order.return_url);
    delete order.return_url;
    answer = await client.send("v1/checkout-sessions", order);
  }
  if (answer.status !== 200 && answer.status !== 201) return element.refusal(answer, "unknownPurchase");
  const { id, url } = answer.body;
  remember(PURCHASE, { id, api: client.api });
  if (!url) {
    follow(element, id);
    return "";
  }
  const isOurs = element.emit("checkout", answer.body, true) && /^https?:/.test(url);
  if (isOurs) location.assign(url);
  return isOurs ? words.opening : "";
}

/** The address of this page without what an earlier return has left there. */
function pageAddress() {
  const url = new URL(location.href);
  for (const name of ["purchase", "canceled"]) url.searchParams.delete(name);
  return url.href;
}

/** The purchase that the page shows: its id and status, `waiting` until it is known. */
export let purchase = null;

// An uncertain purchase may never have been paid, so no event is dispatched before it is settled.
/** Poll a purchase until it is settled, and dispatch the event. One element does it for all. */
async function follow(element, id, isCertain = true) {
  if (purchase?.id === id) return;
  const { client } = element;
  const isCurrent = () => purchase?.id === id;
  const show = (status, facts = {}) => {
    purchase = { id, status, ...facts };
    document.dispatchEvent(new CustomEvent(`${PREFIX}purchase`, { detail: purchase }));
  };
  show(isCertain ? "waiting" : "");
  const end = Date.now() + FOLLOW_MS;
  for (let pause = 400; Date.now() < end && isCurrent(); pause = Math.min(pause * 1.5, 8000)) {
    const { status, body } = await client.call("GET", `v1/checkout-sessions/${encodeURIComponent(id)}`);
    if (status === 401 || status === 404) return show("");
    if (status === 200 && FINAL.includes(body.status)) {
      remember(PURCHASE, null);
      show(body.status, body);
      if (body.status !== "posted") return;
      element.emit("purchased", body);
      return client.refresh();
    }
    if (body.status === "processing") return show("processing", body);
    await sleep(pause);
  }
}

/** Notice the return from the payment page: by the address, or by what this tab remembers. */
export function noticeReturn(element) {
  const kept = recall(PURCHASE);
  const query = new URLSearchParams(location.search);
  const id = query.get("purchase");
  const isCanceled = query.has("canceled");
  if (isCanceled) {
    remember(PURCHASE, null);
    purchase = { status: "canceled" };
  } else if (id) follow(element, id);
  else if (kept?.api === element.client.api) follow(element, kept.id, false);
  if (id || isCanceled) history.replaceState(history.state, "", pageAddress());
}
