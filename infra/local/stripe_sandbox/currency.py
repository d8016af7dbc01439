"""Currencies: exponents, Stripe's minimum charges, and prices formatted for display."""

from .errors import ApiError

_ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
ZERO_DECIMAL = frozenset(_ZERO_DECIMAL.split())
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Currencies without a minor unit that Stripe's API still counts in hundredths.
SENT_IN_HUNDREDTHS = frozenset(["isk", "ugx"])

_TWO_DECIMAL = """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc
    cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd
    kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php
    pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs
    wst xcd yer zar zmw"""
SUPPORTED = ZERO_DECIMAL | THREE_DECIMAL | SENT_IN_HUNDREDTHS | frozenset(_TWO_DECIMAL.split())

MAX_AMOUNT_MINOR = 99_999_999
# Stripe's documented minimums, in minor units. In other currencies the minimum is 1.
_MIN_AMOUNT_MINOR = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip


def exponent(currency: str) -> int:
    """Return the number of decimals in the API's integer amounts: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def format_price(amount_minor: int, currency: str) -> str:
    """Format an amount: 74 usd as `USD 0.74`, 1000 jpy as `JPY 1,000`, 5000 isk as `ISK 50`."""
    places = exponent(currency)
    whole, fraction = divmod(amount_minor, 10**places)
    hidden = places == 0 or currency in SENT_IN_HUNDREDTHS
    return f"{currency.upper()} {whole:,}" + ("" if hidden else f".{fraction:0{places}d}")


def check_currency(currency: str, param: str) -> str:
    """Return the code in lower case. Raises ApiError if Stripe does not support it."""
    code = currency.lower()
    if code not in SUPPORTED:
        raise ApiError(f"Invalid currency: {code}. Stripe does not support it.", param=param)
    return code


def check_total(amount_minor: int, currency: str) -> None:
    """Raise ApiError for a total outside Stripe's limits. Zero is a free order, which has no charge."""
    smallest = _MIN_AMOUNT_MINOR.get(currency, 1)
    if 0 < amount_minor < smallest:
        message = f"The Checkout Session's total amount due must add up to at least {format_price(smallest, currency)}"
        raise ApiError(message, code="amount_too_small")
    if amount_minor > MAX_AMOUNT_MINOR:
        most = format_price(MAX_AMOUNT_MINOR, currency)
        raise ApiError(f"The Checkout Session's total amount due must be no more than {most}", code="amount_too_large")
    step = {**dict.fromkeys(SENT_IN_HUNDREDTHS, 100), **dict.fromkeys(THREE_DECIMAL, 10)}.get(currency, 1)
    if amount_minor % step:
        raise ApiError(f"Amounts in {currency} must be a multiple of {step} in its smallest unit.")
