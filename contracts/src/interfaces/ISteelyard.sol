// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IGramVerifier} from "./IGramVerifier.sol";
import {IWeighingRule} from "./IWeighingRule.sol";

/// @notice Hash of a project's parameters, chain, marketplace and owner nonce.
type ProjectId is bytes32;

/// @notice An IPFS content identifier (CIDv1, sha2-256).
/// @param digest The sha2-256 digest.
/// @param codec 0x55 (raw) or 0x70 (dag-pb).
struct Cid {
    bytes32 digest;
    uint8 codec;
}

/// @notice What a project promises; immutable, and hashed into its id.
/// @param owner Pays the budget, may start and cancel, is refunded what was never settled.
/// @param token ERC-20 of budget and stakes. Fee-on-transfer and rebasing tokens are unsupported.
/// @param budget For all rounds together, in token units.
/// @param rounds Number of rounds.
/// @param minTrainers Fewer submissions than this and a round fails; at least 3.
/// @param maxTrainers Members that may enrol; at most 32, and one less where the rule is rooted.
/// @param minReputationBps Reputation that a trainer needs to enrol.
/// @param byzantineBps Share of trainers' rows assumed dishonest; `f = min(n·byzantineBps / 10000, (n − 3) / 2)`.
/// @param minStake What a trainer locks.
/// @param aggregatorFeeBps Part of a settled round's budget that the aggregator earns.
/// @param slashBps Part of `minStake` that a trainer loses at `maxStrikes`.
/// @param maxStrikes Strikes at which a trainer is slashed and removed.
/// @param maxAbsences Absences in a row at which a trainer is removed, stake in full.
/// @param aggregatorStake What the aggregator of a round locks.
/// @param aggregatorSlashBps Part of `aggregatorStake` that is burnt for a missed deadline or a voided round.
/// @param enrolSeconds How long enrolment lasts.
/// @param submitSeconds How long a round collects, unless every member has submitted before.
/// @param settleSeconds How long the aggregator has after that.
/// @param attestSeconds How long paid trainers may attest or object.
/// @param dimension Number of parameters of the model, `d`.
/// @param rule How updates are weighed; one that this marketplace offers.
/// @param verifier Checks the Gram proof; one that this marketplace offers.
/// @param aggregator The aggregator that this project prefers while it keeps its deadlines; zero for none.
/// @param specCid The project's specification.
struct ProjectParams {
    address owner;
    address token;
    uint128 budget;
    uint16 rounds;
    uint8 minTrainers;
    uint8 maxTrainers;
    uint16 minReputationBps;
    uint16 byzantineBps;
    uint128 minStake;
    uint16 aggregatorFeeBps;
    uint16 slashBps;
    uint8 maxStrikes;
    uint8 maxAbsences;
    uint128 aggregatorStake;
    uint16 aggregatorSlashBps;
    uint32 enrolSeconds;
    uint32 submitSeconds;
    uint32 settleSeconds;
    uint32 attestSeconds;
    uint32 dimension;
    IWeighingRule rule;
    IGramVerifier verifier;
    address aggregator;
    Cid specCid;
}

