"""Identity: the signing key, the key set that publishes it, and signed id tokens.

The key is drawn from the seed, so that the same seed signs the same bytes.

Source: Google Identity guide, 'OpenID Connect'.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from math import gcd, isqrt, prod
from random import Random
from typing import TYPE_CHECKING

import orjson
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from sandbox.messages import Json

_EXPONENT = 65_537
_HALF_BITS = 1024
_SIEVE_LIMIT = 20_000


@lru_cache(maxsize=8)
def signing_key(seed: int) -> rsa.RSAPrivateKey:
    """The RSA key of a seed; drawing one takes a moment, so the last few are kept."""
    source = Random(f"signing-key/{seed}")  # noqa: S311  # nosec B311  # a key that must be the same each time
    odd_factors = prod(n for n in range(3, _SIEVE_LIMIT, 2) if all(n % d for d in range(3, isqrt(n) + 1, 2)))
    p, q = _prime(source, odd_factors), _prime(source, odd_factors)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        public,
    )
    return numbers.private_key()


def key_set(seed: int) -> Json:
    """The public half as a JSON Web Key Set."""
    numbers = signing_key(seed).public_key().public_numbers()
    key = {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": key_id(seed),
        "n": _base64url(numbers.n.to_bytes(2 * _HALF_BITS // 8, "big")),
        "e": _base64url(numbers.e.to_bytes(3, "big")),
    }
    return {"keys": [key]}


def key_id(seed: int) -> str:
    """The name of the key."""
    return hashlib.blake2b(f"key/{seed}".encode(), digest_size=20).hexdigest()


def signed(claims: Json, seed: int) -> str:
    """Claims as a compact JWT, RS256."""
    header = {"alg": "RS256", "kid": key_id(seed), "typ": "JWT"}
    text = ".".join(_base64url(orjson.dumps(part)) for part in (header, claims))
    signature = signing_key(seed).sign(text.encode(), padding.PKCS1v15(), SHA256())
    return f"{text}.{_base64url(signature)}"


def access_token_hash(token: str) -> str:
    """`at_hash`: the left half of the token's SHA-256.

    Source: OpenID Connect Core, section 3.1.3.6.
    """
    return _base64url(hashlib.sha256(token.encode()).digest()[:16])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _prime(source: Random, odd_factors: int) -> int:
    """A prime; candidates that share a factor with the product of small primes are skipped."""
    while True:
        candidate = source.getrandbits(_HALF_BITS) | (3 << (_HALF_BITS - 2)) | 1
        if gcd(candidate, odd_factors) != 1 or pow(2, candidate - 1, candidate) != 1:
            continue
        if candidate % _EXPONENT != 1 and _is_probably_prime(candidate, source):
            return candidate


def _is_probably_prime(candidate: int, source: Random) -> bool:
    """Miller-Rabin, with few rounds as large random candidates need few."""
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(3):
        value = pow(source.randrange(2, candidate - 1), odd, candidate)
        if value in {1, candidate - 1}:
            continue
        for _ in range(twos - 1):
            value = value * value % candidate
            if value == candidate - 1:
                break
        else:
            return False
    return True
