// Texts, numbers, dates and money in one language.

/** Texts by language: English, and those that were loaded. A page may add its own, with the same names. */
export const locales = {
  en: {
    coin: { one: "{n} coin", other: "{n} coins" },
    balance: "Balance",
    owed: "{coins} owed",
    signIn: "Sign in to continue.",
    order: "Buy",
    buy: "Buy {coins} for {price}",
    get: "Get {coins} for {price}",
    bonus: "{n} bonus",
    save: "Save {n}%",
    below: "{n}% below app price",
    popular: "Popular",
    other: "Other amount",
    opening: "Opening the payment page …",
    waiting: "Waiting for your payment to be confirmed …",
    posted: "{coins} added.",
    processing: "Your bank is working on the payment. {coins} will be added once it is confirmed.",
    failed: "The payment did not go through. Nothing was added.",
    expired: "The payment page expired. Nothing was added.",
    canceled: "You left before paying. Nothing was charged.",
    kind: "Kind",
    gift: "Gift",
    cheer: "Cheer",
    super_chat: "Super chat",
    all: "All",
    amount: "Amount",
    quantity: "Quantity",
    less: "Less",
    more: "More",
    message: "Message",
    left: "{n} left",
    tooLong: "{n} too many",
    anonymous: "Send anonymously",
    pinned: "Pinned for {time}",
    total: "Total",
    send: "Send",
    sending: "Sending …",
    sent: "{what} sent.",
    lack: "You lack {coins}:",
    getThem: "get them for {price}",
    range: "From {low} to {high}.",
    unavailable: "Not available right now.",
    again: "Try again",
    unknown: "We could not tell whether it arrived. Trying again is safe: it is not sent twice.",
    unknownPurchase: "The payment page could not be opened. You were not charged.",
    conflict: "Nothing was sent. Please try again.",
    refused: "This is not possible.",
    wallet_frozen: "Your wallet is frozen. Please contact support.",
    self_excluded: "You excluded yourself until {until}.",
    budget_reached: "This exceeds your own limit. It renews on {until}.",
    payment_unavailable: "Payment is not available right now.",
    too_many_open: "You have too many open payments until {until}.",
    self_gift: "You cannot give to yourself.",
  },
};

const SHIPPED = ["de", "es", "ja", "pt-BR", "ar"];
const RIGHT_TO_LEFT = /^(ar|fa|he|ur)\b/;
const loading = {};

/** Choose the language nearest to a wanted one, and load its texts. English if there is none, or it cannot be loaded. */
export async function loadLocale(wanted) {
  const base = wanted.split("-")[0].toLowerCase();
  const names = [...Object.keys(locales), ...SHIPPED];
  const lang =
    names.find((name) => name.toLowerCase() === wanted.toLowerCase()) ??
    names.find((name) => name.split("-")[0].toLowerCase() === base) ??
    "en";
  if (locales[lang]) return lang;
  loading[lang] ??= fetch(new URL(`coinpurse.${lang}.json`, import.meta.url)).then((reply) => reply.json());
  try {
    locales[lang] = await loading[lang];
    return lang;
  } catch {
    delete loading[lang];
    return "en";
  }
}

export class Words {
  constructor(wanted, lang, unit) {
    this.lang = lang;
    // The region stays for numbers and dates: de-AT is written in German, and counts as Austria does.
    this.format = wanted.split("-")[0] === lang.split("-")[0] ? wanted : lang;
    this.dir = RIGHT_TO_LEFT.test(this.lang) ? "rtl" : "ltr";
    this.unit = unit;
    this.table = { ...locales.en, ...locales[this.lang] };
    for (const [name, text] of Object.entries(this.table)) {
      if (typeof text === "string" && !text.includes("{")) this[name] ??= text;
    }
  }

  /** A text with its values: each isolated where the language is written from right to left, so that no sign changes sides. */
  say(name, values = {}) {
    const [first, last] = this.dir === "rtl" ? ["\u2068", "\u2069"] : ["", ""];
    return this.table[name].replace(/\{(\w+)\}/g, (_, key) => first + values[key] + last);
  }

  number(amount) {
    return amount.toLocaleString(this.format);
  }

  /** A number of units: in this language's words for coins, or by the names that the economy gives its unit. */
  coins(amount) {
    const n = this.number(amount);
    if (this.unit && this.unit.plural !== "coins")
      return `${n} ${amount === 1 ? this.unit.singular : this.unit.plural}`;
    const forms = this.table.coin;
    return (forms[new Intl.PluralRules(this.lang).select(amount)] ?? forms.other).replace("{n}", n);
  }

  money({ amount_minor: amount, currency, exponent }) {
    const text = (amount / 10 ** exponent).toLocaleString(this.format, { style: "currency", currency });
    // Without the mark, the last sign of "US$" would move to its other side.
    return this.dir === "rtl" ? `${text}\u200e` : text;
  }

  date(iso) {
    return new Date(iso).toLocaleString(this.format, { dateStyle: "medium", timeStyle: "short" });
  }

  duration(seconds) {
    const [value, unit] =
      seconds < 60 ? [seconds, "second"] : seconds < 3600 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
    return value.toLocaleString(this.format, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 1 });
  }
}
