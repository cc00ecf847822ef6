// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Read-only bytes in the form of a contract
/// @notice Its code is a stop instruction, so that nothing can be executed, and then the bytes: `EXTCODECOPY` reads any
/// number of them for the price of one cold account.
contract CodeData {
    constructor(bytes memory data) {
        bytes memory code = bytes.concat(hex"00", data);
        assembly ("memory-safe") {
            return(add(code, 32), mload(code))
        }
    }
}
