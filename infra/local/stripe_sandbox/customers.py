"""API handlers for customers. Paying for a subscription creates one too."""

from stripe.params import (
    CustomerCreateParams,
    CustomerListParams,
    CustomerRetrieveParams,
    CustomerUpdateParams,
)

from .call import Call, metadata_of, refuse, serve_only
from .customer import Customer
from .errors import JsonObject
from .listing import expand, is_within, page
from .refunds import merge_metadata
from .store import get, new_id

_SERVED = "description email expand metadata name phone"


def create_customer(call: Call) -> JsonObject:
    """Handle POST /v1/customers.

    https://docs.stripe.com/api/customers/create
    """
    params = call.decode(CustomerCreateParams)
    serve_only(params, _SERVED)
    customer = Customer(
        id=new_id("cus_", 14),
        email=params.get("email"),
        currency=None,
        created=call.store.now(),
        name=params.get("name"),
        description=params.get("description"),
        phone=params.get("phone"),
        metadata=metadata_of(params.get("metadata")),
    )
    call.store.customers[customer.id] = customer
    call.store.emit("customer.created", customer)
    return expand(call.store, customer.to_json(), params.get("expand", []))


def update_customer(call: Call) -> JsonObject:
    """Handle POST /v1/customers/<id>.

    https://docs.stripe.com/api/customers/update
    """
    params = call.decode(CustomerUpdateParams)
    serve_only(params, f"balance {_SERVED}")
    customer = get(call.store.customers, "customer", call.object_id)
    before = customer.to_json()
    customer.email = params.get("email", customer.email)
    customer.balance = params.get("balance", customer.balance)
    customer.name = params.get("name", customer.name)
    customer.description = params.get("description", customer.description)
    customer.phone = params.get("phone", customer.phone)
    if "metadata" in params:
        merge_metadata(customer.metadata, params["metadata"])
    call.store.emit_change("customer.updated", customer, before)
    return expand(call.store, customer.to_json(), params.get("expand", []))


def retrieve_customer(call: Call) -> JsonObject:
    """Handle GET /v1/customers/<id>."""
    params = call.decode(CustomerRetrieveParams)
    customer = get(call.store.customers, "customer", call.object_id)
    return expand(call.store, customer.to_json(), params.get("expand", []))


def list_customers(call: Call) -> JsonObject:
    """Handle GET /v1/customers, by email or created."""
    params = call.decode(CustomerListParams)
    refuse(params, "test_clock")
    chosen = [
        customer
        for customer in reversed(call.store.customers.values())
        if params.get("email") in (None, customer.email) and is_within(customer, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))
