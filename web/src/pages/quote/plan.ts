/** The plan that a quote is for, as the address bar has it and as the API takes it. */

import type { Query } from "../../api/client";
import { fromDecimal } from "../../format/amount";

export interface Plan {
  trainers: string;
  dimension: string;
  rounds: string;
  byzantine_percent: string;
  gas_price_gwei: string;
  rule: string;
}

export const DEFAULTS: Plan = {
  trainers: "10",
  dimension: "100000",
  rounds: "20",
  byzantine_percent: "30",
  gas_price_gwei: "1",
  rule: "",
};

interface Field {
  name: Exclude<keyof Plan, "rule">;
  label: string;
  min: number;
  max: number;
  step: number | "any";
}

export const FIELDS: Field[] = [
  { name: "trainers", label: "Trainers", min: 3, max: 32, step: 1 },
  { name: "dimension", label: "Parameters", min: 1, max: 2 ** 24, step: 1 },
  { name: "rounds", label: "Rounds", min: 1, max: 65_535, step: 1 },
  { name: "byzantine_percent", label: "May be dishonest, %", min: 0, max: 50, step: "any" },
  { name: "gas_price_gwei", label: "Gas price, gwei", min: 0, max: 1_000_000, step: "any" },
];

export function readPlan(search: string): Plan {
  const given = new URLSearchParams(search);
  const plan = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof Plan)[]) plan[name] = given.get(name) ?? DEFAULTS[name];
  return plan;
}

export function writePlan(plan: Plan): string {
  return `/quote?${new URLSearchParams({ ...plan }).toString()}`;
}

/** What is no number is sent as it is, so that the API says what is wrong. */
export function toQuery(plan: Plan): Query {
  const { byzantine_percent: percent, gas_price_gwei: gwei, ...rest } = plan;
  return {
    ...rest,
    byzantine_bps: fromDecimal(percent, 2)?.toString() ?? percent,
    gas_price_wei: fromDecimal(gwei, 9)?.toString() ?? gwei,
  };
}
