/** From what was typed to a draft of a project, as the backend and the project file have it. */

import { isAddress, parseUnits } from "viem";

import type { ChainTerms } from "../api/schema";
import { isShown, SECTIONS } from "./fields";
import type { Field, Values } from "./fields";

export interface Draft {
  readonly chain: Required<ChainTerms>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly initial_seed: number;
}

/** What is wrong with fields, by their names. */
export type Faults = Readonly<Record<string, string>>;

export type Reading = { readonly draft: Draft; readonly faults: null } | { readonly draft: null; readonly faults: Faults };

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** The draft, or everything that is wrong with it at once. Bounds are the backend's business. */
export function readDraft(values: Values, decimals: number): Reading {
  const parsed: Record<string, unknown> = {};
  const faults: Record<string, string> = {};
  for (const field of SECTIONS.flatMap(({ fields }) => fields).filter((each) => isShown(each, values))) {
    try {
      parsed[field.name] = parseField(field, (values[field.name] ?? "").trim(), decimals);
    } catch (error) {
      faults[field.name] = error instanceof RangeError ? error.message : "cannot be read";
    }
  }
  return Object.keys(faults).length > 0 ? { draft: null, faults } : { draft: buildDraft(parsed), faults: null };
}

function parseField(field: Field, text: string, decimals: number): unknown {
  if (text === "") {
    if (field.optional) return null;
    throw new RangeError("is missing");
  }
  switch (field.kind) {
    case "number":
      return parseNumber(text);
    case "amount":
      return parseAmount(text, decimals);
    case "percent":
      return Math.round(parseNumber(text) * 100);
    case "duration":
      return parseDuration(text);
    case "sizes":
      return text.split(/[\s,×x]+/).map(parseNumber);
    case "address":
      if (!isAddress(text)) throw new RangeError("is no address, or its checksum is wrong");
      return text;
    default:
      return text;
  }
}

function parseNumber(text: string): number {
  if (!/^-?[0-9]+(\.[0-9]+)?$/.test(text)) throw new RangeError("is no number");
  return Number(text);
}

function parseAmount(text: string, decimals: number): string {
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text)) throw new RangeError("is no amount");
  if ((text.split(".")[1] ?? "").length > decimals) throw new RangeError(`has more than ${decimals} decimals`);
  return parseUnits(text, decimals).toString();
}

function parseDuration(text: string): number {
  const match = /^([0-9]+)\s*([smhd])$/.exec(text);
  if (match === null) throw new RangeError("is no duration such as 7d, 12h, 30m or 90s");
  return Number(match[1]) * (SECONDS[match[2] ?? ""] ?? 0);
}

function buildDraft(parsed: Readonly<Record<string, unknown>>): Draft {
  const pick = (...names: string[]) => Object.fromEntries(names.map((name) => [name, parsed[name]]));
  const chain = pick(
    ...["budget", "rounds", "min_trainers", "max_trainers", "min_reputation_bps", "byzantine_bps", "min_stake"],
    ...["aggregator_fee_bps", "slash_bps", "max_strikes", "max_absences", "aggregator_stake", "aggregator_slash_bps"],
    ...["enrol_seconds", "submit_seconds", "settle_seconds", "attest_seconds", "rule", "aggregator"],
  );
  const model = buildModel(parsed);
  const layers = model["layers"] as readonly number[] | undefined;
  return {
    chain: chain as unknown as Required<ChainTerms>,
    spec: {
      ...pick("title", "task", "shortness", "sealing"),
      confidential: false,
      model,
      data: { ...pick("feature_shape", "minimum", "maximum"), classes: model["classes"] ?? layers?.at(-1) },
      training: [{ first_round: 0, ...pick("epochs", "batch_size", "learning_rate", "momentum", "weight_decay") }],
      quantisation: pick("scale", "l2_norm_clip"),
      privacy: { mechanism: "none" },
    },
    initial_seed: parsed["initial_seed"] as number,
  };
}

function buildModel(parsed: Readonly<Record<string, unknown>>): Record<string, unknown> {
  switch (parsed["model"]) {
    case "logistic":
      return { name: "logistic", inputs: parsed["inputs"], classes: parsed["logistic_classes"] };
    case "cnn": {
      const { height, width, channels, cnn_classes: classes } = parsed;
      return { name: "cnn", height, width, channels, classes };
    }
    default:
      return { name: "mlp", layers: parsed["layers"] };
  }
}
