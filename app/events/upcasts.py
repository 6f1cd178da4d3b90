"""Old payload versions read as the current one: pure, applied at read, never to stored bytes."""

from collections.abc import Callable, Mapping
from typing import Any

Upcast = Callable[[Mapping[str, Any]], dict[str, Any]]

UPCASTS: dict[tuple[str, int], Upcast] = {}
"""(wire name, version) -> the payload of the next version. A published version is never edited."""
