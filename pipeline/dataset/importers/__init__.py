"""Public vulnerability sets, from files the user supplies."""
