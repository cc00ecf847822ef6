"""EIP-1559 fees: what to offer, and when to raise an offer. Pure; all amounts in wei a gas."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction offers."""

    max_fee: int
    tip: int


def compute_fees(base_fee: int, tip: int, cap: int) -> Fees:
    """An offer that stays good while the base fee doubles, within the cap."""
    return Fees(max_fee=min(2 * base_fee + tip, cap), tip=min(tip, cap))


def compute_bump(fees: Fees, base_fee: int, tip: int, bump_percent: int, cap: int) -> Fees | None:
    """An offer that replaces `fees`, at least `bump_percent` higher in both parts as nodes demand.

    Returns:
      None where `fees` still pay today's price (a slow chain alone raises nothing) or the cap forbids a replacement.
    """
    if base_fee + tip <= fees.max_fee and tip <= fees.tip:
        return None
    least = _raise(fees.max_fee, bump_percent)
    if least > cap:
        return None
    raised_tip = min(max(tip, _raise(fees.tip, bump_percent)), cap)
    return Fees(max_fee=min(max(2 * base_fee + tip, least, raised_tip), cap), tip=raised_tip)


def _raise(amount: int, percent: int) -> int:
    return -(-amount * (100 + percent) // 100)
