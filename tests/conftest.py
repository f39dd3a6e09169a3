"""For every test: one BLAS thread a process, because the tests share the machine with each other.

OpenBLAS's threads spin while they wait; two processes with two threads each on two cores spend
four fifths of their time on that (measured with perf on the training loop).
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
