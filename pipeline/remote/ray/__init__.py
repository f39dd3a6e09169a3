"""Training on a Ray cluster: the Jobs API from here, the driver over there."""
