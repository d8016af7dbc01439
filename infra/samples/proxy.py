"""The server of proxy.mjs in Python 3.9 or newer. It takes the same environment variables: `python3 proxy.py`."""

import json
import os
from pathlib import Path
from time import time_ns
from urllib import error, parse, request
from wsgiref.simple_server import make_server

API_URL, ISSUER_URL, SITE_URL, PAY_URL = (os.environ[f"{name}_URL"] for name in ("API", "ISSUER", "SITE", "PAY"))
POLICY = f"default-src {API_URL}/; connect-src 'self' {API_URL}/; style-src 'self'; form-action 'self' {PAY_URL}"
FILES = {"/": ("page.html", "text/html; charset=utf-8"), "/site.css": ("site.css", "text/css")}


def uuid7():
    digits = f"{time_ns() // 10**6:012x}7{os.urandom(2).hex()[1:]}8{os.urandom(8).hex()[1:]}"
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


def post(url, body, **headers):
    try:
        return json.load(request.urlopen(request.Request(url, body.encode(), headers)))
    except error.HTTPError as refused:
        return json.load(refused)


def site(environ, start):
    def reply(status, text="", *headers):
        start(status, [("Cache-Control", "no-store"), *headers])
        return [text.encode()]

    form = dict(parse.parse_qsl(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()))
    path = environ["PATH_INFO"]
    token = dict(parse.parse_qsl(environ.get("HTTP_COOKIE", "").replace("; ", "&"))).get("fan", "")
    if path == "/me/token":
        return reply("200 OK" if token else "401 Unauthorized", token)
    if path in FILES:
        # The form has a key of its own, so that a form that is sent twice is one purchase.
        text = Path(__file__).with_name(FILES[path][0]).read_text().replace("$API", API_URL).replace("$KEY", uuid7())
        return reply("200 OK", text, ("Content-Type", FILES[path][1]), ("Content-Security-Policy", POLICY))
    # Forms of other sites come with the cookie, too; browsers name the site that sends a form.
    if environ["REQUEST_METHOD"] != "POST" or environ.get("HTTP_SEC_FETCH_SITE", "same-origin") != "same-origin":
        return reply("404 Not Found", "Not found")
    if path == "/sign-in":
        token = post(f"{ISSUER_URL}/token", parse.urlencode({"sub": form["name"]}))["access_token"]
        return reply("303 See Other", "", ("Location", "/"), ("Set-Cookie", f"fan={token}; HttpOnly; SameSite=Lax"))
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": form.pop("key")}
    opened = post(f"{API_URL}/v1/checkout-sessions", json.dumps({**form, "return_url": f"{SITE_URL}/"}), **sent)
    if "id" in opened:
        return reply("303 See Other", "", ("Location", opened["url"] or f"/?purchase={opened['id']}"))
    return reply("400 Bad Request", f"{opened['title']}. You were not charged.")


make_server("127.0.0.1", int(SITE_URL.rpartition(":")[2]), site).serve_forever()
