"""Double of the platform's website in front of Coinpurse: signs fans in by cookie and forwards requests to the API.

`python -m infra.local.front_door --port 0 --api-url URL [--issuer-url URL]` prints `{"url": ...}` when it is ready.

- `upstream.py`: one HTTP exchange with the API, byte for byte, at most eight at a time.
- `site.py`: the routes: sign in, sign out, buy; all other requests are forwarded.
- `origin.py`: cross-site request forgery check for requests with the fan's cookie.
- `docs.py`: `/docs`, the API's description as a page.
- `html.py`: the pages of the front door itself.
"""
