export { WalletButton } from "./button";
export { connection } from "./connection";
export { TransactionDialog } from "./dialog";
