"""The MLX backend: only `backend` is imported by the parent process, the rest runs in its child."""
