"""Whose signature a text has: a key's, or a contract wallet's by its own word (EIP-191, ERC-1271)."""

from eth_account import Account
from eth_account.messages import SignableMessage, encode_defunct
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from backend.node import Node
from steelyard.types import Address


def is_signed_by(account: Address, text: str, signature: bytes, node: Node) -> bool:
    """Whether an account stands for a text.

    A key's signature is told from its bytes alone. The chain is asked only about what is none of the account's.

    Raises:
      ChainError: the node does not answer.
    """
    message = encode_defunct(text=text)
    if _recover(message, signature) == account:
        return True
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    return node.is_valid_signature(account, digest, signature)


def _recover(message: SignableMessage, signature: bytes) -> Address | None:
    if len(signature) != 65:
        return None
    try:
        return Address(Account.recover_message(message, signature=signature))
    except (BadSignature, ValidationError, ValueError):
        return None
