// Written by scripts/generate_web_types.py from the backend's OpenAPI description. Do not edit.

export interface Page<T> {
  items: T[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  next: string | null;
}

/** An aggregator's offer in one token, and its record over all tokens. */
export interface AggregatorDetail {
  account: string;
  token: string;
  registered: boolean;
  max_stake: string;
  max_dimension: number;
  min_settle_seconds: number;
  min_fee_bps: number;
  /** Number of attempts by outcome. */
  record: Record<string, number>;
}

/** An account as an aggregator, across all projects. */
export interface AggregatorHistory {
  address: string;
  /** Number of attempts by outcome. */
  record: Record<string, number>;
  offers: AggregatorDetail[];
  /** Stakes, and what it earned in any role. */
  balances: Balance[];
  /** The newest, at most a page. */
  attempts: RoundSummary[];
}

/** An API key without its token. */
export interface ApiKey {
  id: string;
  name: string;
  scopes: Scope[];
  created_at: number;
  expires_at: number;
}

/** Lets the marketplace take tokens: a budget, or a stake. */
export interface Approve {
  name: "approve";
  token: string;
  amount: string;
}

/** A trainer's vote on an aggregate: whether its own commitment opens to what is in it. */
export interface Attest {
  name: "attest";
  project_id: string;
  /** From 0. */
  round: number;
  opens: boolean;
}

/** An account's stake and credit in one token. */
export interface Balance {
  token: string;
  free: string;
  locked: string;
  unbonding: string;
  available_at: string;
  slashed: string;
  /** All that was ever earned or refunded. */
  credited: string;
  claimed: string;
  claimable: string;
}

/** A transaction that the node took. Whether it takes effect, the event stream tells. */
export interface Broadcast {
  transaction_hash: string;
  sender: string;
}

/** One event of the marketplace. */
export interface ChainEvent {
  name: string;
  project_id: string | null;
  block_number: number;
  log_index: number;
  block_hash: string;
  timestamp: number;
  transaction_hash: string;
  arguments: Record<string, unknown>;
}

/** What the contract enforces. Bounds are the contract's; `docs/protocol.md` says what each is for. */
export interface ChainTerms {
  budget: string;
  rounds: number;
  min_trainers: number;
  max_trainers: number;
  min_reputation_bps?: number;
  byzantine_bps?: number;
  min_stake: string;
  aggregator_fee_bps?: number;
  slash_bps?: number;
  max_strikes?: number;
  max_absences?: number;
  aggregator_stake: string;
  aggregator_slash_bps?: number;
  enrol_seconds?: number;
  submit_seconds?: number;
  settle_seconds?: number;
  attest_seconds?: number;
  rule?: string;
  aggregator?: string | null;
}

/** A draft that breaks no rule. */
export interface CheckedDraft {
  title: string;
  dimension: number;
  /** Of the initial model's file. */
  model_bytes: number;
  confidential: boolean;
}

/** A small convolutional network for images of one channel. */
export interface CnnSpec {
  name: "cnn";
  height: number;
  width: number;
  channels: number[];
  classes: number;
}

/** Escrows the budget and opens enrolment. The specification must be in storage. */
export interface CreateProject {
  name: "createProject";
  token: string;
  spec_cid: string;
  chain: ChainTerms;
  permit?: PermitFields | null;
}

/** The data that a trainer must bring: one array of features and one label per example. */
export interface DataSpec {
  feature_shape: number[];
  classes: number;
  minimum: number;
  maximum: number;
}

/** The chain, the contracts, what this server offers, and its limits. */
export interface DeploymentDetail {
  chain_id: number;
  marketplace: string;
  verifier: string;
  /** Contracts of the rules offered, by name. */
  rules: Record<string, string>;
  default_rule: string;
  /** The marketplace's. */
  block: number;
  srs_digest: string;
  /** The test token of a devnet. */
  token: string | null;
  /** How long stake takes to come back; null while no node answers. */
  unbonding_seconds: number | null;
  /** A chain explorer: append `/tx/HASH` or `/address/ADDRESS`. */
  explorer_url: string | null;
  /** A node that wallets may use. */
  public_rpc_url: string | null;
  /** Where people log in: `domain` and `uri` of the message. */
  login_origin: string;
  /** Whether models, specifications and drafts are served. */
  has_storage: boolean;
  /** Whether the server enforces deadlines. */
  has_keeper: boolean;
  /** Those offered, then those of projects. */
  tokens: Token[];
  limits: Limits;
}

/** Adds free stake. To enrol takes a project's `min_stake` of it. */
export interface Deposit {
  name: "deposit";
  token: string;
  amount: string;
  permit?: PermitFields | null;
}

/** A project as its owner writes it: the tables of the project file (`steelyard owner example`). */
export interface Draft {
  chain: ChainTerms;
  spec: Record<string, unknown>;
  initial_seed?: number;
}

/** The newest evaluation, by round; `published` is null, and the list empty, where there is none. */
export interface EvaluationPage {
  items: EvaluationPoint[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  next: string | null;
  published: PublishedEvaluation | null;
}

/** One global model on the owner's private data. */
export interface EvaluationPoint {
  /** The round that starts from it; one beyond the last is the project's result. */
  round: number;
  accuracy: number;
  /** Mean cross-entropy. */
  loss: number;
  examples: number;
}

/** An evaluation as `steelyard owner evaluate` writes it, and the owner's signature of it (EIP-191 or ERC-1271). */
export interface EvaluationText {
  /** JSON of format `steelyard-evaluation/1`. */
  text: string;
  signature: string;
}

/** Why a trainer was paid what it was paid. */
export interface Explanation {
  project_id: string;
  round: number;
  attempt: number;
  trainer: string;
  transaction_hash: string;
  /** Every figure of the decision; null where it was not weighed. */
  facts: Record<string, unknown> | null;
  text: string[];
}

/** Lets somebody outside a project read its models from a round on. */
export interface GrantAccess {
  name: "grantAccess";
  project_id: string;
  reader: string;
  /** From 0. */
  from_round: number;
  manifest_cid: string;
}

/** How the backend is doing. */
export interface Health {
  /** ok, degraded or failed. */
  status: string;
  chain_id: number | null;
  marketplace: string;
  indexer: string;
  head_block: number | null;
  indexed_block: number | null;
  lag_blocks: number | null;
  reorgs: number;
  error: string | null;
  /** off, ok, or what failed last. */
  keeper: string;
}

/** A token. It is shown this once. */
export interface IssuedToken {
  id: string;
  token: string;
  account: string;
  scopes: Scope[];
  /** Unix seconds. */
  expires_at: number;
}

/** An API key to make. */
export interface KeyRequest {
  name: string;
  /** `upload`, `relay`. */
  scopes: Scope[];
  /** How long it lives. */
  days?: number;
}

/** How much one client may ask. */
export interface Limits {
  page_items: number;
  body_bytes: number;
  upload_bytes: number;
  /** 0 for any number. A request that may write counts as ten. */
  requests_per_minute: number;
  streams: number;
}

/** A message as EIP-4361 has it, to the byte, and the account's signature (ERC-191, or ERC-1271 of a contract). */
export interface Login {
  message: string;
  signature: string;
}

/** Multinomial logistic regression: one linear layer from `inputs` numbers to `classes`. */
export interface LogisticSpec {
  name: "logistic";
  inputs: number;
  classes: number;
}

/** A trainer's place in a project. */
export interface Member {
  trainer: string;
  slot: number;
  leaving: boolean;
  /** Why it is out: left, absent, struck, ended; `none` while it takes part. */
  left: string;
  strikes: number;
  /** In a row. */
  absences: number;
  /** Shares of final rounds. */
  earned: string;
  /** Its part of the pool, at the project's end. */
  pool_split: string;
  next_strike: Penalty;
  next_absence: Penalty;
}

/** A trainer's place in one of its projects. */
export interface Membership {
  trainer: string;
  slot: number;
  leaving: boolean;
  /** Why it is out: left, absent, struck, ended; `none` while it takes part. */
  left: string;
  strikes: number;
  /** In a row. */
  absences: number;
  /** Shares of final rounds. */
  earned: string;
  /** Its part of the pool, at the project's end. */
  pool_split: string;
  next_strike: Penalty;
  next_absence: Penalty;
  project_id: string;
  /** Of the project. */
  title: string | null;
  /** Of the project. */
  state: string;
  token: string;
}

/** A multilayer perceptron with ReLU between its linear layers. */
export interface MlpSpec {
  name: "mlp";
  layers: number[];
}

/** Updates are encrypted and weighed as they are, without added noise. */
export interface NoPrivacy {
  mechanism: "none";
}

/** What the next message must have as its nonce, and the fields that this server holds it against. */
export interface Nonce {
  nonce: string;
  /** Unix seconds. */
  expires_at: number;
  domain: string;
  uri: string;
  chain_id: number;
}

/** Takes out credit (`claim`) or unbonded stake (`withdraw`). */
export interface PayOut {
  name: "claim" | "withdraw";
  token: string;
  recipient: string;
}

/** Money earned or taken out. */
export interface Payment {
  /** share, fee, pool_split, refund; `claim` for a withdrawal of credit. */
  kind: string;
  /** Whose it is. */
  account: string;
  project_id: string | null;
  token: string;
  amount: string;
  /** Where a claim went. */
  recipient: string | null;
  block_number: number;
  timestamp: number;
  transaction_hash: string;
}

/** What a trainer's next fault of a kind does beside losing the round's pay and some reputation. */
export interface Penalty {
  /** Of the fault, counted with those before; absences count in a row. */
  number: number;
  /** With so many, the trainer is out. */
  limit: number;
  removes: boolean;
  /** What it costs of the stake: only what removes for strikes costs any. */
  slash: string;
}

/** An ERC-2612 signature for exactly what the call takes, so that no `approve` is needed (`/v1/permits`). */
export interface PermitFields {
  deadline: number;
  v: number;
  r: string;
  s: string;
}

/** A permit for the marketplace to take tokens. */
export interface PermitRequest {
  token: string;
  owner: string;
  amount: string;
  /** Unix seconds. */
  deadline: number;
}

/** A call about one project. To enrol takes free stake: see `deposit`. */
export interface ProjectCall {
  name: "start" | "cancel" | "poke" | "enrol" | "leave";
  project_id: string;
}

/** A project with all its parameters. */
export interface ProjectDetail {
  id: string;
  /** Of the specification; null until storage has it, or if it is none. */
  title: string | null;
  /** enrolling, running, completed, cancelled or failed. */
  state: string;
  owner: string;
  token: string;
  budget: string;
  /** How many rounds it has. */
  rounds: number;
  /** Index of the current round, from 0. */
  round: number;
  /** Attempts so far; a round that fails is repeated. */
  attempt: number;
  /** How many take part. */
  trainers: number;
  max_trainers: number;
  min_stake: string;
  /** Number of parameters of the model. */
  dimension: number;
  rule_name: string;
  /** Whether updates are held against a root of the owner's. */
  rooted: boolean;
  /** Unix seconds. */
  enrol_deadline: number;
  /** The project's specification, on IPFS. */
  spec_cid: string;
  min_trainers: number;
  min_reputation_bps: number;
  byzantine_bps: number;
  aggregator_fee_bps: number;
  slash_bps: number;
  max_strikes: number;
  max_absences: number;
  aggregator_stake: string;
  aggregator_slash_bps: number;
  enrol_seconds: number;
  submit_seconds: number;
  settle_seconds: number;
  attest_seconds: number;
  rule: string;
  verifier: string;
  /** The aggregator that the project prefers; the zero address for none. */
  aggregator: string;
  nonce: string;
  created_block: number;
  transaction_hash: string;
  /** What earlier rounds did not pay, plus its half of slashes; 0 after the end. */
  pool: string;
  /** What of the pool was split among those who earned. */
  pool_split: string;
  /** What final rounds credited to trainers. */
  paid: string;
  /** What final rounds credited to aggregators. */
  fees: string;
  /** What went back to the owner. */
  refund: string;
  members: Member[];
  readers: Reader[];
}

/** Everything about a project that its trainers must agree on and the chain need not know. */
export interface ProjectSpec {
  version: 1;
  title: string;
  task: string;
  model: LogisticSpec | MlpSpec | CnnSpec;
  initial_model: string;
  data: DataSpec;
  training: TrainingPhase[];
  quantisation: QuantisationSpec;
  privacy: NoPrivacy;
  shortness?: "required" | "none";
  sealing?: Sealing;
  confidential?: boolean;
}

/** A project in a list. */
export interface ProjectSummary {
  id: string;
  /** Of the specification; null until storage has it, or if it is none. */
  title: string | null;
  /** enrolling, running, completed, cancelled or failed. */
  state: string;
  owner: string;
  token: string;
  budget: string;
  /** How many rounds it has. */
  rounds: number;
  /** Index of the current round, from 0. */
  round: number;
  /** Attempts so far; a round that fails is repeated. */
  attempt: number;
  /** How many take part. */
  trainers: number;
  max_trainers: number;
  min_stake: string;
  /** Number of parameters of the model. */
  dimension: number;
  rule_name: string;
  /** Whether updates are held against a root of the owner's. */
  rooted: boolean;
  /** Unix seconds. */
  enrol_deadline: number;
  /** The project's specification, on IPFS. */
  spec_cid: string;
}

/** Makes wrapped keys of a confidential project known. */
export interface PublishKeys {
  name: "publishKeys";
  project_id: string;
  manifest_cid: string;
}

/** Who published an evaluation, and when. */
export interface PublishedEvaluation {
  project_id: string;
  /** The project's owner, whose signature it has. */
  account: string;
  /** Unix seconds, by the owner's clock. */
  issued_at: number;
  /** Of the signed text. */
  cid: string;
}

/** From a float update to integers (`steelyard.updates.quantise`). */
export interface QuantisationSpec {
  scale: number;
  l2_norm_clip: number;
}

/** Gas by who pays it and for what, its price, and seconds of the cryptography. */
export interface Quote {
  trainers: number;
  dimension: number;
  rounds: number;
  rule: string;
  blocks: number;
  /** By role and call, over the whole project. */
  gas: Record<string, Record<string, number>>;
  total_gas: number;
  total_wei: string;
  first_settlement_gas: number;
  /** Of a round, right to about a factor of two. */
  seconds: Record<string, number>;
}

/** Somebody outside the project whom its owner lets read its models. */
export interface Reader {
  reader: string;
  from_round: number;
  /** Wraps the keys that existed when access was granted. */
  manifest_cid: string;
  granted_block: number;
  /** Whether what was published since is closed to it. */
  revoked: boolean;
}

/** Offers to aggregate projects in a token, within these terms. Each takes its stake of the free stake. */
export interface RegisterAggregator {
  name: "registerAggregator";
  token: string;
  max_stake: string;
  max_dimension: number;
  min_settle_seconds: number;
  min_fee_bps: number;
}

/** Registers an X25519 key (`registerKey`), or a hybrid one by its sha2-256 digest (`registerHybridKey`). */
export interface RegisterKey {
  name: "registerKey" | "registerHybridKey";
  key: string;
}

/** A step of a trainer's reputation, in basis points. */
export interface ReputationChange {
  project_id: string;
  previous: number;
  current: number;
  block_number: number;
  timestamp: number;
  transaction_hash: string;
}

/** Closes to a reader what is published from now on. */
export interface RevokeAccess {
  name: "revokeAccess";
  project_id: string;
  reader: string;
}

/** One attempt with all its submissions. */
export interface RoundDetail {
  project_id: string;
  round: number;
  attempt: number;
  /** collecting, weighing, attesting, or decided; by the clock of the newest block. */
  state: string;
  /** final, too_few, missed, abandoned or void; `none` while it is open. */
  outcome: string;
  /** The zero address where none was to be had. */
  aggregator: string;
  members: number;
  /** Of trainers. */
  submissions: number;
  /** Whether the owner's root is there. */
  has_root: boolean;
  submit_deadline: number;
  settle_deadline: number;
  attest_deadline: number | null;
  /** `f`, rows assumed dishonest. */
  num_byzantine: number | null;
  /** What the rows share. */
  budget: string | null;
  aggregate_cid: string | null;
  attesters: number;
  approvals: number;
  objections: number;
  paid: string;
  to_pool: string;
  opened_block: number;
  opened_transaction: string;
  settled_block: number | null;
  settled_transaction: string | null;
  /** Gas used by the settlement's transaction. */
  settled_gas: number | null;
  closed_block: number | null;
  closed_transaction: string | null;
  entries: Submission[];
  /** All attempts at this round; the last one is shown unless another is asked for. */
  attempts: number[];
}

/** A settled round in short. Excluded submissions and the owner's root have no row here. */
export interface RoundShares {
  round: number;
  attempt: number;
  /** final, missed, abandoned or void; `none` while it is attested. */
  outcome: string;
  rows: RowShare[];
}

/** One attempt at a round. Fields that a settlement fixes are null before it. */
export interface RoundSummary {
  project_id: string;
  round: number;
  attempt: number;
  /** collecting, weighing, attesting, or decided; by the clock of the newest block. */
  state: string;
  /** final, too_few, missed, abandoned or void; `none` while it is open. */
  outcome: string;
  /** The zero address where none was to be had. */
  aggregator: string;
  members: number;
  /** Of trainers. */
  submissions: number;
  /** Whether the owner's root is there. */
  has_root: boolean;
  submit_deadline: number;
  settle_deadline: number;
  attest_deadline: number | null;
  /** `f`, rows assumed dishonest. */
  num_byzantine: number | null;
  /** What the rows share. */
  budget: string | null;
  aggregate_cid: string | null;
  attesters: number;
  approvals: number;
  objections: number;
  paid: string;
  to_pool: string;
  opened_block: number;
  opened_transaction: string;
  settled_block: number | null;
  settled_transaction: string | null;
  /** Gas used by the settlement's transaction. */
  settled_gas: number | null;
  closed_block: number | null;
  closed_transaction: string | null;
}

/** What a settlement made of one trainer's row. */
export interface RowShare {
  trainer: string;
  weight: string;
  contribution: string;
  share: string;
}

/** What a token may be used for. */
export type Scope = "upload" | "relay" | "keys";

/** How messages to an account are encrypted. A project chooses; an account has a key for each. */
export type Sealing = "x25519" | "x25519-mlkem768";

/** Whom a token is of. */
export interface Session {
  id: string;
  account: string;
  scopes: Scope[];
  /** Unix seconds. */
  expires_at: number;
}

/** The signed text, for anybody to check the signature. */
export interface SignedEvaluation {
  project_id: string;
  /** The project's owner, whose signature it has. */
  account: string;
  /** Unix seconds, by the owner's clock. */
  issued_at: number;
  /** Of the signed text. */
  cid: string;
  text: string;
  signature: string;
}

/** A signed transaction. */
export interface SignedTransactionText {
  raw: string;
}

/** Where a project stands. */
export type State = "enrolling" | "running" | "completed" | "cancelled" | "failed";

/** A file that storage has. */
export interface StoredBlob {
  cid: string;
  bytes: number;
}

/** A draft whose specification and initial model are in storage. */
export interface StoredDraft {
  title: string;
  dimension: number;
  /** Of the initial model's file. */
  model_bytes: number;
  confidential: boolean;
  /** To create the project with. */
  spec_cid: string;
  initial_model: string;
}

/** One submission, and what the settlement made of it. */
export interface Submission {
  /** Place in the order of submission; 255 for the owner's root. */
  position: number;
  trainer: string;
  cid: string;
  commitment_hash: string;
  transaction_hash: string;
  /** Why it was unusable: unavailable, undecryptable, malformed, not_opening. */
  excluded: string;
  /** Row in the Gram matrix. */
  row: number | null;
  weight: string | null;
  contribution: string | null;
  share: string | null;
  /** Whether it earned a strike. */
  opposed: boolean;
  /** The trainer's attestation; null for none. */
  opens: boolean | null;
}

/** A token, as it describes itself: anybody can call a token anything. */
export interface Token {
  address: string;
  /** Null where it has none in printable ASCII. */
  symbol: string | null;
  /** Null where it says nothing: show amounts in its smallest unit. */
  decimals: number | null;
  /** Whether it takes ERC-2612 permits and describes their domain (EIP-5267). */
  permit: boolean;
  /** Whether the operator offers it to owners. */
  offered: boolean;
  /** Whether it is the test token of a devnet, which anybody mints. */
  test: boolean;
}

/** A token, and what an account has in it. */
export interface TokenDetail {
  address: string;
  /** Null where it has none in printable ASCII. */
  symbol: string | null;
  /** Null where it says nothing: show amounts in its smallest unit. */
  decimals: number | null;
  /** Whether it takes ERC-2612 permits and describes their domain (EIP-5267). */
  permit: boolean;
  /** Whether the operator offers it to owners. */
  offered: boolean;
  /** Whether it is the test token of a devnet, which anybody mints. */
  test: boolean;
  account: string | null;
  balance: string | null;
  /** What the marketplace may take of the account's. */
  allowance: string | null;
  permit_nonce: string | null;
}

/** An account across all projects. */
export interface TrainerDetail {
  address: string;
  /** X25519 public key. */
  key: string | null;
  /** sha2-256 of the hybrid public key, which storage has by it. */
  hybrid_digest: string | null;
  reputation_bps: number;
  balances: Balance[];
  /** The newest, at most a page. */
  projects: Membership[];
  /** The newest changes first, at most a page. */
  reputation: ReputationChange[];
}

/** How a trainer trains at home, by stochastic gradient descent, from round `first_round` to the next phase. */
export interface TrainingPhase {
  first_round: number;
  epochs: number;
  batch_size: number;
  learning_rate: number;
  momentum: number;
  weight_decay: number;
}

/** Who will sign, and what. */
export interface TransactionRequest {
  sender: string;
  call: Approve | CreateProject | ProjectCall | Deposit | Unbond | PayOut | RegisterKey | Attest | PublishKeys | GrantAccess | RevokeAccess | RegisterAggregator | UnregisterAggregator;
}

/** As `eth_signTypedData_v4` takes it (EIP-712). */
export interface TypedData {
  types: Record<string, Record<string, string>[]>;
  primaryType: string;
  domain: Record<string, unknown>;
  message: Record<string, unknown>;
}

/** Starts to take free stake back: `withdraw` does, once the delay is over. */
export interface Unbond {
  name: "unbond";
  token: string;
  amount: string;
}

/** Takes an offer back. */
export interface UnregisterAggregator {
  name: "unregisterAggregator";
  token: string;
}

/** As `eth_sendTransaction` takes it (EIP-1559): numbers are 0x-hex. */
export interface UnsignedTransaction {
  type: string;
  chainId: string;
  from: string;
  to: string;
  nonce: string;
  gas: string;
  maxFeePerGas: string;
  maxPriorityFeePerGas: string;
  value: string;
  data: string;
}
