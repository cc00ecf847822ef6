// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Contributions (docs/rules.md): what each row is paid for, with the replication discount, the noise floor and the
/// quorum
/// @dev Nothing here overflows but the noise floor's left side, which is checked: with `n ≤ 2^5`, entries of 64 bits and
/// weights of at most `2^37`, a row's agreement is at most `2^105` in absolute value, the others' squared norm `2^147`, and
/// a contribution before the discount `2^142`.
library Contributions {
    /// @notice The square of how many standard deviations a cosine must stand above chance: `4²`.
    int256 internal constant NOISE_FACTOR = 16;

    /// @dev One, in Q32.
    uint256 private constant ONE = 1 << 32;

    /// @dev A squared cosine beyond this, which no Gram matrix has, discounts to 0 as surely as any larger one.
    uint256 private constant MAX_SQUARED_COSINE = 0x10000000000000000;

    /// @notice `φ_i`, and the rows that are opposed: without weight, and at odds with the rows that have it. Without a
    /// quorum both are 0: rows then agree or disagree by chance alone.
    /// @param matrix The Gram matrix of the rows, `n·n` entries.
    /// @param weights `w_i`, in Q32.
    /// @param f Number of rows assumed dishonest.
    /// @param d Number of coordinates of a row.
    /// @param isGentle Whether copies cost what they did in the first design.
    function compute(int256[] memory matrix, uint256[] memory weights, uint256 f, uint256 d, bool isGentle)
        internal
        pure
        returns (uint256[] memory contributions, uint256 opposed)
    {
        (contributions, opposed) = _withoutQuorum(matrix, weights, d, isGentle);
        uint256 paid = 0;
        for (uint256 i = 0; i < contributions.length; ++i) {
            if (contributions[i] > 0) ++paid;
        }
        if (2 * paid < weights.length - f) return (new uint256[](weights.length), 0);
    }

    function _withoutQuorum(int256[] memory matrix, uint256[] memory weights, uint256 d, bool isGentle)
        private
        pure
        returns (uint256[] memory contributions, uint256 opposed)
    {
        (int256[] memory pulls, int256 energy) = _pulls(matrix, weights);
        uint256[] memory kappas = _kappas(matrix, weights.length, isGentle);
        contributions = new uint256[](weights.length);
        for (uint256 i = 0; i < weights.length; ++i) {
            int256 squaredNorm = matrix[i * (weights.length + 1)];
            (int256 agreement, bool isAboveNoise) = _agreement(int256(weights[i]), pulls[i], squaredNorm, energy, d);
            if (isAboveNoise) {
                contributions[i] = weights[i] * uint256(agreement) * exp2neg(kappas[i]) >> 64;
            } else if (weights[i] == 0 && agreement < 0) {
                opposed |= 1 << i;
            }
        }
    }

    /// @notice `2^(-κ)` in Q64 for `κ` in Q32, by the sixteen highest bits below its binary point.
    function exp2neg(uint256 kappa) internal pure returns (uint256 power) {
        unchecked {
            power = 1 << 64;
            if (kappa & 0x80000000 != 0) power = (power * 0xb504f333f9de6484) >> 64;
            if (kappa & 0x40000000 != 0) power = (power * 0xd744fccad69d6af4) >> 64;
            if (kappa & 0x20000000 != 0) power = (power * 0xeac0c6e7dd24392e) >> 64;
            if (kappa & 0x10000000 != 0) power = (power * 0xf5257d152486cc2c) >> 64;
            if (kappa & 0x08000000 != 0) power = (power * 0xfa83b2db722a033a) >> 64;
            if (kappa & 0x04000000 != 0) power = (power * 0xfd3e0c0cf486c174) >> 64;
            if (kappa & 0x02000000 != 0) power = (power * 0xfe9e115c7b8f884b) >> 64;
            if (kappa & 0x01000000 != 0) power = (power * 0xff4ecb59511ec8a5) >> 64;
            if (kappa & 0x00800000 != 0) power = (power * 0xffa756521c8daed1) >> 64;
            if (kappa & 0x00400000 != 0) power = (power * 0xffd3a751c0f7e10b) >> 64;
            if (kappa & 0x00200000 != 0) power = (power * 0xffe9d2b2f7db2755) >> 64;
            if (kappa & 0x00100000 != 0) power = (power * 0xfff4e91bff1b8c3d) >> 64;
            if (kappa & 0x00080000 != 0) power = (power * 0xfffa747ea0040664) >> 64;
            if (kappa & 0x00040000 != 0) power = (power * 0xfffd3a3b7814eb53) >> 64;
            if (kappa & 0x00020000 != 0) power = (power * 0xfffe9d1cc60ddab1) >> 64;
            if (kappa & 0x00010000 != 0) power = (power * 0xffff4e8e25879bfa) >> 64;
            return power >> (kappa >> 32);
        }
    }

    /// @dev `a_i = Σ_{j≠i} w_j G_ij`, and whether `a_i > 0` and `a_i²·d ≥ 16·G_ii·b_i` with
    /// `b_i = Σ_{j≠i} Σ_{k≠i} w_j w_k G_jk`: the cosine with the others is four standard deviations above chance.
    function _agreement(int256 weight, int256 pull, int256 squaredNorm, int256 energy, uint256 d)
        private
        pure
        returns (int256 agreement, bool isAboveNoise)
    {
        agreement = pull - weight * squaredNorm;
        int256 others = energy - 2 * weight * pull + weight * weight * squaredNorm;
        int256 noise = NOISE_FACTOR * squaredNorm * others;
        isAboveNoise = agreement > 0 && (noise <= 0 || uint256(agreement) * uint256(agreement) * d >= uint256(noise));
    }

    /// @dev `Σ_j w_j G_ij` for each row, and `Σ_i w_i Σ_j w_j G_ij`.
    function _pulls(int256[] memory matrix, uint256[] memory weights)
        private
        pure
        returns (int256[] memory pulls, int256 energy)
    {
        pulls = new int256[](weights.length);
        assembly ("memory-safe") {
            let first := add(weights, 32)
            let end := add(first, shl(5, mload(weights)))
            let toEntry := sub(matrix, weights)
            let to := add(pulls, 32)
            for { let row := first } lt(row, end) { row := add(row, 32) } {
                let pull := 0
                for { let column := first } lt(column, end) { column := add(column, 32) } {
                    pull := add(pull, mul(mload(column), mload(add(column, toEntry))))
                }
                toEntry := add(toEntry, sub(end, first))
                energy := add(energy, mul(mload(row), pull))
                mstore(to, pull)
                to := add(to, 32)
            }
        }
    }

    /// @dev In Q32, with `q_ij` the squared cosine of rows that agree and 0 of others: `κ_i = 2·Σ_{j≠i} q_ij^16`, each of
    /// the four squarings rounded down; or if gentle `κ_i = Σ_{j≠i} q_ij²`.
    function _kappas(int256[] memory matrix, uint256 n, bool isGentle) private pure returns (uint256[] memory kappas) {
        kappas = new uint256[](n);
        uint256 largest = isGentle ? MAX_SQUARED_COSINE : ONE;
        assembly ("memory-safe") {
            let stride := shl(5, add(n, 1))
            let diagonal := add(matrix, 32)
            let kappa := add(kappas, 32)
            for { let end := add(kappa, shl(5, n)) } lt(kappa, end) { kappa := add(kappa, 32) } {
                let entry := diagonal
                let otherDiagonal := diagonal
                for { let other := add(kappa, 32) } lt(other, end) { other := add(other, 32) } {
                    entry := add(entry, 32)
                    otherDiagonal := add(otherDiagonal, stride)
                    let inner := mload(entry)
                    if sgt(inner, 0) {
                        // Division by zero gives zero, which is what rows of norm 0 are to have.
                        let cosine := div(shl(32, mul(inner, inner)), mul(mload(diagonal), mload(otherDiagonal)))
                        if gt(cosine, largest) { cosine := largest }
                        let copies := shr(32, mul(cosine, cosine))
                        if iszero(isGentle) {
                            copies := shr(32, mul(copies, copies))
                            copies := shr(32, mul(copies, copies))
                            copies := shl(1, shr(32, mul(copies, copies)))
                        }
                        mstore(kappa, add(mload(kappa), copies))
                        mstore(other, add(mload(other), copies))
                    }
                }
                diagonal := add(diagonal, stride)
            }
        }
    }
}
