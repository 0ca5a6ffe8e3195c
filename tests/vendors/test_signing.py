from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from leadferry.vendors.signing import sign_standard_webhook

KEY = b"twenty four bytes of key"


def expected(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_the_published_example_is_signed_as_published() -> None:
    """From docs.svix.com/receiving/verifying-payloads/how-manual, whose scheme became Standard Webhooks."""
    signature = sign_standard_webhook(
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1731705121,
        b'{"event_type":"ping","data":{"success":true}}',
    )
    assert signature == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_" + base64.b64encode(KEY).decode(), KEY),
        ("whsec_" + base64.b64encode(b"pad").decode().rstrip("="), b"pad"),
        ("a phrase of our own ☕", "a phrase of our own ☕".encode()),
        ("whsec_not base64!", b"whsec_not base64!"),
        ("whsec_abcde", b"whsec_abcde"),
    ],
    ids=["specified form", "padding left off", "any text", "prefix but no base64", "impossible length"],
)
def test_a_secret_is_base64_behind_its_prefix_and_else_its_own_bytes(secret: str, key: bytes) -> None:
    assert sign_standard_webhook(secret, "msg_1", 7, b"\xff\0") == expected(key, b"msg_1.7.\xff\0")


def test_every_part_is_signed() -> None:
    first = sign_standard_webhook("secret", "msg_1", 7, b"body")
    others = [("other", "msg_1", 7, b"body"), ("secret", "msg_2", 7, b"body"), ("secret", "msg_1", 8, b"body")]
    assert all(sign_standard_webhook(*other) != first for other in [*others, ("secret", "msg_1", 7, b"bodY")])
