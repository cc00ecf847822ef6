"""Whole projects in one process, without a chain: the same update, rule and reward code, and attacks to try on it.

>>> from simulation.experiment import load_experiment
>>> from simulation.engine import play
"""
