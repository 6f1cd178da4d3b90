"""The service in this process, for faults that are made inside it."""

from tests.api.conftest import api, client, service

__all__ = ["api", "client", "service"]
