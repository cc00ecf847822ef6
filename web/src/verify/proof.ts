/** Checks the zero-knowledge proof of a round. Its arithmetic is loaded only when somebody asks for it. */

import type { Address } from "viem";

import type { Where } from "../gram/transcript";
import { MatrixError } from "../weighing/matrix";
import { hashCommitments } from "./figures";
import type { Inputs } from "./figures";

/** What came of it: it holds, it does not, or it cannot be judged here; the latter two with their reason. */
export type ProofOutcome =
  | { readonly name: "holds" }
  | { readonly name: "fails" | "unknown"; readonly reason: string };

/**
 * @param powers of the project's reference string
 * @returns whether the matrix is proved to be that of the commitments, in this very round
 */
export async function checkProof(inputs: Inputs, where: Where, powers: number): Promise<ProofOutcome> {
  const [{ ProofError }, { POWERS }, { computeContext }, { verifyGram }] = await Promise.all([
    import("../gram/points"),
    import("../gram/reference-string"),
    import("../gram/transcript"),
    import("../gram/verify-gram"),
  ]);
  if (powers !== POWERS) return { name: "unknown", reason: `its reference string has ${powers} powers, not ${POWERS}` };
  const { commitments, gram, proof, trainers, terms } = inputs;
  const [n, d] = [trainers.length, Number(terms.dimension)];
  const context = computeContext(where, trainers as Address[], hashCommitments(commitments, n));
  try {
    verifyGram({ context, n, d, commitments, gram, proof });
    return { name: "holds" };
  } catch (error) {
    if (error instanceof ProofError || error instanceof MatrixError) return { name: "fails", reason: error.message };
    throw error;
  }
}
