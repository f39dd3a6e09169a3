"""Training a specialist: recipe, backend protocol, and the MLX backend."""
