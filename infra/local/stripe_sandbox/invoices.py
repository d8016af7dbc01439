"""API handlers for invoices and their payments. They are read-only: subscriptions create them."""

from stripe.params import (
    InvoiceListParams,
    InvoicePaymentListParams,
    InvoicePaymentRetrieveParams,
    InvoiceRetrieveParams,
)

from .call import Call, refuse
from .errors import JsonObject, ParamError
from .listing import expand, is_within, page
from .store import get


def retrieve_invoice(call: Call) -> JsonObject:
    """Handle GET /v1/invoices/<id>."""
    params = call.decode(InvoiceRetrieveParams)
    invoice = get(call.store.invoices, "invoice", call.object_id, "invoice")
    return expand(call.store, invoice.to_json(), params.get("expand", []))


def list_invoices(call: Call) -> JsonObject:
    """Handle GET /v1/invoices, by subscription, customer, status or created."""
    params = call.decode(InvoiceListParams)
    refuse(params, "collection_method customer_account due_date")
    chosen = [
        invoice
        for invoice in reversed(call.store.invoices.values())
        if params.get("subscription") in (None, invoice.subscription)
        and params.get("customer") in (None, invoice.customer)
        and params.get("status") in (None, invoice.status)
        and is_within(invoice, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def retrieve_invoice_payment(call: Call) -> JsonObject:
    """Handle GET /v1/invoice_payments/<id>."""
    params = call.decode(InvoicePaymentRetrieveParams)
    payment = get(call.store.invoice_payments, "invoice_payment", call.object_id, "invoice_payment")
    return expand(call.store, payment.to_json(), params.get("expand", []))


def list_invoice_payments(call: Call) -> JsonObject:
    """Handle GET /v1/invoice_payments, by payment, invoice, status or created."""
    params = call.decode(InvoicePaymentListParams)
    intent = _intent_of(params)
    chosen = [
        payment
        for payment in reversed(call.store.invoice_payments.values())
        if intent in (None, payment.payment_intent)
        and params.get("invoice") in (None, payment.invoice)
        and params.get("status") in (None, payment.status)
        and is_within(payment, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def _intent_of(params: InvoicePaymentListParams) -> str | None:
    payment = params.get("payment")
    if payment is None:
        return None
    if payment["type"] != "payment_intent" or "payment_intent" not in payment or "payment_record" in payment:
        raise ParamError("The sandbox finds payments by `payment[payment_intent]` only.", param="payment[type]")
    return payment["payment_intent"]