/// @notice An ERC-2612 signature for exactly the amount that the call transfers.
struct Permit {
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @notice Projects that an aggregator agrees to be drawn for.
/// @param maxStake The most it lets one project lock.
/// @param maxDimension The largest model it can weigh.
/// @param minSettleSeconds The shortest deadline it accepts.
/// @param minFeeBps The smallest fee it works for.
struct AggregatorTerms {
    uint128 maxStake;
    uint32 maxDimension;
    uint32 minSettleSeconds;
    uint16 minFeeBps;
}

/// @notice An account's stake in one token.
/// @param free May be locked or unbonded.
/// @param locked In projects, as trainer or aggregator.
/// @param unbonding On its way out.
/// @param availableAt When `unbonding` may be withdrawn.
struct Stake {
    uint128 free;
    uint128 locked;
    uint128 unbonding;
    uint64 availableAt;
}

enum ProjectStatus {
    None,
    Enrolling,
    Running,
    Completed,
    Cancelled,
    Failed
}

/// @dev Collecting: submissions are taken. Weighing: the aggregator's turn. Attesting: paid trainers vote.
/// Decided: the attempt has ended one way or another and waits for `poke` to record how.
enum RoundStatus {
    None,
    Collecting,
    Weighing,
    Attesting,
    Decided
}

/// @dev Final: paid. TooFew: not enough submissions, no root where one is needed, or no aggregator was to be had. Missed: the aggregator let its
/// deadline pass. Abandoned: the aggregator gave the round up. Void: more than half of the paid trainers objected.
enum RoundOutcome {
    None,
    Final,
    TooFew,
    Missed,
    Abandoned,
    Void
}

enum ExclusionReason {
    None,
    Unavailable,
    Undecryptable,
    Malformed,
    NotOpening
}

enum LeaveReason {
    None,
    Left,
    Absent,
    Struck,
    Ended
}

enum CreditKind {
    None,
    Share,
    Fee,
    PoolSplit,
    Refund
}

/// @notice A submission that the aggregator could not use.
/// @param index Its place in the order of submission.
struct Exclusion {
    uint8 index;
    ExclusionReason reason;
}

/// @notice What settles a round.
/// @param exclusions Unusable submissions, by ascending index.
/// @param commitments `C_1^0 ‖ … ‖ C_n^{B-1}` of the remaining ones, in the order of submission, a root last.
/// @param gram Upper triangle of `G`, int64 each.
/// @param proof The Gram proof.
/// @param hints What the rule wants to check rather than find.
/// @param aggregateCid Where the aggregate is.
/// @param blinders Blinders of the aggregate's commitment, 32 bytes a block.
struct Settlement {
    Exclusion[] exclusions;
    bytes commitments;
    bytes gram;
    bytes proof;
    bytes hints;
    Cid aggregateCid;
    bytes blinders;
}

/// @notice A project as it stands.
/// @param pool What earlier rounds did not pay, plus the pool's half of slashes.
/// @param round Index of the current round, from 0.
/// @param attempt Number of attempts so far, from 1; rounds may be repeated, attempts never are.
/// @param failures Attempts in a row that did not become final.
/// @param tooFew Attempts in a row that had too few submissions.
/// @param active Bit `s` is set while the member in slot `s` takes part.
/// @param leaving Members that leave when the attempt ends.
/// @param rooted Whether the rule holds updates against one of the owner's, its root, which each attempt needs.
struct Project {
    ProjectParams params;
    ProjectStatus status;
    uint64 enrolDeadline;
    uint128 pool;
    uint16 round;
    uint32 attempt;
    uint8 failures;
    uint8 tooFew;
    uint32 active;
    uint32 leaving;
    bool rooted;
}

/// @notice The current attempt of the current round. Masks are by member slot. Ordered to fill two storage slots.
/// @param hasRoot Whether the owner of a rooted project has submitted its root. It counts in neither `submissions` nor
/// `submitted`.
struct Round {
    uint16 index;
    uint32 attempt;
    RoundStatus status;
    RoundOutcome outcome;
    address aggregator;
    uint32 attesters;
    uint48 submitDeadline;
    uint48 settleDeadline;
    uint48 attestDeadline;
    uint8 submissions;
    uint32 submitted;
    uint32 approvals;
    uint32 objections;
    bool hasRoot;
}

/// @notice A trainer's place in one project.
/// @param share What the current attempt pays once it is final.
/// @param earned What final rounds have paid.
struct Member {
    address account;
    uint8 strikes;
    uint8 absences;
    bool active;
    uint128 share;
    uint128 earned;
}

/// @title Steelyard, a marketplace for federated learning (docs/protocol.md)
/// @notice Escrows budgets and stakes, verifies the weighing of each round, pays by contribution, enforces deadlines.
/// @dev Assumes the token neither charges on transfer nor rebases, and that its supply stays below 2^128; the received
/// amount is checked. Deployed once, never upgraded, paused or owned.
/// @dev Invariant: for each token, balance ≥ Σ pools and unspent budgets + Σ stakes + Σ credits + burnt.
/// @dev Invariant: from every state, at most three calls of `poke` after the deadlines return all principal.
interface ISteelyard {
    // ------------------------------------------------------------------------------------------------- errors

