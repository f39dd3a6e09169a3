"""From scanner artifacts to two specialists: the stages, and the flow that orders them."""
