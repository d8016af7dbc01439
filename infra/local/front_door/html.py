"""The few pages that the front door has itself: plain, readable, and with a way on."""

from collections.abc import Mapping
from html import escape

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    # No form-action: a second try at paying is redirected to the payment provider, wherever its page is.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

SIGN_IN_FORM = """<form method="post" action="/sign-in" class="account fields">
<label>Name <input name="name" required maxlength="128" autocomplete="username"></label>
<button>Sign in</button>
</form>"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/assets/coinpurse.css">
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
{way_on}
<p><a href="/">Back to the shop</a></p>
</main>
</body>
</html>
"""


def page(title: str, text: str, way_on: str = "") -> str:
    """A page that says one thing. `title` and `text` are escaped here; `way_on` is HTML of ours."""
    return _PAGE.format(title=escape(title), text=escape(text), way_on=way_on)


def again_form(order: Mapping[str, str]) -> str:
    """A button that sends the same order, under the same key, again."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n' for name, value in order.items()
    )
    return f'<form method="post" action="/buy" class="account">\n{fields}<button>Try again</button>\n</form>'
