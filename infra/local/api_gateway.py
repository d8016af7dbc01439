"""Behavior of API Gateway that the front door and `make serve` both imitate."""

from collections.abc import Mapping
from types import MappingProxyType

RENAMED_HEADERS: Mapping[str, str] = MappingProxyType({"www-authenticate": "x-amzn-Remapped-WWW-Authenticate"})
"""Response headers that API Gateway sends under another name, by lowercase name.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""
