// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGramVerifier} from "../interfaces/IGramVerifier.sol";

/// @title A verifier for tests of the marketplace: accepts one proof for one statement, and proves nothing
/// @dev The only proof accepted is the hash of everything that the marketplace passes on, so a test that settles has
/// also shown that context, sizes and bytes arrive as docs/proof.md says.
contract ScriptedVerifier is IGramVerifier {
    uint256 private constant PAYLOAD_SLOTS = 4088;

    function powers() external pure returns (uint256) {
        return PAYLOAD_SLOTS + 8;
    }

    function blocksOf(uint256 d) external pure returns (uint256) {
        return (d + PAYLOAD_SLOTS - 1) / PAYLOAD_SLOTS;
    }

    function verify(
        bytes32 context,
        uint256 n,
        uint256 d,
        bytes calldata commitments,
        bytes calldata gram,
        bytes calldata proof
    ) external pure {
        if (keccak256(proof) != keccak256(prove(context, n, d, commitments, gram))) {
            revert ProofRejected();
        }
    }

    function prove(bytes32 context, uint256 n, uint256 d, bytes calldata commitments, bytes calldata gram)
        public
        pure
        returns (bytes memory)
    {
        return abi.encode(keccak256(abi.encode(context, n, d, commitments, gram)));
    }
}
