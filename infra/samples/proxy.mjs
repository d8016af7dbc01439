// A site's server in front of Coinpurse, for Node 18 or newer: it turns the sign-in cookie into a bearer token, and sells by
// plain forms. `API_URL=... ISSUER_URL=... SITE_URL=http://127.0.0.1:8080 PAY_URL=https://checkout.stripe.com node proxy.mjs`
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const { API_URL, ISSUER_URL, SITE_URL, PAY_URL } = process.env;
const POLICY = `default-src ${API_URL}/; connect-src 'self' ${API_URL}/; style-src 'self'; form-action 'self' ${PAY_URL}`;
const FILES = { "/": ["page.html", "text/html; charset=utf-8"], "/site.css": ["site.css", "text/css"] };

function uuid7() {
  const digits = `${Date.now().toString(16).padStart(12, "0")}7${randomBytes(10).toString("hex")}`;
  return digits.replace(/^(.{8})(.{4})(.{4}).(.{3})(.{12}).*$/, "$1-$2-$3-8$4-$5");
}

async function answer(request, reply) {
  const token = /\bfan=([\w.-]+)/.exec(request.headers.cookie)?.[1];
  const form = Object.fromEntries(new URLSearchParams(Buffer.concat(await request.toArray()).toString()));
  const path = request.url.split("?")[0];
  if (path === "/me/token") return reply(token ? 200 : 401, token);
  if (FILES[path]) {
    // The form has a key of its own, so that a form that is sent twice is one purchase.
    const text = await readFile(new URL(FILES[path][0], import.meta.url), "utf8");
    const headers = { "Content-Type": FILES[path][1], "Content-Security-Policy": POLICY };
    return reply(200, text.replace("$API", API_URL).replace("$KEY", uuid7()), headers);
  }
  // Forms of other sites come with the cookie, too; browsers name the site that sends a form.
  const isOwn = (request.headers["sec-fetch-site"] ?? "same-origin") === "same-origin";
  if (request.method !== "POST" || !isOwn) return reply(404, "Not found");
  if (path === "/sign-in") {
    const asked = { method: "POST", body: new URLSearchParams({ sub: form.name }) };
    const issued = await (await fetch(`${ISSUER_URL}/token`, asked)).json();
    return reply(303, "", { Location: "/", "Set-Cookie": `fan=${issued.access_token}; HttpOnly; SameSite=Lax` });
  }
  const { key, ...wish } = form;
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json", "Idempotency-Key": key };
  const body = JSON.stringify({ ...wish, return_url: `${SITE_URL}/` });
  const opened = await (await fetch(`${API_URL}/v1/checkout-sessions`, { method: "POST", headers, body })).json();
  if (opened.id) return reply(303, "", { Location: opened.url ?? `/?purchase=${opened.id}` });
  return reply(400, `${opened.title}. You were not charged.`);
}

createServer((request, response) => {
  const reply = (status, text = "", headers = {}) =>
    response.writeHead(status, { "Cache-Control": "no-store", ...headers }).end(text);
  answer(request, reply).catch(() => reply(502, "Go back, and try again."));
}).listen(new URL(SITE_URL).port, "127.0.0.1");
