"""Weighing in exact integers: from the Gram matrix to weights, contributions, pay and reputation (docs/rules.md)."""

from steelyard.rules.hints import encode_hints
from steelyard.rules.pay import Split, compute_num_byzantine, compute_shares
from steelyard.rules.registry import DEFAULT_RULE, ON_CHAIN_RULES, RULES, Rule, get_on_chain_rule, get_rule
from steelyard.rules.reputation import compute_absent_reputation, compute_reputations
from steelyard.rules.weighing import Verdict, Weighing

__all__ = [
    "DEFAULT_RULE",
    "ON_CHAIN_RULES",
    "RULES",
    "Rule",
    "Split",
    "Verdict",
    "Weighing",
    "compute_absent_reputation",
    "compute_num_byzantine",
    "compute_reputations",
    "compute_shares",
    "encode_hints",
    "get_on_chain_rule",
    "get_rule",
]
