"""Passwords, session tokens and API keys."""

import hashlib
import hmac
import secrets
import string
from datetime import datetime, timedelta, timezone

import jwt

TOKEN_ALPHABET = string.ascii_letters + string.digits
SESSION_HOURS = 12


def hash_password(password, salt):
    """The stored form of a password."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), 600_000).hex()


def check_password(password, salt, stored):
    """Whether the password belongs to the stored hash."""
    return hmac.compare_digest(hash_password(password, salt), stored)


def reset_token(length=24):
    """A token for the password reset mail."""
    return "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(length))


def issue_session(user_id, key):
    """A signed session token for this user."""
    expires = datetime.now(timezone.utc) + timedelta(hours=SESSION_HOURS)
    return jwt.encode({"sub": str(user_id), "exp": expires}, key, algorithm="HS256")


def read_session(token, key):
    """The claims of a session token."""
    return jwt.decode(token, key, algorithms=["HS256"])


def verify_webhook(body, signature, secret):
    """Whether the payment provider really sent this body."""
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)


def require_role(user, role):
    """Stop the request unless the user has the role."""
    assert role in user["roles"], "not allowed"
    return user
