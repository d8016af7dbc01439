"""Products and prices: state and JSON."""

from dataclasses import dataclass, field

from .errors import JsonObject
from .recurring import Recurrence

_PRODUCT_NULLS = "default_price package_dimensions shippable statement_descriptor tax_code tax_details unit_label url"
_PRICE_NULLS = "custom_unit_amount lookup_key tiers_mode transform_quantity"


@dataclass
class Product:
    id: str
    name: str
    created: int
    description: str | None = None
    active: bool = True
    metadata: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        return {
            **dict.fromkeys(_PRODUCT_NULLS.split()),
            "id": self.id,
            "object": "product",
            "active": self.active,
            "created": self.created,
            "description": self.description,
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": dict(self.metadata),
            "name": self.name,
            "type": "service",
            "updated": self.created,
        }


@dataclass
class Price:
    """A price per unit of a product, in minor units."""

    id: str
    product: str
    currency: str
    unit_amount: int
    created: int
    recurrence: Recurrence | None = None
    tax_behavior: str = "unspecified"
    nickname: str | None = None
    active: bool = True
    metadata: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        return {
            **dict.fromkeys(_PRICE_NULLS.split()),
            "id": self.id,
            "object": "price",
            "active": self.active,
            "billing_scheme": "per_unit",
            "created": self.created,
            "currency": self.currency,
            "livemode": False,
            "metadata": dict(self.metadata),
            "nickname": self.nickname,
            "product": self.product,
            "recurring": self.recurrence.to_json() if self.recurrence else None,
            "tax_behavior": self.tax_behavior,
            "type": "recurring" if self.recurrence else "one_time",
            "unit_amount": self.unit_amount,
            "unit_amount_decimal": str(self.unit_amount),
        }
