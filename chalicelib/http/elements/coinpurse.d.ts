/** Types of /assets/coinpurse.js: custom elements that sell coins and send gifts on any site. */

/** A bearer token, or null for a fan who is signed out. `isRefused`: the last one was refused, so fetch a new one. */
export type Token =
    string | null | ((state: { isRefused: boolean }) => string | null | undefined | Promise<string | null | undefined>);

export interface Price {
    amount_minor: number;
    currency: string;
    exponent: number;
}

/** As in `GET /v1/checkout-sessions/{id}`. */
export interface Checkout {
    id: string;
    status: "pending" | "processing" | "posted" | "failed" | "expired";
    bundle_id: string;
    coins: number;
    price: Price;
    expires_at: string;
    url: string | null;
}

/** As in `GET /v1/gifts/{id}`. */
export interface Gift {
    id: string;
    event_id: string;
    kind: "gift" | "cheer" | "super_chat";
    coins: number;
    creator_id: string;
    item_id: string | null;
    quantity: number;
    message: string;
    anonymous: boolean;
    sender_name: string | null;
    stream_id: string | null;
    streak_id: string | null;
    color: string | null;
    pin_seconds: number;
    sent_at: string;
}

/** A problem document. `status` is 0 without an answer. */
export interface Problem {
    status: number;
    code?: string;
    title?: string;
    detail?: string;
    field?: string;
    rule?: string;
    [fact: string]: unknown;
}

/** The purchase that the fan came back from. */
export interface PurchaseState extends Partial<Omit<Checkout, "status">> {
    status: "" | "waiting" | "canceled" | "processing" | "posted" | "failed" | "expired";
}

/**
 * Attributes of every element; each is also read from the nearest element around it:
 * - `token-from`: an address of the page's own site that returns the fan's token, as text or as JSON with `access_token` or
 *   `token`; 401 for a fan who is signed out. Without it and without `token`, requests carry no token: a proxy adds it.
 * - `sign-in`: the page where a fan signs in, shown as a link (part `sign-in`) to fans who are signed out.
 * - `api`: the API's address, by default that of the module. `lang`: language, by default the page's.
 * - `currency`: by default the one that the API quotes in.
 * - `return-url`: where the payment page leads back to, by default this page; empty for the shop's own pages.
 *
 * The content of an element is shown until it runs, so it is the place of a plain form. `slot="sign-in"` is shown to fans
 * who are signed out, in place of the link.
 */
export declare class CoinElement extends HTMLElement {
    token: Token | undefined;
    /** Begin anew, for example after the fan, or another one, has signed in. */
    restart(): void;
}

/** `<coin-balance>`: what the fan has, kept up to date. Parts: `balance`, `count`, `owed`, `image`. */
export declare class CoinBalance extends CoinElement {}

/** `<coin-shop>`: all bundles, and any other amount. Parts: `bundles`, `bundle`, `featured`, `ribbon`, `coins`, `badge`, `price`, `custom`, `label`, `input`, `hint`, `button`, `status`, `again`, `image`. */
export declare class CoinShop extends CoinElement {}

/** `<coin-button bundle="coins_70">`, or `coins="85"`, or `bundle` with `quantity`. Parts: `button`, `status`, `again`, `image`. */
export declare class CoinButton extends CoinElement {}

/** `<gift-panel creator="cleo" stream="live" sender-name="Ann">`. Parts: `panel`, `tabs`, `tab`, `balance`, `gifts`, `gift`, `featured`, `gift-name`, `gift-coins`, `gift-price`, `stepper`, `step`, `chip`, `tier`, `label`, `input`, `hint`, `checkbox`, `total`, `button`, `lack`, `get`, `status`, `again`, `stage`, `count`, `image`. */
export declare class GiftPanel extends CoinElement {}

/**
 * All elements take these custom properties: `--coinpurse-accent`, `--coinpurse-on-accent`, `--coinpurse-surface`,
 * `--coinpurse-ink`, `--coinpurse-soft`, `--coinpurse-line`, `--coinpurse-good`, `--coinpurse-bad`, `--coinpurse-badge`,
 * `--coinpurse-on-badge`, `--coinpurse-radius`, `--coinpurse-font`. They follow the page's `color-scheme`.
 */
export interface Settings {
    token?: Token;
    api?: string;
    lang?: string;
    currency?: string;
    returnUrl?: string;
    signIn?: string;
    senderName?: string;
}

/** Set defaults for all elements of the page. Attributes and properties come first. */
export declare function configure(settings: Settings): void;

/** Texts by language. A page may add its own, with the names of `en`. */
export declare const locales: Record<string, Record<string, string | Record<string, string>>>;

/** Make an idempotency key by the server's clock. */
export declare function uuid7(): string;

/** Events bubble from the element to the document; `coinpurse:purchase` is dispatched on the document. */
export interface CoinpurseEvents {
    /** A checkout is open. Cancel it to open the payment page yourself. */
    "coinpurse:checkout": CustomEvent<Checkout>;
    /** A payment is confirmed and its coins are there. */
    "coinpurse:purchased": CustomEvent<Checkout>;
    "coinpurse:purchase": CustomEvent<PurchaseState>;
    "coinpurse:gift-sent": CustomEvent<Gift>;
    "coinpurse:error": CustomEvent<Problem>;
    /** The fan has to sign in. */
    "coinpurse:sign-in": CustomEvent<undefined>;
}

declare global {
    interface HTMLElementTagNameMap {
        "coin-balance": CoinBalance;
        "coin-shop": CoinShop;
        "coin-button": CoinButton;
        "gift-panel": GiftPanel;
    }
    interface DocumentEventMap extends CoinpurseEvents {}
    interface HTMLElementEventMap extends CoinpurseEvents {}
    interface WindowEventMap extends CoinpurseEvents {}
}
