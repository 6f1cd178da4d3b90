"""The code under a key set up once is the code of RFC 2104."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from app.vault.mac import Mac


@given(st.binary(max_size=140), st.lists(st.binary(max_size=200), max_size=4))
def test_every_message_has_the_code_that_the_standard_library_gives_it(
    key: bytes, messages: list[bytes]
) -> None:
    mac = Mac(key)

    codes = [mac.digest(message) for message in messages]

    assert codes == [hmac.digest(key, message, hashlib.sha256) for message in messages]


def test_a_key_shows_nothing_of_itself() -> None:
    assert "secret" not in repr(Mac(b"secret"))