    /// @notice Thrown when a project parameter is out of bounds.
    error InvalidParameter(bytes32 name, uint256 value);
    /// @notice Thrown when a rule or verifier is not among those fixed at deployment.
    error NotOffered(address component);
    /// @notice Thrown when a content identifier has another codec than raw or dag-pb, or no digest.
    error InvalidCid(bytes32 digest, uint8 codec);
    /// @notice Thrown when an address or amount is zero where that makes no sense.
    error ZeroValue();
    /// @notice Thrown when a token delivers another amount than was sent.
    error UnexpectedTransferAmount(address token, uint256 received, uint256 expected);
    /// @notice Thrown when the caller may not do this for the project.
    error NotAuthorized(address caller, address expected);
    /// @notice Thrown when a project is not in the status that the call needs.
    error ProjectNotInStatus(ProjectId projectId, ProjectStatus current, ProjectStatus expected);
    /// @notice Thrown when the current attempt is not in the status that the call needs.
    error RoundNotInStatus(ProjectId projectId, RoundStatus current, RoundStatus expected);
    /// @notice Thrown when a call names another round than the current one.
    error WrongRound(ProjectId projectId, uint256 given, uint256 current);
    /// @notice Thrown when nothing waits for `poke`.
    error NothingToDo(ProjectId projectId);
    /// @notice Thrown when enrolment has ended.
    error EnrolmentClosed(ProjectId projectId, uint256 deadline);
    /// @notice Thrown when a start is too early: not enough trainers yet.
    error TooFewTrainers(ProjectId projectId, uint256 enrolled, uint256 required);
    /// @notice Thrown when every place is taken.
    error ProjectFull(ProjectId projectId, uint256 maxTrainers);
    /// @notice Thrown when somebody enrols twice.
    error AlreadyEnrolled(ProjectId projectId, address trainer);
    /// @notice Thrown when the caller is not an active member.
    error NotEnrolled(ProjectId projectId, address account);
    /// @notice Thrown when a trainer's reputation is below the project's minimum.
    error ReputationTooLow(address trainer, uint256 reputation, uint256 required);
    /// @notice Thrown when an account has not registered an encryption key.
    error KeyMissing(address account);
    /// @notice Thrown when a stake or unbonding amount does not cover a call.
    error InsufficientStake(address account, address token, uint256 available, uint256 required);
    /// @notice Thrown when unbonding has not ended.
    error StillUnbonding(address account, address token, uint256 availableAt);
    /// @notice Thrown when nobody registered can be drawn for the project.
    error NoAggregator(ProjectId projectId);
    /// @notice Thrown when an aggregator registers twice or unregisters without having registered.
    error AggregatorRegistration(address account, address token, bool registered);
    /// @notice Thrown when the owner of a rooted project enrols in it: it may not be judge and party.
    error OwnerMayNotTrain(ProjectId projectId, address owner);
    /// @notice Thrown when a root is submitted to a project whose rule has no use for one.
    error NotRooted(ProjectId projectId);
    /// @notice Thrown when a trainer, or an owner with a root, submits twice in one attempt.
    error AlreadySubmitted(ProjectId projectId, address trainer);
    /// @notice Thrown when a commitment hash was already submitted in this attempt.
    error DuplicateCommitment(ProjectId projectId, bytes32 commitmentHash);
    /// @notice Thrown when commitments in a settlement hash to nothing that was submitted, are out of order, or leave
    /// a submission out.
    /// @param row The row of the settlement.
    error UnknownSubmission(ProjectId projectId, uint256 row, bytes32 commitmentHash);
    /// @notice Thrown when a settlement's rows and exclusions are not all submissions in their order.
    error SubmissionMismatch(ProjectId projectId, uint256 row, uint256 index, uint256 expected);
    /// @notice Thrown when a settlement excludes more than the round tolerates; it can only be abandoned.
    error TooManyExclusions(ProjectId projectId, uint256 excluded, uint256 limit);
    /// @notice Thrown when an exclusion has no reason, or exclusions are not ascending.
    error InvalidExclusion(uint256 position);
    /// @notice Thrown when a byte string in a settlement has the wrong length.
    error InvalidSettlementLength(uint256 actual, uint256 expected);
    /// @notice Thrown when the caller has no vote in this attempt.
    error NotAttester(ProjectId projectId, address account);
    /// @notice Thrown when an attester votes twice.
    error AlreadyAttested(ProjectId projectId, address account);
    /// @notice Thrown when there is nothing to claim or burn.
    error NothingToClaim(address account, address token);

    // ------------------------------------------------------------------------------------------------- events

