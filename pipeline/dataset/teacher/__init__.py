"""Explanations written by a larger model, off by default, admitted only when their sources bear them."""
