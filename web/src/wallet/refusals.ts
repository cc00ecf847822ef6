/** The contracts' custom errors in our words. */

type Arguments = readonly unknown[];

const PROJECT_STATES = ["unknown", "enrolling", "running", "completed", "cancelled", "failed"];
const ROUND_STATES = ["not open", "collecting", "weighing", "attesting", "decided"];

const REFUSALS: Readonly<Record<string, (args: Arguments) => string>> = {
  InvalidParameter: ([name, value]) => `${readWord(name)} may not be ${value}.`,
  NotOffered: ([component]) => `This marketplace does not offer the contract ${component}.`,
  InvalidCid: () => "That is no content identifier that the contract takes.",
  ZeroValue: () => "An amount or address is zero.",
  UnexpectedTransferAmount: ([, received, expected]) =>
    `The token delivered ${received} instead of ${expected}: tokens that charge on transfer are not supported.`,
  NotAuthorized: ([, expected]) => `Only ${expected} may do this.`,
  ProjectNotInStatus: ([, current, expected]) =>
    `The project is ${PROJECT_STATES[Number(current)]}, it would have to be ${PROJECT_STATES[Number(expected)]}.`,
  RoundNotInStatus: ([, current, expected]) =>
    `The round is ${ROUND_STATES[Number(current)]}, it would have to be ${ROUND_STATES[Number(expected)]}.`,
  WrongRound: ([, , current]) => `The project is in round ${current} by now.`,
  NothingToDo: () => "Nothing waits to be recorded: no deadline has passed.",
  EnrolmentClosed: () => "Enrolment has ended.",
  TooFewTrainers: ([, enrolled, required]) => `${enrolled} trainers have enrolled, ${required} are needed.`,
  ProjectFull: ([, most]) => `All ${most} places are taken.`,
  AlreadyEnrolled: ([, trainer]) => `${trainer} has enrolled already.`,
  NotEnrolled: ([, account]) => `${account} is no member of the project.`,
  ReputationTooLow: ([, reputation, required]) => `Your reputation is ${reputation}, the project asks for ${required}.`,
  KeyMissing: ([account]) => `${account} has not registered an encryption key.`,
  InsufficientStake: ([, , available, required]) => `The free stake is ${available}, ${required} are needed.`,
  StillUnbonding: ([, , at]) => `The stake comes free at ${new Date(Number(at) * 1000).toISOString()}.`,
  NoAggregator: () => "No registered aggregator meets the project's terms.",
  OwnerMayNotTrain: () => "The owner of this project holds updates against its own: it may not enrol.",
  NothingToClaim: () => "There is nothing to pay out.",
  ERC20InsufficientBalance: ([, balance, needed]) => `The account has ${balance} of the token, ${needed} are needed.`,
  ERC20InsufficientAllowance: ([, allowance, needed]) =>
    `The marketplace may take ${allowance} of the token, ${needed} are needed: approve it first.`,
  ERC2612ExpiredSignature: () => "The permit has expired: sign a new one.",
  ERC2612InvalidSigner: () => "The permit is not signed by the account that pays.",
  Error: ([reason]) => `The contract refused: ${reason}`,
  Panic: ([code]) => `The contract failed within itself (panic ${code}).`,
};

/** An error of a contract as a sentence; one without words here by its name and values. */
export function describeRefusal(name: string, args: Arguments): string {
  const describe = REFUSALS[name];
  return describe === undefined ? `The contract refused: ${name}(${args.map(String).join(", ")}).` : describe(args);
}

/** A short name that a contract keeps in 32 bytes. */
function readWord(value: unknown): string {
  const digits = typeof value === "string" ? value.slice(2) : "";
  const bytes = (digits.match(/../g) ?? []).map((pair) => parseInt(pair, 16)).filter((byte) => byte >= 32 && byte < 127);
  return String.fromCharCode(...bytes) || "a parameter";
}
