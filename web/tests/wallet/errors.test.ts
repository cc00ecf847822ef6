// @vitest-environment node

import { encodeErrorResult } from "viem";
import { describe, expect, it } from "vitest";

import { ApiError } from "../../src/api/client";
import { COMPONENT_ERRORS, STEELYARD_ABI, TOKEN_ABI } from "../../src/chain/abi";
import { describeError, describeRevert, isRejection } from "../../src/wallet/errors";

const ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const PROJECT = `0x${"5e".repeat(32)}` as const;

describe("a contract's refusal", () => {
  it("is told in words", () => {
    const full = encodeErrorResult({ abi: STEELYARD_ABI, errorName: "ProjectFull", args: [PROJECT, 7n] });
    expect(describeRevert(full)).toBe("All 7 places are taken.");
    const status = encodeErrorResult({ abi: STEELYARD_ABI, errorName: "ProjectNotInStatus", args: [PROJECT, 2, 1] });
    expect(describeRevert(status)).toBe("The project is running, it would have to be enrolling.");
    const poor = encodeErrorResult({ abi: TOKEN_ABI, errorName: "ERC20InsufficientBalance", args: [ACCOUNT, 1n, 2n] });
    expect(describeRevert(poor)).toBe("The account has 1 of the token, 2 are needed.");
  });

  it("is told by its name where there are no words, and never hidden", () => {
    const proof = encodeErrorResult({ abi: COMPONENT_ERRORS, errorName: "WrongHint", args: [1n, 2n] });
    expect(describeRevert(proof)).toBe("The contract refused: WrongHint(1, 2).");
    expect(describeRevert("0x12345678")).toContain("(0x12345678)");
    expect(describeRevert("0x")).toContain("gave no reason");
  });

  it("is found however deep it is wrapped", () => {
    const data = encodeErrorResult({ abi: STEELYARD_ABI, errorName: "NothingToDo", args: [PROJECT] });
    const wrapped = { message: "failed", cause: { code: -32603, data: { code: 3, data } } };
    expect(describeError(wrapped)).toContain("no deadline has passed");
  });
});

describe("other failures", () => {
  it("are told in words", () => {
    expect(describeError({ code: 4001, message: "User rejected" })).toContain("You rejected it");
    expect(describeError(new Error("outer", { cause: { code: 4001 } }))).toContain("You rejected it");
    expect(isRejection({ code: 4001 })).toBe(true);
    expect(isRejection(new Error("x"))).toBe(false);
    expect(describeError({ code: -32002 })).toContain("still waiting");
    expect(describeError(new ApiError(null))).toBe("The backend does not answer.");
    expect(describeError(new Error("odd"))).toBe("odd");
    expect(describeError(undefined)).toContain("gave no reason");
  });
});
