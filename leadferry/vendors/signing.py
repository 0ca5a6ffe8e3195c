"""The signature of Standard Webhooks, by which a receiver knows that a message is ours and unchanged.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"


def sign_standard_webhook(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature`` for exactly these bytes.

    ``timestamp`` is when this try is made, in Unix seconds, and goes out as ``webhook-timestamp``; ``message_id`` goes
    out as ``webhook-id``, is the same at every repeat, and must hold no full stop, which is what separates the parts.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    """`whsec_` and base64 is the specification's form of a secret; any other text stands for its own bytes."""
    encoded = secret.removeprefix(_PREFIX)
    if encoded != secret:
        try:
            return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
