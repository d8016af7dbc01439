"""The pages of the front door itself: a message and the next step."""

from collections.abc import Mapping
from html import escape

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    # No form-action: it would block the redirect of the retry form to the payment provider's page.
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
{action}
<p><a href="/">Back to the shop</a></p>
</main>
</body>
</html>
"""


def page(title: str, text: str, action: str = "") -> str:
    """Render a page. `title` and `text` are escaped; `action` is trusted HTML, such as a form."""
    return _PAGE.format(title=escape(title), text=escape(text), action=action)


def retry_form(order: Mapping[str, str]) -> str:
    """Render a button that repeats the order with the same idempotency key."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n' for name, value in order.items()
    )
    return f'<form method="post" action="/buy" class="account">\n{fields}<button>Try again</button>\n</form>'
