"""The learning report: plans of simulated projects, their outcomes as CSV files, and docs/reports/robustness.md.

`runs` plays what `plans/` asks for, `fidelity` compares the pay with other scores, `tables` and `figures` show both,
and `page` puts them together. `python -m scripts.report` does all of it.
"""
