"""The trainer for CUDA machines: `python -m pipeline.remote.worker --spec spec.json`, alone or under torchrun.

`claims`, `journal` and `entry` are cheap to import; the rest needs torch.
"""
