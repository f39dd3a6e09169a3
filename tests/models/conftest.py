"""A real BLAS in front of MLX for this process."""

from pipeline.models import blas

blas.load()
