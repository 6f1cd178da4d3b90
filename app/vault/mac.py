"""HMAC-SHA-256 (RFC 2104) under a key that is used again and again."""

import hmac


class Mac:
    """One key, ready for use: it is set up once, and not at every call as by `hmac.digest`."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    def digest(self, message: bytes) -> bytes:
        """The 32 bytes of the message's code."""
        code = self._keyed.copy()
        code.update(message)
        return code.digest()
