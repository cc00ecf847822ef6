// SPDX-License-Identifier: Apache-2.0
// Has a witness only where our Permutation and circomlib's give the same.
pragma circom 2.2.0;

include "gram.circom";
include "node_modules/circomlib/circuits/poseidon.circom";

template SamePermutation() {
    signal input in[17];

    component ours = Permutation();
    component theirs = PoseidonEx(16, 1);
    ours.in <== in;
    theirs.initialState <== in[0];
    for (var j = 1; j < 17; j++) {
        theirs.inputs[j - 1] <== in[j];
    }
    ours.out === theirs.out[0];
}

component main = SamePermutation();
