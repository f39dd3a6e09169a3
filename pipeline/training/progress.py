"""What a training says while it runs, in one line a piece."""

from __future__ import annotations

from pipeline.training.backend import TrainingEvent

_LOSSES = {"step": "training loss", "valid": "validation loss", "finished": "training loss"}


def describe(event: TrainingEvent) -> str:
    """Return losses (nats a token), speed, memory and time left as a person reads them."""
    parts = []
    if event.loss is not None:
        parts.append(f"{_LOSSES.get(event.kind, 'loss')} {event.loss:.3f}")
    if event.tokens_per_second:
        parts.append(f"{event.tokens_per_second:,.0f} tokens/s")
    if event.peak_memory_bytes:
        parts.append(f"{event.peak_memory_bytes / 1e9:.1f} GB")
    if event.seconds_left is not None:
        parts.append(f"{duration(event.seconds_left)} left")
    return ", ".join(parts) or event.message or event.kind


def duration(seconds: float) -> str:
    """Return a duration in the two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
