// SPDX-License-Identifier: Apache-2.0
// The Gram statement as a circuit in few and sparse constraints: docs/performance-peers.md says why it is shaped so.
// Compile with --O1: the linear constraints that it keeps are those that make the others sparse.
pragma circom 2.2.0;

include "node_modules/circomlib/circuits/poseidon_constants.circom";

function ceiling(dividend, divisor) {
    return (dividend + divisor - 1) \ divisor;
}

// x + c to the fifth, in 3 constraints.
template FifthPower(c) {
    signal input x;
    signal output out;

    signal square <== (x + c) * (x + c);
    signal fourth <== square * square;
    out <== fourth * (x + c);
}

// Poseidon's permutation of 17 elements, its first element only: circomlib's PoseidonEx(16, 1) in 799 constraints. That
// has 612 and 1,488 linear ones, or, without the linear ones, rows so dense that snarkjs' setup takes several times as long.
template Permutation() {
    var T = 17;
    var HALF = 4;       // full rounds before the partial ones, and after
    var PARTIAL = 68;
    var C[T * 2 * HALF + PARTIAL] = POSEIDON_C(T);
    var S[PARTIAL * (2 * T - 1)] = POSEIDON_S(T);
    var M[T][T] = POSEIDON_M(T);
    var P[T][T] = POSEIDON_P(T);

    signal input in[T];
    signal output out;

    component full[2 * HALF][T];
    component partial[PARTIAL];
    var state[T];
    var mixed[T];
    for (var r = 0; r < 2 * HALF; r++) {
        for (var j = 0; j < T; j++) {
            if (r == 0) {
                full[r][j] = FifthPower(C[j]);
                full[r][j].x <== in[j];
            } else {
                full[r][j] = FifthPower(0);
                full[r][j].x <== state[j];
            }
        }
        for (var i = 0; i < T; i++) {
            mixed[i] = 0;
            for (var j = 0; j < T; j++) {
                if (r < HALF - 1) {
                    mixed[i] += M[j][i] * (full[r][j].out + C[(r + 1) * T + j]);
                } else if (r == HALF - 1) {
                    mixed[i] += P[j][i] * (full[r][j].out + C[(r + 1) * T + j]);
                } else if (r < 2 * HALF - 1) {
                    mixed[i] += M[j][i] * (full[r][j].out + C[(r + 1) * T + PARTIAL + j]);
                } else {
                    mixed[i] += M[j][i] * full[r][j].out;
                }
            }
        }
        state = mixed;
        if (r == HALF - 1) {
            for (var q = 0; q < PARTIAL; q++) {
                partial[q] = FifthPower(0);
                partial[q].x <== state[0];
                state[0] = partial[q].out + C[(HALF + 1) * T + q];
                var first = 0;
                for (var j = 0; j < T; j++) {
                    first += S[(2 * T - 1) * q + j] * state[j];
                }
                for (var j = 1; j < T; j++) {
                    state[j] += S[(2 * T - 1) * q + T + j - 1] * state[0];
                }
                state[0] = first;
            }
        }
    }
    out <== state[0];
}

// The commitment to d signed 16-bit entries: Poseidon in overwrite mode over the packed entries and a salt.
// 17 constraints an entry for its range, and 799 for each permutation, which takes 240 entries.
template Commitment(d) {
    var BITS = 16;
    var ENTRIES = 15;   // in a field element: 240 bits never wrap around
    var RATE = 16;      // field elements in a permutation
    var SIZE = ceiling(d, ENTRIES);
    var PERMUTATIONS = ceiling(SIZE + 1, RATE);

    signal input u[d];
    signal input salt;
    signal output out;

    signal bits[d][BITS];
    var packed[SIZE];
    for (var k = 0; k < d; k++) {
        var shifted = u[k] + 2 ** (BITS - 1);
        var sum = 0;
        for (var j = 0; j < BITS; j++) {
            bits[k][j] <-- (shifted >> j) & 1;
            bits[k][j] * bits[k][j] === bits[k][j];
            sum += bits[k][j] * 2 ** j;
        }
        shifted === sum;
        packed[k \ ENTRIES] += shifted * 2 ** (BITS * (k % ENTRIES));
    }

    component permutations[PERMUTATIONS];
    for (var p = 0; p < PERMUTATIONS; p++) {
        permutations[p] = Permutation();
        permutations[p].in[0] <== p == 0 ? 0 : permutations[p - 1].out;
        for (var j = 0; j < RATE; j++) {
            var element = p * RATE + j;
            if (element < SIZE) {
                permutations[p].in[1 + j] <== packed[element];
            } else {
                permutations[p].in[1 + j] <== element == SIZE ? salt : 0;
            }
        }
    }
    out <== permutations[PERMUTATIONS - 1].out;
}

// n committed vectors, whose Gram matrix G has the value `form`, the sum of all r_i r_j G_ij, at r_i = rho^(2^i - 1).
// All sums 2^i + 2^j with i <= j differ, so one random rho, drawn after the commitments and G, pins every entry of G, and
// a coordinate costs n constraints, not n(n + 1)/2.
template Gram(n, d) {
    signal input commitments[n];
    signal input rho;
    signal input form;
    signal input u[n][d];
    signal input salts[n];

    component opened[n];
    for (var i = 0; i < n; i++) {
        opened[i] = Commitment(d);
        opened[i].u <== u[i];
        opened[i].salt <== salts[i];
        opened[i].out === commitments[i];
    }

    signal r[n];
    signal squares[n];
    r[0] <== 1;
    for (var i = 1; i < n; i++) {
        squares[i] <== r[i - 1] * r[i - 1];
        r[i] <== squares[i] * rho;
    }

    signal terms[n][d];
    signal norms[d];
    var total = 0;
    for (var k = 0; k < d; k++) {
        var a = u[0][k];
        for (var i = 1; i < n; i++) {
            terms[i][k] <== r[i] * u[i][k];
            a += terms[i][k];
        }
        norms[k] <== a * a;
        total += norms[k];
    }
    total === form;
}
