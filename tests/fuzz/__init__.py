"""Coverage-guided fuzzing; needs `atheris`, which is no dependency of the project."""