    event KeyRegistered(address indexed account, bytes32 key);
    event HybridKeyRegistered(address indexed account, bytes32 digest);
    event StakeDeposited(address indexed account, address indexed token, uint256 amount);
    event StakeUnbonding(address indexed account, address indexed token, uint256 amount, uint256 availableAt);
    event StakeWithdrawn(address indexed account, address indexed token, uint256 amount, address recipient);
    event StakeLocked(ProjectId indexed projectId, address indexed account, uint256 amount);
    event StakeReleased(ProjectId indexed projectId, address indexed account, uint256 amount);
    /// @param amount What the account lost; `toPool` of it went to the project's pool, the rest is burnt.
    event StakeSlashed(ProjectId indexed projectId, address indexed account, uint256 amount, uint256 toPool);
    event AggregatorRegistered(address indexed account, address indexed token, AggregatorTerms terms);
    event AggregatorUnregistered(address indexed account, address indexed token);
    /// @param rooted Whether the project's rule needs the owner's root in each attempt.
    event ProjectCreated(
        ProjectId indexed projectId,
        address indexed owner,
        uint256 nonce,
        uint256 enrolDeadline,
        ProjectParams params,
        bool rooted
    );
    event ProjectStarted(ProjectId indexed projectId, uint256 trainers);
    /// @param status Completed, Cancelled or Failed.
    /// @param refund What goes back to the owner: rounds that were never settled, and the dust of every division.
    /// @param pool What was split among those who earned.
    event ProjectEnded(ProjectId indexed projectId, ProjectStatus status, uint256 refund, uint256 pool);
    event TrainerEnrolled(ProjectId indexed projectId, address indexed trainer, uint256 slot);
    event TrainerLeaving(ProjectId indexed projectId, address indexed trainer);
    event TrainerLeft(ProjectId indexed projectId, address indexed trainer, LeaveReason reason);
    event RoundOpened(
        ProjectId indexed projectId,
        uint256 indexed round,
        uint256 attempt,
        address indexed aggregator,
        uint256 submitDeadline,
        uint256 settleDeadline
    );
    event UpdateSubmitted(
        ProjectId indexed projectId,
        uint256 indexed round,
        address indexed trainer,
        uint256 attempt,
        uint256 index,
        Cid cid,
        bytes32 commitmentHash
    );
    event RootSubmitted(
        ProjectId indexed projectId,
        uint256 indexed round,
        address indexed owner,
        uint256 attempt,
        Cid cid,
        bytes32 commitmentHash
    );
    /// @notice All that settled a round, so that logs alone suffice to check it.
    event RoundSettled(
        ProjectId indexed projectId,
        uint256 indexed round,
        address indexed aggregator,
        uint256 attempt,
        uint256 attestDeadline,
        Settlement settlement
    );
    /// @param trainers The rows, in the order of submission; in a rooted project the owner's is the last.
    /// @param f Number of trainers' rows assumed dishonest.
    /// @param budget What the rows share.
    /// @param opposed Bit `i` is set where row `i` earned a strike.
    event RoundWeighed(
        ProjectId indexed projectId,
        uint256 indexed round,
        uint256 attempt,
        address[] trainers,
        uint256 f,
        uint256 budget,
        uint256[] weights,
        uint256[] contributions,
        uint256[] shares,
        uint256 opposed
    );
    event Attested(
        ProjectId indexed projectId, uint256 indexed round, address indexed trainer, uint256 attempt, bool opens
    );
    /// @param paid What trainers were credited; `toPool` of the round's budget stayed in the pool.
    event RoundClosed(
        ProjectId indexed projectId,
        uint256 indexed round,
        uint256 attempt,
        RoundOutcome outcome,
        uint256 paid,
        uint256 toPool
    );
    event ReputationUpdated(address indexed trainer, ProjectId indexed projectId, uint256 previous, uint256 current);
    event StrikeRecorded(ProjectId indexed projectId, address indexed trainer, uint256 strikes);
    event AbsenceRecorded(ProjectId indexed projectId, address indexed trainer, uint256 absences);
    event Credited(
        ProjectId indexed projectId, address indexed account, address indexed token, uint256 amount, CreditKind kind
    );
    event Claimed(address indexed account, address indexed token, uint256 amount, address recipient);
    event Burned(address indexed token, uint256 amount);
    /// @notice Content keys of a confidential project, wrapped for those named in the manifest.
    event KeysPublished(ProjectId indexed projectId, address indexed publisher, Cid manifest);
    /// @notice A reader is due the models from round `fromRound` on. Replaces an earlier grant to the same reader.
    event AccessGranted(ProjectId indexed projectId, address indexed reader, uint256 fromRound, Cid manifest);
    event AccessRevoked(ProjectId indexed projectId, address indexed reader);

