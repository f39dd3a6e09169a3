"""For every test: one BLAS thread a process, because the tests share the machine with each other; nothing is timed.

OpenBLAS's threads spin while they wait; two processes with two threads each on two cores spend
four fifths of their time on that (measured with perf on the training loop). Hypothesis takes a
slow machine for a slow test unless it is told; it tries the same examples each time, so that a commit is red
or green however often it is tested. `--hypothesis-profile search` looks for new ones.
"""

import os

from hypothesis import HealthCheck, settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeat", settings.get_profile("search"), derandomize=True)
settings.load_profile("repeat")
