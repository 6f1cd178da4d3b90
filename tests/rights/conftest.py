"""The same service and callers as the HTTP tests have."""

from tests.api.conftest import api, client, service

__all__ = ["api", "client", "service"]
