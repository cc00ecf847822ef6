export { VerifyRound } from "./verify-round";
