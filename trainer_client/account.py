"""What a trainer's account does on chain outside of rounds. Each function looks first and does only what is missing."""

from steelyard.chain.client import Marketplace
from steelyard.chain.token import Token
from steelyard.chain.transactions import Receipt
from steelyard.errors import ConfigError, TransactionRevertedError
from steelyard.keystore import Identity
from steelyard.types import Address

_PERMIT_SECONDS = 3_600


def deposit_stake(marketplace: Marketplace, token: Token, identity: Identity, amount: int) -> Receipt:
    """Adds to the account's free stake: with an ERC-2612 permit where the token takes one, else by approving first.

    Raises:
      ConfigError: the account has fewer tokens than that.
      TransactionRevertedError: the token or the marketplace refuses.
    """
    balance = token.get_balance(identity.address)
    if balance < amount:
        error = ConfigError(f"{identity.address} has {balance:,} token units, {amount:,} are to be staked")
        error.hint = f"Send it tokens of {token.address}."
        raise error
    if token.get_allowance(identity.address, marketplace.address) >= amount:
        return marketplace.deposit(token.address, amount)
    deadline = marketplace.get_timestamp() + _PERMIT_SECONDS
    try:
        permit = token.sign_permit(identity.account, marketplace.address, amount, deadline)
    except (TransactionRevertedError, ConfigError):
        token.approve(marketplace.address, amount)
        return marketplace.deposit(token.address, amount)
    return marketplace.deposit_with_permit(token.address, amount, permit)


def compute_missing_stake(marketplace: Marketplace, token: Address, account: Address, needed: int) -> int:
    """How much more free stake the account needs."""
    return max(0, needed - marketplace.get_stake(account, token).free)
