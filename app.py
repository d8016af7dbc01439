"""The Chalice app: mounts the blueprints and registers the workers."""

from chalice.app import Chalice

from chalicelib.http import routing
from chalicelib.http.routes import (
    budgets,
    checkout,
    giving,
    memberships,
    meta,
    operators,
    prices,
    shop,
    wallet,
    webhooks,
)
from chalicelib.services import services
from chalicelib.workers import workers

app = Chalice(app_name="coinpurse")
api = routing.Api(app, services)
api.mount(
    checkout.api,
    meta.api,
    webhooks.api,
    memberships.api,
    wallet.api,
    giving.api,
    prices.api,
    budgets.api,
    operators.api,
    shop.api,
)
app.register_blueprint(workers)
services.start()
