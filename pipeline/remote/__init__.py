"""Training on another machine: the worker, what it is told, and how it is reached."""
