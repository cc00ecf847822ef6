// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {ORDER} from "../../src/libraries/BLS12381.sol";
import {Vectors} from "./Vectors.sol";

/// @notice What a verifier hands to the precompiles, written down from docs/proof.md, sections 5 and 6, without assembly
/// and without regard to gas. It judges `GramVerifier`.
/// @dev For statements of the right lengths, with scalars below the group order.
contract PlainVerifier {
    struct Values {
        uint256[] r;
        uint256 gamma;
        uint256 z;
        uint256 zInverse;
        uint256 r0;
        uint256 r1;
    }

    /// @return terms The terms of the sum `X` with every sign turned, and with `W`.
    /// @return divisor The one term in G2, `-(z + 1/z)·[τ]₂`.
    function inputs(uint256 powers, GramVerifier.Srs calldata srs, Vectors.Statement calldata s)
        external
        pure
        returns (bytes memory terms, bytes memory divisor)
    {
        uint256 blocks = (s.proof.length - 352) / 192;
        Values memory v = values(powers, blocks, s);
        uint256 factor = 1;
        for (uint256 b = 0; b < blocks; ++b) {
            for (uint256 i = 0; i < s.n; ++i) {
                uint256 at = 128 * (i * blocks + b);
                uint256 weight = mulmod(v.r[i], factor, ORDER);
                terms = bytes.concat(terms, s.commitments[at:at + 128], bytes32(negate(weight)));
            }
            terms = bytes.concat(terms, s.proof[128 * b:128 * b + 128], bytes32(negate(factor)));
            factor = mulmod(factor, v.gamma, ORDER);
        }
        terms = bytes.concat(terms, s.proof[128 * blocks + 32:128 * blocks + 160], bytes32(negate(factor))); // Ŝ
        bytes calldata end = s.proof[192 * blocks + 192:]; // W ‖ ω
        terms = bytes.concat(terms, end[:128], bytes32(uint256(1)), srs.blinding, end[128:]);
        terms = bytes.concat(terms, srs.g1One, bytes32(v.r0), srs.g1Tau, bytes32(v.r1));
        divisor = bytes.concat(srs.g2Tau, bytes32(negate(addmod(v.z, v.zInverse, ORDER))));
    }

    function values(uint256 powers, uint256 blocks, Vectors.Statement calldata s)
        private
        pure
        returns (Values memory v)
    {
        bytes32 h = keccak256(
            bytes.concat(
                keccak256("steelyard/gram/v1"),
                s.context,
                abi.encodePacked(uint32(s.n), uint32(s.d), uint32(powers), uint32(blocks)),
                keccak256(s.commitments),
                keccak256(s.gram),
                s.proof[:128 * blocks + 32]
            )
        );
        v.r = new uint256[](s.n);
        for (uint256 i = 0; i < s.n; ++i) {
            v.r[i] = uint128(bytes16(keccak256(abi.encodePacked(h, uint8(1), uint32(i)))));
        }
        uint256 c = addmod(scalar(s.proof, 128 * blocks), form(v.r, s.gram), ORDER);
        h = keccak256(bytes.concat(h, hex"02", s.proof[128 * blocks + 32:128 * blocks + 160]));
        v.z = uint256(h) % ORDER;
        v.zInverse = power(v.z, ORDER - 2);
        bytes calldata opened = s.proof[128 * blocks + 160:192 * blocks + 192]; // a ‖ a' ‖ s
        v.gamma = uint256(keccak256(bytes.concat(h, hex"03", opened))) % ORDER;

        (uint256 y, uint256 yInverse) = batch(v, c, blocks, opened);
        uint256 gap = addmod(v.z, negate(v.zInverse), ORDER);
        v.r1 = mulmod(addmod(y, negate(yInverse), ORDER), power(gap, ORDER - 2), ORDER);
        v.r0 = addmod(y, negate(mulmod(v.r1, v.z, ORDER)), ORDER);
    }

    /// @dev `Σ γ^b a_b + γ^B s` and `Σ γ^b a'_b + γ^B s'` with `s' = z·(Σ a_b a'_b - c - z·s)`.
    function batch(Values memory v, uint256 c, uint256 blocks, bytes calldata opened)
        private
        pure
        returns (uint256 y, uint256 yInverse)
    {
        uint256 products = 0;
        for (uint256 b = 0; b < blocks; ++b) {
            uint256 a = scalar(opened, 32 * b);
            uint256 aInverse = scalar(opened, 32 * (blocks + b));
            products = addmod(products, mulmod(a, aInverse, ORDER), ORDER);
            y = addmod(y, mulmod(power(v.gamma, b), a, ORDER), ORDER);
            yInverse = addmod(yInverse, mulmod(power(v.gamma, b), aInverse, ORDER), ORDER);
        }
        uint256 s = scalar(opened, 64 * blocks);
        uint256 rest = addmod(addmod(products, negate(c), ORDER), negate(mulmod(v.z, s, ORDER)), ORDER);
        y = addmod(y, mulmod(power(v.gamma, blocks), s, ORDER), ORDER);
        yInverse = addmod(yInverse, mulmod(power(v.gamma, blocks), mulmod(v.z, rest, ORDER), ORDER), ORDER);
    }

    /// @dev `Σ_i Σ_j r_i r_j G_ij`.
    function form(uint256[] memory r, bytes calldata gram) private pure returns (uint256 sum) {
        uint256 at = 0;
        for (uint256 i = 0; i < r.length; ++i) {
            for (uint256 j = i; j < r.length; ++j) {
                int256 entry = int64(uint64(bytes8(gram[at:at + 8])));
                uint256 residue = entry < 0 ? ORDER - uint256(-entry) : uint256(entry);
                uint256 term = mulmod(mulmod(r[i], r[j], ORDER), residue, ORDER);
                sum = addmod(sum, i == j ? term : addmod(term, term, ORDER), ORDER);
                at += 8;
            }
        }
    }

    function scalar(bytes calldata data, uint256 at) private pure returns (uint256) {
        return uint256(bytes32(data[at:at + 32]));
    }

    function negate(uint256 x) private pure returns (uint256) {
        return (ORDER - x) % ORDER;
    }

    function power(uint256 base, uint256 exponent) private pure returns (uint256 result) {
        result = 1;
        for (; exponent > 0; exponent /= 2) {
            if (exponent % 2 == 1) result = mulmod(result, base, ORDER);
            base = mulmod(base, base, ORDER);
        }
    }
}
