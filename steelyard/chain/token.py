"""An ERC-20 token, with ERC-2612 permits where it has them."""

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.types import BlockIdentifier

from steelyard.chain.client import Contract
from steelyard.chain.records import Permit
from steelyard.chain.transactions import Receipt, Sender
from steelyard.types import Address


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

    def sign_permit(self, account: LocalAccount, spender: Address, amount: int, deadline: int) -> Permit:
        """Signs that `spender` may take `amount` from `account` until `deadline`, in Unix seconds.

        The domain is read by EIP-5267, so that the token's own name and version are signed.
        """
        owner = Address(account.address)
        _, name, version, chain_id, contract, _, _ = self.read(
            tuple[bytes, str, str, int, Address, bytes, tuple[int, ...]], "eip712Domain"
        )
        message = encode_typed_data(
            domain_data={"name": name, "version": version, "chainId": chain_id, "verifyingContract": contract},
            message_types={
                "Permit": [
                    {"name": "owner", "type": "address"},
                    {"name": "spender", "type": "address"},
                    {"name": "value", "type": "uint256"},
                    {"name": "nonce", "type": "uint256"},
                    {"name": "deadline", "type": "uint256"},
                ]
            },
            message_data={
                "owner": owner,
                "spender": spender,
                "value": amount,
                "nonce": self.read(int, "nonces", owner),
                "deadline": deadline,
            },
        )
        signed = account.sign_message(message)
        return Permit(deadline=deadline, v=signed.v, r=signed.r.to_bytes(32), s=signed.s.to_bytes(32))
