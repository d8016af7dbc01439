"""API handlers for products and prices."""

from typing import cast

from stripe.params import (
    PriceCreateParams,
    PriceListParams,
    PriceRetrieveParams,
    ProductCreateParams,
    ProductListParams,
    ProductRetrieveParams,
)

from .call import Call, metadata_of, serve_only
from .currency import check_currency
from .errors import ApiError, JsonObject, ParamError
from .listing import expand, is_within, page
from .params import missing
from .product import Price, Product
from .recurring import Interval, Recurrence
from .store import Store, get, new_id


def create_product(call: Call) -> JsonObject:
    """Handle POST /v1/products.

    https://docs.stripe.com/api/products/create
    """
    params = call.decode(ProductCreateParams)
    serve_only(params, "active description expand id metadata name type")
    product = _add_product(call.store, params["name"], params.get("id"))
    product.description, product.active = params.get("description"), params.get("active", True)
    product.metadata = metadata_of(params.get("metadata"))
    call.store.emit("product.created", product)
    return expand(call.store, product.to_json(), params.get("expand", []))


def retrieve_product(call: Call) -> JsonObject:
    """Handle GET /v1/products/<id>."""
    params = call.decode(ProductRetrieveParams)
    return expand(call.store, get(call.store.products, "product", call.object_id).to_json(), params.get("expand", []))


def list_products(call: Call) -> JsonObject:
    """Handle GET /v1/products, by active or created."""
    params = call.decode(ProductListParams)
    serve_only(params, "active created ending_before expand limit starting_after")
    chosen = [
        product
        for product in reversed(call.store.products.values())
        if params.get("active") in (None, product.active) and is_within(product, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def create_price(call: Call) -> JsonObject:
    """Handle POST /v1/prices, for a product or with `product_data`.

    https://docs.stripe.com/api/prices/create
    """
    params = call.decode(PriceCreateParams)
    serve_only(
        params, "active currency expand metadata nickname product product_data recurring tax_behavior unit_amount"
    )
    if "unit_amount" not in params:
        raise missing("unit_amount")
    if params["unit_amount"] < 0:
        raise ApiError("Invalid non-negative integer", code="parameter_invalid_integer", param="unit_amount")
    price = Price(
        id=new_id("price_1"),
        currency=check_currency(params["currency"], "currency"),
        unit_amount=params["unit_amount"],
        created=call.store.now(),
        recurrence=_recurrence(params),
        tax_behavior=params.get("tax_behavior", "unspecified"),
        nickname=params.get("nickname"),
        active=params.get("active", True),
        metadata=metadata_of(params.get("metadata")),
        product=_product_of(call.store, params).id,
    )
    call.store.prices[price.id] = price
    call.store.emit("price.created", price)
    return expand(call.store, price.to_json(), params.get("expand", []))


def retrieve_price(call: Call) -> JsonObject:
    """Handle GET /v1/prices/<id>."""
    params = call.decode(PriceRetrieveParams)
    return expand(call.store, get(call.store.prices, "price", call.object_id).to_json(), params.get("expand", []))


def list_prices(call: Call) -> JsonObject:
    """Handle GET /v1/prices, by product, currency, active, type or created."""
    params = call.decode(PriceListParams)
    serve_only(params, "active created currency ending_before expand limit product starting_after type")
    chosen = [
        price
        for price in reversed(call.store.prices.values())
        if params.get("product") in (None, price.product)
        and params.get("currency") in (None, price.currency)
        and params.get("active") in (None, price.active)
        and params.get("type") in (None, "recurring" if price.recurrence else "one_time")
        and is_within(price, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def _recurrence(params: PriceCreateParams) -> Recurrence | None:
    if "recurring" not in params:
        return None
    recurring = params["recurring"]
    recurrence = Recurrence(cast("Interval", recurring["interval"]), recurring.get("interval_count", 1))
    recurrence.check("recurring[interval_count]")
    return recurrence


def _product_of(store: Store, params: PriceCreateParams) -> Product:
    if ("product" in params) == ("product_data" in params):
        raise ParamError("You must specify either `product` or `product_data` when creating a price.")
    if "product" in params:
        return get(store.products, "product", params["product"], "product", status=400)
    product = _add_product(store, params["product_data"]["name"], params["product_data"].get("id"))
    store.emit("product.created", product)
    return product


def _add_product(store: Store, name: str, product_id: str | None) -> Product:
    if product_id in store.products:
        raise ApiError("Product already exists.", code="resource_already_exists", param="id")
    product = Product(id=product_id or new_id("prod_", 14), name=name, created=store.now())
    store.products[product.id] = product
    return product
