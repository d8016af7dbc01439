"""Stands for the platform's own site in front of Coinpurse: passes requests on, and keeps a signed-in fan.

`python -m infra.local.front_door --port 0 --api-url URL --issuer-url URL` prints `{"url": ...}` once it serves.

- `upstream.py`: one HTTP exchange with the API, byte for byte, at most eight at a time.
- `site.py`: the routes: sign in, sign out, buy; everything else goes to the API.
- `origin.py`: which requests may use the fan's cookie.
- `html.py`: the few pages of its own.
"""
