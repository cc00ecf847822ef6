"""The demo: a whole federated project on a local chain, with good, noisy and dishonest trainers.

Every figure of it is checked.
"""
