"""API handlers for customers. They are read-only: paying for a subscription creates its customer."""

from stripe.params import CustomerListParams, CustomerRetrieveParams

from .call import Call, refuse
from .errors import JsonObject
from .listing import expand, is_within, page
from .store import get


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
