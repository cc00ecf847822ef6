export { AccountActions } from "./account-actions";