    // ------------------------------------------------------------------------------------------------- stakes and keys

    /// @notice Registers the caller's X25519 public key, replacing an earlier one.
    /// @custom:reverts ZeroValue
    function registerKey(bytes32 key) external;

    /// @notice Registers the caller's hybrid public key (ML-KEM-768 and X25519) by its sha2-256 digest, replacing an
    /// earlier one. The key itself, 1216 bytes, is the raw IPFS block of that digest.
    /// @custom:reverts ZeroValue
    function registerHybridKey(bytes32 digest) external;

    /// @notice Adds to the caller's free stake.
    /// @custom:reverts ZeroValue, UnexpectedTransferAmount
    function deposit(address token, uint128 amount) external;

    /// @notice Adds to the caller's free stake with an ERC-2612 signature. A permit that somebody else has already
    /// spent is ignored; the allowance decides.
    /// @custom:reverts as `deposit`
    function depositWithPermit(address token, uint128 amount, Permit calldata permit) external;

    /// @notice Starts the withdrawal of free stake. Restarts the delay of what is unbonding already.
    /// @custom:reverts ZeroValue, InsufficientStake
    function unbond(address token, uint128 amount) external;

    /// @notice Withdraws all unbonded stake.
    /// @custom:reverts ZeroValue, InsufficientStake, StillUnbonding
    function withdraw(address token, address recipient) external;

    /// @notice Offers the caller as an aggregator for projects in `token`.
    /// @custom:reverts KeyMissing, AggregatorRegistration
    function registerAggregator(address token, AggregatorTerms calldata terms) external;

    /// @notice Takes the offer back. Rounds under way are unaffected.
    /// @custom:reverts AggregatorRegistration
    function unregisterAggregator(address token) external;

    // ------------------------------------------------------------------------------------------------- projects

    /// @notice Creates a project and escrows its budget from the caller, who must be `params.owner`.
    /// @custom:reverts NotAuthorized, InvalidParameter, NotOffered, InvalidCid, UnexpectedTransferAmount
    function createProject(ProjectParams calldata params) external returns (ProjectId projectId);

    /// @notice Creates a project with an ERC-2612 signature for the budget.
    /// @custom:reverts as `createProject`
    function createProjectWithPermit(ProjectParams calldata params, Permit calldata permit)
        external
        returns (ProjectId projectId);

    /// @notice Cancels a project that is still enrolling; the owner's budget and all stakes are freed.
    /// @custom:reverts NotAuthorized, ProjectNotInStatus
    function cancel(ProjectId projectId) external;

    /// @notice Joins a project, locking `minStake`. The aggregator's key is the one that payloads are encrypted to;
    /// a trainer needs one of its own to read confidential models.
    /// @custom:reverts ProjectNotInStatus, EnrolmentClosed, AlreadyEnrolled, OwnerMayNotTrain, ProjectFull,
    /// ReputationTooLow, KeyMissing, InsufficientStake
    function enrol(ProjectId projectId) external;

    /// @notice Leaves a project: at once while enrolling, else when the attempt ends.
    /// @custom:reverts ProjectNotInStatus, NotEnrolled
    function leave(ProjectId projectId) external;

    /// @notice Starts the first round. The owner may call it as soon as `minTrainers` have enrolled, anybody once the
    /// project is full or enrolment has ended.
    /// @custom:reverts NotAuthorized, ProjectNotInStatus, TooFewTrainers, NoAggregator
    function start(ProjectId projectId) external;

    /// @notice Does whatever a deadline allows: starts or cancels, closes an attempt that has been decided, opens the
    /// next, ends the project.
    /// @custom:reverts NothingToDo
    function poke(ProjectId projectId) external;

    // ------------------------------------------------------------------------------------------------- rounds

    /// @notice Submits the caller's update for the current attempt.
    /// @dev Only the hash of the commitments is stored. Warning: final; it cannot be replaced or withdrawn.
    /// @custom:reverts RoundNotInStatus, WrongRound, NoAggregator, NotEnrolled, AlreadySubmitted, InvalidCid, ZeroValue,
    /// DuplicateCommitment
    function submit(ProjectId projectId, uint256 round, Cid calldata cid, bytes32 commitmentHash) external;

