# SPDX-License-Identifier: Apache-2.0
"""JSON Web Tokens by hand, so that tests can also make the ones that no library would."""
import base64
import hashlib
import hmac
import json
import time


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(header, payload, secret, digest="sha256"):
    """header and payload: dict (encoded here) or bytes (taken as they are)."""
    parts = [p if isinstance(p, bytes) else json.dumps(p, separators=(",", ":")).encode()
             for p in (header, payload)]
    signed = b64url(parts[0]) + "." + b64url(parts[1])
    signature = hmac.new(secret, signed.encode(), getattr(hashlib, digest)).digest()
    return signed + "." + b64url(signature)


def token(secret, sub="alice", roles=("user",), ttl=3600, **claims):
    """An HS256 token. A claim given as None is left out: token(..., exp=None) has no exp."""
    now = int(time.time())
    payload = {"sub": sub, "roles": list(roles), "iat": now, "exp": now + ttl}
    payload.update(claims)
    payload = {k: v for k, v in payload.items() if v is not None}
    return compact({"alg": "HS256", "typ": "JWT"}, payload, secret)
