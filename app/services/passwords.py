"""Passwords: how they are kept, compared and made. Argon2id with the library's current parameters."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import lru_cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from app.errors import Refused

SHORTEST, LONGEST = 10, 200
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without what is easily taken for something else: i, l, o, 0, 1."""
_hasher = PasswordHasher()
_at_once = BoundedSemaphore(4)
"""Each comparison takes 64 MB for a moment: no crowd of them may take the server's memory."""


@dataclass(frozen=True)
class Hashed:
    """What is kept of a password that may be used."""

    value: str


def chosen(password: str, name: str) -> Hashed:
    """What is kept of a password that somebody chose. It takes long on purpose: call it outside of any transaction.

    Raises:
        Refused: it is too short, too long, or hardly more than the name.
    """
    check(password, " ".join(name.split()))
    return Hashed(hashed(password))


def check(password: str, name: str) -> None:
    """Refuse a password that is too easily guessed.

    Raises:
        Refused: it is too short, too long, or hardly more than a name.
    """
    if len(password) < SHORTEST:
        raise Refused(f"A password must have at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise Refused(f"A password may have at most {LONGEST} characters.")
    if len(set(password)) < 5 or password.casefold().strip() in {name.casefold(), name.casefold() * 2}:
        raise Refused("This password is too easily guessed: choose another.")


def hashed(password: str) -> str:
    """What is kept of a password."""
    with _at_once:
        return _hasher.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password; with nothing to compare to it takes as long, so that it tells nobody who exists."""
    with _at_once:
        try:
            _hasher.verify(kept or _nobody(), password)
        except (VerifyMismatchError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether today's parameters are others than those it was made with."""
    return _hasher.check_needs_rehash(kept)


def one_time() -> str:
    """A password to hand over: 80 bits, in groups that can be read aloud."""
    letters = [secrets.choice(_ALPHABET) for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))
