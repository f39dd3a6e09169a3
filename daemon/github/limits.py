"""Rate limits: when GitHub may be asked again, by its own headers and against its own clock."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from daemon.clock import Clock
from daemon.errors import RateLimited

SECONDARY_FIRST = 60.0
SECONDARY_MOST = 3600.0
DIGITS = 19
LONGEST = 86_400.0  # no window of GitHub's is longer: a header that says so is wrong, or a clock was


class Limits:
    """What is known of one token's limits. Times are local seconds since 1970; `skew` is GitHub's minus ours."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.limit: int | None = None
        self.remaining: int | None = None
        self.resets_at: float | None = None
        self.blocked_until = 0.0
        self.skew = 0.0
        self._refusals = 0

    def server_now(self) -> float:
        """Return the time by GitHub's clock, as its newest answer told it."""
        return self.clock.now() + self.skew

    def check(self) -> None:
        """Raise RateLimited while GitHub has asked for silence."""
        if 0.0 < self.blocked_until - self.clock.now() <= LONGEST:
            raise self._limited("GitHub's rate limit is reached")

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take in an answer's headers."""
        date = _moment(headers.get("Date"))
        if date is not None:
            self.skew = date - self.clock.now()
        self.limit = _number(headers.get("x-ratelimit-limit"), self.limit)
        self.remaining = _number(headers.get("x-ratelimit-remaining"), self.remaining)
        reset = _number(headers.get("x-ratelimit-reset"), None)
        self.resets_at = self.resets_at if reset is None else reset - self.skew

    def accepted(self) -> None:
        """Record that a request was answered; the next refusal starts from the shortest wait again."""
        self._refusals = 0

    def refused(self, headers: Mapping[str, str]) -> RateLimited:
        """Record a 403 or 429 that is a limit; return the error that says until when."""
        self._refusals += 1
        self.blocked_until = self.clock.now() + min(self._wait(headers), LONGEST)
        return self._limited("GitHub asks for a pause")

    def _wait(self, headers: Mapping[str, str]) -> float:
        """Return the seconds to wait: what is asked for, at least a second and longer after each refusal."""
        again = 2.0 ** min(self._refusals - 1, 12)
        asked = self._asked(headers)
        if asked is not None and asked > 0.0:
            return max(asked, min(SECONDARY_MOST, again))
        return min(SECONDARY_MOST, SECONDARY_FIRST * again)

    def _asked(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds that the headers ask for, None when they don't; a moment that has passed asks nothing."""
        text = headers.get("Retry-After")
        seconds, moment = _number(text, None), _moment(text)
        if seconds is not None:
            return float(seconds)
        if moment is not None:
            return moment - self.server_now()
        if headers.get("x-ratelimit-remaining") == "0" and self.resets_at is not None:
            return self.resets_at - self.clock.now() + 1.0
        return None

    def _limited(self, what: str) -> RateLimited:
        seconds = max(0.0, self.blocked_until - self.clock.now())
        return RateLimited(f"{what}; {seconds:.0f} seconds are left.", "It goes on by itself.", self.blocked_until)


def is_limit(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell a limit from a refusal: both are 403, and a secondary limit may carry no header at all."""
    if status == 429 or headers.get("Retry-After") or headers.get("x-ratelimit-remaining") == "0":
        return True
    text = body[:2000].lower()
    return status == 403 and (b"rate limit" in text or b"abuse detection" in text)


def _number(text: str | None, otherwise: int | None) -> int | None:
    return int(text) if text and text.strip().isdecimal() and len(text) < DIGITS else otherwise


def _moment(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (TypeError, ValueError, OverflowError):
        return None
