"""Scores of contribution from the literature, each from its paper, to hold ours against (docs/reports/robustness.md).

A cooperative game is a function from coalitions to numbers. A coalition is a bit mask: bit `i` stands for trainer `i`.
"""
