"""An ERC-20 token, with ERC-2612 permits where it has them."""

from dataclasses import dataclass
from typing import Any

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.types import BlockIdentifier

from steelyard.chain.client import Contract
from steelyard.chain.records import Permit
from steelyard.chain.transactions import Receipt, Sender
from steelyard.types import Address


@dataclass(frozen=True, slots=True)
class PermitDomain:
    """What a token's permits are signed for (EIP-712)."""

    name: str
    version: str
    chain_id: int
    contract: Address


def build_permit(
    domain: PermitDomain, owner: Address, spender: Address, amount: int, nonce: int, deadline: int
) -> dict[str, Any]:
    """The typed data (EIP-712) of a permit (ERC-2612), as `eth_signTypedData_v4` takes it.

    Args:
      nonce: the owner's next one in the token.
      deadline: Unix seconds.
    """
    names = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
    fields = {"owner": "address", "spender": "address", "value": "uint256", "nonce": "uint256", "deadline": "uint256"}
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in names.items()],
            "Permit": [{"name": name, "type": kind} for name, kind in fields.items()],
        },
        "primaryType": "Permit",
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        "message": {"owner": owner, "spender": spender, "value": amount, "nonce": nonce, "deadline": deadline},
    }


class Token(Contract):
    """An ERC-20 at an address. Amounts are in its smallest unit."""

    def __init__(self, web3: Web3, address: Address, *, sender: Sender | None = None) -> None:
        super().__init__(web3, address, "TestToken", sender)

    def as_sender(self, sender: Sender) -> "Token":
        """The same token for another account."""
        return Token(self.web3, self.address, sender=sender)

    def get_symbol(self) -> str:
        return self.read(str, "symbol")

    def get_decimals(self) -> int:
        return self.read(int, "decimals")

    def get_balance(self, account: Address, block: BlockIdentifier = "latest") -> int:
        return self.read(int, "balanceOf", account, block=block)

    def get_allowance(self, owner: Address, spender: Address, block: BlockIdentifier = "latest") -> int:
        return self.read(int, "allowance", owner, spender, block=block)

    def approve(self, spender: Address, amount: int) -> Receipt:
        return self.write("approve", spender, amount)

    def transfer(self, recipient: Address, amount: int) -> Receipt:
        return self.write("transfer", recipient, amount)

    def mint(self, account: Address, amount: int) -> Receipt:
        """Makes tokens out of nothing: the test token alone can."""
        return self.write("mint", account, amount)

    def get_permit_domain(self) -> PermitDomain:
        """By EIP-5267, so that the token's own name and version are signed.

        Raises:
          ChainError: the token does not say.
        """
        _, name, version, chain_id, contract, _, _ = self.read(
            tuple[bytes, str, str, int, Address, bytes, tuple[int, ...]], "eip712Domain"
        )
        return PermitDomain(name, version, chain_id, contract)

    def get_permit_nonce(self, owner: Address) -> int:
        return self.read(int, "nonces", owner)

    def sign_permit(self, account: LocalAccount, spender: Address, amount: int, deadline: int) -> Permit:
        """Signs that `spender` may take `amount` from `account` until `deadline`, in Unix seconds."""
        owner = Address(account.address)
        nonce = self.get_permit_nonce(owner)
        message = build_permit(self.get_permit_domain(), owner, spender, amount, nonce, deadline)
        signed = account.sign_message(encode_typed_data(full_message=message))
        return Permit(deadline=deadline, v=signed.v, r=signed.r.to_bytes(32), s=signed.s.to_bytes(32))
