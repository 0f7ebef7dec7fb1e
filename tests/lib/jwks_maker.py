# SPDX-License-Identifier: Apache-2.0
"""Private keys for a test, the public halves as JWKs, and tokens that PyJWT signs: none of it is our own code."""
import base64
import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CURVES = {"ES256": ("P-256", ec.SECP256R1, 32), "ES384": ("P-384", ec.SECP384R1, 48), "ES512": ("P-521", ec.SECP521R1, 66)}


def number(value, size=None):
    data = value.to_bytes(size or (value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    def __init__(self, algorithm, kid=None, bits=2048):
        self.algorithm, self.kid = algorithm, kid
        if algorithm == "EdDSA":
            self.key = ed25519.Ed25519PrivateKey.generate()
        elif algorithm in CURVES:
            self.key = ec.generate_private_key(CURVES[algorithm][1]())
        else:
            self.key = rsa.generate_private_key(65537, bits)

    def jwk(self, **more):
        public = self.key.public_key()
        if self.algorithm == "EdDSA":
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            members = {"kty": "OKP", "crv": "Ed25519", "x": number(int.from_bytes(raw, "big"), 32)}
        elif self.algorithm in CURVES:
            curve, _, size = CURVES[self.algorithm]
            point = public.public_numbers()
            members = {"kty": "EC", "crv": curve, "x": number(point.x, size), "y": number(point.y, size)}
        else:
            numbers = public.public_numbers()
            members = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        if self.kid is not None:
            members["kid"] = self.kid
        return {**members, "alg": self.algorithm, "use": "sig", **more}

    def pem(self):
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def token(self, sub="alice", roles=("user",), ttl=3600, **claims):
        """A claim given as None is left out."""
        now = int(time.time())
        payload = {"sub": sub, "roles": list(roles), "iat": now, "exp": now + ttl, **claims}
        headers = {"kid": self.kid} if self.kid is not None else None
        return jwt.encode({k: v for k, v in payload.items() if v is not None}, self.key, self.algorithm, headers)


def write_set(path, *keys):
    """Signers or finished JWKs."""
    with open(path, "w") as f:
        json.dump({"keys": [k.jwk() if isinstance(k, Signer) else k for k in keys]}, f)
    return str(path)
