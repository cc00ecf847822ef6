// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The rules of docs/rules.md as they are written there: sorts, sums over sets, checked arithmetic, no care for
/// gas. It judges the contracts, and finds the sets that they are hinted at.
library PlainRule {
    int256 internal constant ONE = 1 << 32;

    struct Krum {
        uint256[] nearest;
        int256[] scores;
        uint256 selected;
    }

    struct Result {
        uint256[] weights;
        uint256[] contributions;
        uint256 opposed;
        bytes hints;
    }

    // --- The rules ---

    function screenClipNnmMultiKrum(int256[][] memory gram, uint256 f, uint256 d)
        internal
        pure
        returns (Result memory result)
    {
        uint256[] memory kept = screen(gram, f);
        int256[][] memory rest = zeros(kept.length);
        for (uint256 i = 0; i < kept.length; ++i) {
            for (uint256 j = 0; j < kept.length; ++j) {
                rest[i][j] = gram[kept[i]][kept[j]];
            }
        }
        Result memory ofRest = clipNnmMultiKrum(rest, f - (gram.length - kept.length), d);
        result.hints = ofRest.hints;
        result.weights = new uint256[](gram.length);
        for (uint256 i = 0; i < kept.length; ++i) {
            result.weights[kept[i]] = ofRest.weights[i];
        }
        (result.contributions, result.opposed) = contributions(gram, result.weights, f, d, false);
    }

    function clipNnmMultiKrum(int256[][] memory gram, uint256 f, uint256 d)
        internal
        pure
        returns (Result memory result)
    {
        uint256 n = gram.length;
        int256[] memory factors = clipFactors(gram);
        int256[][] memory clipped = scale(gram, factors);
        uint256[] memory neighbourhoods = nearestOthers(clipped, n - f - 1);
        for (uint256 i = 0; i < n; ++i) {
            neighbourhoods[i] |= 1 << i;
        }
        Krum memory krum = multiKrum(mix(clipped, neighbourhoods), f);
        result.weights = new uint256[](n);
        for (uint256 a = 0; a < n; ++a) {
            for (uint256 i = 0; i < n; ++i) {
                if (has(krum.selected, i) && has(neighbourhoods[i], a)) result.weights[a] += uint256(factors[a]);
            }
        }
        result.hints = abi.encodePacked(encodeMasks(neighbourhoods), encodeMasks(krum.nearest), uint32(krum.selected));
        (result.contributions, result.opposed) = contributions(gram, result.weights, f, d, true);
    }

    function onlyMultiKrum(int256[][] memory gram, uint256 f, uint256 d) internal pure returns (Result memory result) {
        Krum memory krum = multiKrum(gram, f);
        result.weights = new uint256[](gram.length);
        for (uint256 i = 0; i < gram.length; ++i) {
            if (has(krum.selected, i)) result.weights[i] = uint256(ONE);
        }
        result.hints = abi.encodePacked(encodeMasks(krum.nearest), uint32(krum.selected));
        (result.contributions, result.opposed) = contributions(gram, result.weights, f, d, true);
    }

    function mean(int256[][] memory gram, uint256 f, uint256 d) internal pure returns (Result memory result) {
        result.weights = new uint256[](gram.length);
        for (uint256 i = 0; i < gram.length; ++i) {
            result.weights[i] = uint256(ONE);
        }
        (result.contributions, result.opposed) = contributions(gram, result.weights, f, d, true);
    }

    function nna(int256[][] memory gram, uint256 f, uint256 d) internal pure returns (Result memory result) {
        uint256 n = gram.length;
        uint256[] memory companies = nearestOthers(gram, n - f - 1);
        int256[] memory scores = new int256[](n);
        for (uint256 i = 0; i < n; ++i) {
            companies[i] |= 1 << i;
            int256[] memory row = distances(gram, i);
            for (uint256 j = 0; j < n; ++j) {
                if (has(companies[i], j)) scores[i] += row[j];
            }
        }
        uint256 pivot = order(scores)[0];
        result.weights = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            if (has(companies[pivot], i)) result.weights[i] = uint256(ONE);
        }
        result.hints = encodeMasks(companies);
        (result.contributions, result.opposed) = contributions(gram, result.weights, f, d, false);
    }

    /// @dev The last row is the root. Trainers contribute as if there were no such row.
    function flTrust(int256[][] memory gram, uint256 f, uint256 d) internal pure returns (Result memory result) {
        uint256 n = gram.length - 1;
        int256[][] memory trainers = zeros(n);
        uint256[] memory weights = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            for (uint256 j = 0; j < n; ++j) {
                trainers[i][j] = gram[i][j];
            }
            if (gram[n][n] == 0 || gram[i][i] == 0 || gram[i][n] <= 0) continue;
            weights[i] = (uint256(gram[i][n]) << 32) / uint256(gram[i][i]);
            if (weights[i] > 16 << 32) weights[i] = 16 << 32;
        }
        (uint256[] memory phi, uint256 opposed) = contributions(trainers, weights, f, d, false);
        (result.weights, result.contributions) = (withZero(weights), withZero(phi));
        result.opposed = opposed;
    }

    function withZero(uint256[] memory values) internal pure returns (uint256[] memory longer) {
        longer = new uint256[](values.length + 1);
        for (uint256 i = 0; i < values.length; ++i) {
            longer[i] = values[i];
        }
    }

    // --- Their steps ---

    /// @dev The rows that are kept, in their order.
    function screen(int256[][] memory gram, uint256 f) internal pure returns (uint256[] memory kept) {
        kept = new uint256[](gram.length);
        int256[] memory lengths = new int256[](gram.length);
        for (uint256 i = 0; i < kept.length; ++i) {
            kept[i] = i;
            lengths[i] = floorSqrt(gram[i][i] << 64);
        }
        for (uint256 found = 0; found < f; ++found) {
            uint256 least = 0;
            int256 score = type(int256).max;
            for (uint256 i = 0; i < kept.length; ++i) {
                int256 sum = 0;
                for (uint256 j = 0; j < kept.length; ++j) {
                    if (j != i) sum += supportOf(gram[kept[i]][kept[j]], lengths[kept[i]] * lengths[kept[j]]);
                }
                if (sum < score) (least, score) = (i, sum);
            }
            if (8 * score > -ONE * int256(kept.length - 1)) break;
            uint256[] memory fewer = new uint256[](kept.length - 1);
            for (uint256 i = 0; i < fewer.length; ++i) {
                fewer[i] = kept[i < least ? i : i + 1];
            }
            kept = fewer;
        }
    }

    function supportOf(int256 inner, int256 lengths) internal pure returns (int256) {
        if (lengths == 0) return 0;
        int256 cosine = (inner < 0 ? -inner : inner) * 2 ** 96 / lengths;
        if (cosine > ONE) cosine = ONE;
        return inner > 0 ? cosine - cosine * cosine / ONE : -cosine;
    }

    function clipFactors(int256[][] memory gram) internal pure returns (int256[] memory factors) {
        uint256 n = gram.length;
        int256[] memory squaredNorms = new int256[](n);
        for (uint256 i = 0; i < n; ++i) {
            squaredNorms[i] = gram[i][i];
        }
        int256 median = squaredNorms[order(squaredNorms)[(n - 1) / 2]];
        factors = new int256[](n);
        for (uint256 i = 0; i < n; ++i) {
            factors[i] = squaredNorms[i] <= median ? ONE : floorSqrt((median << 64) / squaredNorms[i]);
        }
    }

    function scale(int256[][] memory gram, int256[] memory factors) internal pure returns (int256[][] memory scaled) {
        scaled = zeros(gram.length);
        for (uint256 i = 0; i < gram.length; ++i) {
            for (uint256 j = 0; j < gram.length; ++j) {
                scaled[i][j] = (factors[i] * factors[j] * gram[i][j]) >> 64;
            }
        }
    }

    function distances(int256[][] memory gram, uint256 i) internal pure returns (int256[] memory row) {
        row = new int256[](gram.length);
        for (uint256 j = 0; j < gram.length; ++j) {
            row[j] = gram[i][i] + gram[j][j] - 2 * gram[i][j];
        }
    }

    function nearestOthers(int256[][] memory gram, uint256 count) internal pure returns (uint256[] memory masks) {
        masks = new uint256[](gram.length);
        for (uint256 i = 0; i < gram.length; ++i) {
            uint256[] memory sorted = order(distances(gram, i));
            uint256 taken = 0;
            for (uint256 k = 0; taken < count; ++k) {
                if (sorted[k] == i) continue;
                masks[i] |= 1 << sorted[k];
                ++taken;
            }
        }
    }

    function mix(int256[][] memory gram, uint256[] memory sets) internal pure returns (int256[][] memory mixed) {
        uint256 n = gram.length;
        int256[][] memory half = zeros(n); // Σ_{a∈N_i} G_aj
        mixed = zeros(n);
        for (uint256 i = 0; i < n; ++i) {
            for (uint256 j = 0; j < n; ++j) {
                for (uint256 a = 0; a < n; ++a) {
                    if (has(sets[i], a)) half[i][j] += gram[a][j];
                }
            }
        }
        for (uint256 i = 0; i < n; ++i) {
            for (uint256 j = 0; j < n; ++j) {
                for (uint256 b = 0; b < n; ++b) {
                    if (has(sets[j], b)) mixed[i][j] += half[i][b];
                }
            }
        }
    }

    function multiKrum(int256[][] memory gram, uint256 f) internal pure returns (Krum memory krum) {
        uint256 n = gram.length;
        krum.nearest = nearestOthers(gram, n - f - 2);
        krum.scores = new int256[](n);
        for (uint256 i = 0; i < n; ++i) {
            int256[] memory row = distances(gram, i);
            for (uint256 j = 0; j < n; ++j) {
                if (has(krum.nearest[i], j)) krum.scores[i] += row[j];
            }
        }
        uint256[] memory sorted = order(krum.scores);
        for (uint256 k = 0; k < n - f; ++k) {
            krum.selected |= 1 << sorted[k];
        }
    }

    // --- Contributions ---

    function contributions(int256[][] memory gram, uint256[] memory weights, uint256 f, uint256 d, bool isGentle)
        internal
        pure
        returns (uint256[] memory phi, uint256 opposed)
    {
        uint256 n = gram.length;
        phi = new uint256[](n);
        uint256 paid = 0;
        for (uint256 i = 0; i < n; ++i) {
            int256 agreement = agreementOf(gram, weights, i);
            if (weights[i] == 0 && agreement < 0) opposed |= 1 << i;
            if (agreement <= 0 || agreement * agreement * int256(d) < 16 * gram[i][i] * othersOf(gram, weights, i)) {
                continue;
            }
            phi[i] = weights[i] * uint256(agreement) * exp2neg(kappaOf(gram, i, isGentle)) >> 64;
            if (phi[i] > 0) ++paid;
        }
        if (2 * paid < n - f) return (new uint256[](n), 0);
    }

    function agreementOf(int256[][] memory gram, uint256[] memory weights, uint256 i)
        internal
        pure
        returns (int256 sum)
    {
        for (uint256 j = 0; j < gram.length; ++j) {
            if (j != i) sum += int256(weights[j]) * gram[i][j];
        }
    }

    function othersOf(int256[][] memory gram, uint256[] memory weights, uint256 i) internal pure returns (int256 sum) {
        for (uint256 j = 0; j < gram.length; ++j) {
            for (uint256 k = 0; k < gram.length; ++k) {
                if (j != i && k != i) sum += int256(weights[j] * weights[k]) * gram[j][k];
            }
        }
    }

    function kappaOf(int256[][] memory gram, uint256 i, bool isGentle) internal pure returns (uint256 kappa) {
        for (uint256 j = 0; j < gram.length; ++j) {
            if (j == i || gram[i][j] <= 0 || gram[i][i] == 0 || gram[j][j] == 0) continue;
            uint256 q = (uint256(gram[i][j] * gram[i][j]) << 32) / uint256(gram[i][i] * gram[j][j]);
            if (!isGentle) {
                uint256 power = q < 1 << 32 ? q : 1 << 32;
                for (uint256 k = 0; k < 4; ++k) {
                    power = power * power >> 32;
                }
                kappa += 2 * power;
                continue;
            }
            // A square that does not fit 256 bits stands for a cosine that no vectors have. It discounts to 0.
            kappa += q < 1 << 127 ? q * q >> 32 : 1 << 222;
        }
    }

    function exp2neg(uint256 kappa) internal pure returns (uint256 power) {
        power = 1 << 64;
        uint256 root = 1 << 127; // 2^(-1) in Q128; its square roots are 2^(-1/2), 2^(-1/4) …
        for (uint256 b = 1; b <= 16; ++b) {
            root = halving(root);
            if (kappa >> (32 - b) & 1 == 1) power = power * (root >> 64) >> 64;
        }
        return kappa >> 32 > 64 ? 0 : power >> (kappa >> 32);
    }

    /// @dev `√x` in Q128.
    function halving(uint256 x) internal pure returns (uint256) {
        return uint256(floorSqrtUnsigned(x << 128));
    }

    // --- Tools ---

    /// @dev Indices by rising value; equal values by rising index.
    function order(int256[] memory values) internal pure returns (uint256[] memory sorted) {
        sorted = new uint256[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            uint256 at = i;
            for (; at > 0 && values[sorted[at - 1]] > values[i]; --at) {
                sorted[at] = sorted[at - 1];
            }
            sorted[at] = i;
        }
    }

    function floorSqrt(int256 x) internal pure returns (int256) {
        return int256(floorSqrtUnsigned(uint256(x)));
    }

    /// @dev Bit by bit, from the highest.
    function floorSqrtUnsigned(uint256 x) internal pure returns (uint256 root) {
        for (uint256 bit = 1 << 127; bit > 0; bit >>= 1) {
            if ((root | bit) * (root | bit) <= x) root |= bit;
        }
    }

    function has(uint256 set, uint256 i) internal pure returns (bool) {
        return set >> i & 1 == 1;
    }

    function zeros(uint256 n) internal pure returns (int256[][] memory matrix) {
        matrix = new int256[][](n);
        for (uint256 i = 0; i < n; ++i) {
            matrix[i] = new int256[](n);
        }
    }

    function decode(bytes memory encoded, uint256 n) internal pure returns (int256[][] memory gram) {
        gram = zeros(n);
        uint256 at = 0;
        for (uint256 i = 0; i < n; ++i) {
            for (uint256 j = i; j < n; ++j) {
                uint64 word = 0;
                for (uint256 k = 0; k < 8; ++k) {
                    word = word << 8 | uint8(encoded[at++]);
                }
                gram[i][j] = int64(word);
                gram[j][i] = gram[i][j];
            }
        }
    }

    function encode(int256[][] memory gram) internal pure returns (bytes memory encoded) {
        for (uint256 i = 0; i < gram.length; ++i) {
            for (uint256 j = i; j < gram.length; ++j) {
                encoded = abi.encodePacked(encoded, int64(gram[i][j]));
            }
        }
    }

    function encodeMasks(uint256[] memory masks) internal pure returns (bytes memory encoded) {
        for (uint256 i = 0; i < masks.length; ++i) {
            encoded = abi.encodePacked(encoded, uint32(masks[i]));
        }
    }
}
