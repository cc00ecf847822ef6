/** The owner's form: every field with its help and a sensible default. Values are texts, as they are typed. */

export type Kind = "line" | "paragraph" | "number" | "amount" | "percent" | "duration" | "sizes" | "address" | "choice";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly kind: Kind;
  readonly initial: string;
  readonly choices?: readonly string[];
  /** Shown only while another field has this value. */
  readonly only?: { readonly name: string; readonly value: string };
  readonly optional?: boolean;
}

export interface Section {
  readonly title: string;
  readonly fields: readonly Field[];
  /** Whether it is folded until somebody opens it: the defaults will do. */
  readonly folded?: boolean;
}

/** What was typed, by the fields' names. */
export type Values = Readonly<Record<string, string>>;

const MLP = { name: "model", value: "mlp" };
const LOGISTIC = { name: "model", value: "logistic" };
const CNN = { name: "model", value: "cnn" };

export const SECTIONS: readonly Section[] = [
  {
    title: "What is to be learnt",
    fields: [
      line("title", "Title", "In a few words.", ""),
      {
        name: "task",
        label: "Task",
        help: "What the model is for, and what data trainers must bring.",
        kind: "paragraph",
        initial: "",
      },
    ],
  },
  {
    title: "Model and data",
    fields: [
      choice("model", "Model", "A model of the built-in zoo.", ["mlp", "logistic", "cnn"]),
      { ...sizes("layers", "Layers", "Widths from input to classes.", "64, 32, 10"), only: MLP },
      { ...number("inputs", "Inputs", "Numbers in one example.", "64"), only: LOGISTIC },
      { ...number("height", "Height", "In pixels.", "28"), only: CNN },
      { ...number("width", "Width", "In pixels.", "28"), only: CNN },
      { ...sizes("channels", "Channels", "One stage for each: a convolution, then half the size.", "8, 16"), only: CNN },
      { ...number("logistic_classes", "Classes", "Labels are 0 … classes − 1.", "10"), only: LOGISTIC },
      { ...number("cnn_classes", "Classes", "Labels are 0 … classes − 1.", "10"), only: CNN },
      sizes("feature_shape", "Shape of an example", "Such as 64, or 28, 28.", "64"),
      number("minimum", "Smallest feature", "Every feature is at least this.", "0"),
      number("maximum", "Largest feature", "And at most this.", "1"),
      number("initial_seed", "Seed", "The initial model is drawn from it, unless you give a file.", "1"),
    ],
  },
  {
    title: "Money",
    fields: [
      { name: "token", label: "Token", help: "Of budget and stakes: an ERC-20 contract.", kind: "address", initial: "" },
      amount("budget", "Budget", "For all rounds together. It goes into escrow when the project is created.", "1000"),
      number("rounds", "Rounds", "Each pays an equal part of the budget.", "5"),
      amount("min_stake", "A trainer's stake", "Locked while it takes part.", "50"),
      amount("aggregator_stake", "The aggregator's stake", "Burnt in part if it misses a deadline.", "100"),
      percent("aggregator_fee_bps", "The aggregator's fee", "Of each settled round's budget.", "5"),
    ],
  },
  {
    title: "Rounds",
    fields: [
      number("min_trainers", "Fewest trainers", "With fewer updates a round fails; at least 3.", "5"),
      number("max_trainers", "Most trainers", "At most 32.", "10"),
      duration("enrol_seconds", "Enrolment", "How long trainers may join, such as 7d, 12h or 30m.", "7d"),
      duration("submit_seconds", "Submission", "A round waits so long for updates, less if all are there.", "1d"),
      duration("settle_seconds", "Settlement", "The aggregator's time to weigh and prove.", "6h"),
      duration("attest_seconds", "Attestation", "Trainers' time to object.", "6h"),
    ],
  },
  {
    title: "Rule and discipline",
    folded: true,
    fields: [
      choice("rule", "Rule", "How updates are weighed. fltrust wants `steelyard owner root run` in every round.", [
        "screen-clip-nnm-multi-krum",
      ]),
      percent("byzantine_bps", "Assumed dishonest", "Share of updates that the rule withstands.", "30"),
      percent("min_reputation_bps", "Least reputation", "To enrol; newcomers have 50.", "0"),
      percent("slash_bps", "Slash", "Of a trainer's stake, when it has too many strikes.", "50"),
      number("max_strikes", "Strikes", "At which a trainer is slashed and removed.", "3"),
      number("max_absences", "Absences", "In a row, at which a trainer is removed.", "3"),
      percent("aggregator_slash_bps", "Aggregator's slash", "Of its stake, for a missed deadline.", "50"),
      {
        name: "aggregator",
        label: "Preferred aggregator",
        help: "Serves while it keeps its deadlines; empty for one that is drawn.",
        kind: "address",
        initial: "",
        optional: true,
      },
    ],
  },
  {
    title: "Training at home",
    folded: true,
    fields: [
      number("epochs", "Epochs", "Passes over a trainer's data in a round.", "3"),
      number("batch_size", "Batch size", "Examples in a step.", "8"),
      number("learning_rate", "Learning rate", "Of stochastic gradient descent.", "0.05"),
      number("momentum", "Momentum", "At least 0, below 1.", "0.9"),
      number("weight_decay", "Weight decay", "From 0 to 1.", "0"),
      number("scale", "Scale", "An update is rounded to integers after multiplication by this.", "8192"),
      number("l2_norm_clip", "Longest update", "Updates are clipped to this L2 norm.", "4"),
      choice("shortness", "Proof of shortness", "Whether trainers take aggregates only with it.", ["required", "none"]),
      choice("sealing", "Sealing", "How updates are encrypted; the second withstands quantum computers.", [
        "x25519",
        "x25519-mlkem768",
      ]),
    ],
  },
];

/** What a form begins with. */
export function initialValues(): Values {
  return Object.fromEntries(SECTIONS.flatMap(({ fields }) => fields.map(({ name, initial }) => [name, initial])));
}

export function isShown(field: Field, values: Values): boolean {
  return field.only === undefined || values[field.only.name] === field.only.value;
}

function line(name: string, label: string, help: string, initial: string): Field {
  return { name, label, help, kind: "line", initial };
}

function number(name: string, label: string, help: string, initial: string): Field {
  return { name, label, help, kind: "number", initial };
}

function amount(name: string, label: string, help: string, initial: string): Field {
  return { name, label, help, kind: "amount", initial };
}

function percent(name: string, label: string, help: string, initial: string): Field {
  return { name, label: `${label}, %`, help, kind: "percent", initial };
}

function duration(name: string, label: string, help: string, initial: string): Field {
  return { name, label, help, kind: "duration", initial };
}

function sizes(name: string, label: string, help: string, initial: string): Field {
  return { name, label, help, kind: "sizes", initial };
}

function choice(name: string, label: string, help: string, choices: readonly string[]): Field {
  return { name, label, help, kind: "choice", initial: choices[0] ?? "", choices };
}
