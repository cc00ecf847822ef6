"""Tokens as a wallet needs them: name, decimals, whether they take permits. Read from the chain once, then known.

Anybody may create a project in any token, so that a token may answer anything: what is no name here is left out.
"""

import threading
from collections import OrderedDict
from typing import Final

from backend.node import Node, TokenFacts
from steelyard.types import Address

MAX_KNOWN: Final = 1_000
"""Tokens remembered; the one that was not asked for longest is forgotten first."""


class TokenBook:
    """What is known of tokens. Use it from any thread."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: OrderedDict[Address, TokenFacts] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, token: Address) -> TokenFacts:
        """Facts of a token.

        Raises:
          NotFoundError: nothing stands there.
          ChainError: the node does not answer.
        """
        with self._lock:
            if token in self._known:
                self._known.move_to_end(token)
                return self._known[token]
        facts = self._node.get_token(token)
        with self._lock:
            self._known[token] = facts
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return facts