    /// @notice Submits the owner's root for the current attempt of a rooted project: an update that is weighed against,
    /// and neither added to the aggregate nor paid. An attempt without one ends as TooFew.
    /// @dev As `submit`: only the hash is stored, and it is final.
    /// @custom:reverts RoundNotInStatus, WrongRound, NotRooted, NotAuthorized, NoAggregator, AlreadySubmitted, InvalidCid,
    /// ZeroValue, DuplicateCommitment
    function submitRoot(ProjectId projectId, uint256 round, Cid calldata cid, bytes32 commitmentHash) external;

    /// @notice Settles the current attempt: verifies the proof, weighs, fixes shares, strikes and reputations.
    /// @dev Only the attempt's aggregator. All effects wait for the attempt to become final.
    /// @custom:reverts NotAuthorized, RoundNotInStatus, WrongRound, UnknownSubmission, SubmissionMismatch,
    /// TooManyExclusions, InvalidExclusion, InvalidSettlementLength, InvalidCid, and the verifier's and rule's errors
    function settle(ProjectId projectId, uint256 round, Settlement calldata settlement) external;

    /// @notice Gives the current attempt up without slash or fee.
    /// @dev Only the attempt's aggregator, only while weighing.
    /// @custom:reverts NotAuthorized, RoundNotInStatus, WrongRound
    function abandon(ProjectId projectId, uint256 round) external;

    /// @notice Says whether the published aggregate opens its commitment. Paid trainers vote; in a round that pays
    /// nobody, those with a weight do.
    /// @custom:reverts RoundNotInStatus, WrongRound, NotAttester, AlreadyAttested
    function attest(ProjectId projectId, uint256 round, bool opens) external;

    // ------------------------------------------------------------------------------------------------- access

    /// @notice Publishes content keys of a confidential project, wrapped for others who are due them.
    /// @dev The owner, or whoever has ever been a member of the running project. Access is recorded here and enforced by
    /// encryption (docs/confidential.md): the contract only says who may speak of it.
    /// @custom:reverts NotEnrolled, InvalidCid
    function publishKeys(ProjectId projectId, Cid calldata manifest) external;

    /// @notice Lets `reader` read the models from round `fromRound` on; `manifest` wraps the keys that exist already.
    /// @custom:reverts NotAuthorized, InvalidParameter, KeyMissing, InvalidCid
    function grantAccess(ProjectId projectId, address reader, uint256 fromRound, Cid calldata manifest) external;

    /// @notice Ends a grant: nothing that is published from now on is wrapped for `reader`.
    /// @custom:reverts NotAuthorized
    function revokeAccess(ProjectId projectId, address reader) external;

    // ------------------------------------------------------------------------------------------------- money out

    /// @notice Pays the caller's whole credit in `token` to `recipient`.
    /// @custom:reverts ZeroValue, NothingToClaim
    function claim(address token, address recipient) external returns (uint256 amount);

    /// @notice Sends what slashes have burnt to the dead address.
    /// @custom:reverts NothingToClaim
    function burn(address token) external returns (uint256 amount);

    // ------------------------------------------------------------------------------------------------- views

    function unbondingSeconds() external view returns (uint256);
    function isOffered(address component) external view returns (bool);
    function keyOf(address account) external view returns (bytes32);
    function hybridKeyOf(address account) external view returns (bytes32 digest);
    function reputationOf(address account) external view returns (uint256 reputationBps);
    function stakeOf(address account, address token) external view returns (Stake memory);
    function creditOf(address account, address token) external view returns (uint256);
    function burntOf(address token) external view returns (uint256);
    function nonceOf(address owner) external view returns (uint256);
    function aggregatorTermsOf(address account, address token)
        external
        view
        returns (bool registered, AggregatorTerms memory terms);
    function aggregatorsOf(address token) external view returns (address[] memory);
    function getProject(ProjectId projectId) external view returns (Project memory);
    function getRound(ProjectId projectId) external view returns (Round memory);
    function getMembers(ProjectId projectId) external view returns (Member[] memory);

    /// @notice The slot of an active member.
    /// @custom:reverts NotEnrolled
    function slotOf(ProjectId projectId, address account) external view returns (uint256 slot);

    /// @notice The id that a project of these parameters gets at `nonce`.
    function computeProjectId(ProjectParams calldata params, uint256 nonce) external view returns (ProjectId);
}
