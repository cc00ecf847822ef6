import { beforeEach, describe, expect, it } from "vitest";

import { canonicalise, computeSpecCid, encodeSpec } from "../../src/owner/canonical";
import { readDraft } from "../../src/owner/draft";
import { initialValues } from "../../src/owner/fields";
import { forgetValues, loadValues, saveValues } from "../../src/owner/saved";

const TOKEN = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const VALUES = { ...initialValues(), title: "Digits", task: "Read digits.", token: TOKEN };

describe("a draft", () => {
  it("is what the form says, in the units of the project file", () => {
    const { draft, faults } = readDraft({ ...VALUES, budget: "1.5", min_trainers: "3" }, 18);
    expect(faults).toBeNull();
    expect(draft?.chain).toMatchObject({
      budget: "1500000000000000000",
      min_trainers: 3,
      enrol_seconds: 7 * 86_400,
      aggregator_fee_bps: 500,
      aggregator: null,
      rule: "screen-clip-nnm-multi-krum",
    });
    expect(draft?.spec).toMatchObject({
      model: { name: "mlp", layers: [64, 32, 10] },
      data: { feature_shape: [64], classes: 10, minimum: 0, maximum: 1 },
      confidential: false,
    });
  });

  it.each([
    ["logistic", { inputs: "8", logistic_classes: "3" }, { name: "logistic", inputs: 8, classes: 3 }],
    ["cnn", { cnn_classes: "4" }, { name: "cnn", height: 28, width: 28, channels: [8, 16], classes: 4 }],
  ])("takes the fields of the model %s alone", (model, fields, expected) => {
    const { draft } = readDraft({ ...VALUES, model, ...fields, layers: "nonsense" }, 18);
    expect(draft?.spec["model"]).toEqual(expected);
  });

  it("tells everything that is wrong at once, by field", () => {
    const wrong = { budget: "0.001", rounds: "five", enrol_seconds: "7 weeks", token: "0x12", title: " " };
    const { draft, faults } = readDraft({ ...VALUES, ...wrong }, 2);
    expect(draft).toBeNull();
    expect(faults).toEqual({
      budget: "has more than 2 decimals",
      rounds: "is no number",
      enrol_seconds: "is no duration such as 7d, 12h, 30m or 90s",
      token: "is no address, or its checksum is wrong",
      title: "is missing",
    });
  });
});

describe("what was typed", () => {
  beforeEach(() => localStorage.clear());

  it("survives a reload, and is forgotten afterwards", () => {
    saveValues({ ...VALUES, rounds: "9" });
    expect(loadValues()["rounds"]).toBe("9");
    forgetValues();
    expect(loadValues()).toEqual(initialValues());
  });

  it("is not believed where it is no text of a known field", () => {
    localStorage.setItem("steelyard.draft", '{"rounds": 9, "title": "T", "__proto__": "x", "other": "y"}');
    expect(loadValues()).toEqual({ ...initialValues(), title: "T" });
    localStorage.setItem("steelyard.draft", "no JSON");
    expect(loadValues()).toEqual(initialValues());
  });
});

describe("a specification's canonical text", () => {
  it("has its keys in order, and numbers as RFC 8785 spells them", () => {
    expect(canonicalise({ b: [1, 4.0, 0.05, 0.000001, 1e9], a: { d: true, c: "ü\n" } })).toBe(
      '{"a":{"c":"ü\\n","d":true},"b":[1,4,0.05,0.000001,1000000000]}',
    );
  });

  it("has the identifier of its bytes", () => {
    expect(computeSpecCid("")).toBe("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    expect(encodeSpec({ title: "T" }, "bafk")).toBe('{"initial_model":"bafk","title":"T","version":1}');
  });
});
