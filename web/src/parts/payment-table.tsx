import type { Payment } from "../api/schema";
import { describe } from "../format/words";
import { paths } from "../router";
import { Amount } from "../ui/amount";
import { Address, Transaction } from "../ui/hex";
import { Link } from "../ui/link";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { shortenHex } from "../format/hex";

interface Props {
  payments: Payment[];
  /** Whether they are of several accounts. */
  withAccount?: boolean;
  /** Whether they are of several projects. */
  withProject?: boolean;
}

/** Credits and withdrawals, each with its transaction. */
export function PaymentTable({ payments, withAccount = false, withProject = false }: Props) {
  const who: Column<Payment> = {
    head: "To",
    heading: true,
    cell: (payment) => <Address address={payment.account} role={roleOf(payment.kind)} />,
  };
  const where: Column<Payment> = {
    head: "Project",
    cell: (payment) =>
      payment.project_id === null ? (
        <span class="muted">several</span>
      ) : (
        <Link to={paths.project(payment.project_id)}>{shortenHex(payment.project_id)}</Link>
      ),
  };
  return (
    <Table
      caption="Payments, the newest first"
      rows={payments}
      id={(payment, index) => `${payment.transaction_hash}.${index}`}
      columns={[
        ...(withAccount ? [who] : []),
        { head: "For", cell: (payment) => describe(payment.kind) },
        ...(withProject ? [where] : []),
        { head: "Amount", number: true, cell: (payment) => <Amount amount={payment.amount} token={payment.token} /> },
        { head: "When", cell: (payment) => <Time at={payment.timestamp} /> },
        { head: "Transaction", cell: (payment) => <Transaction hash={payment.transaction_hash} /> },
      ]}
    />
  );
}

function roleOf(kind: string): "trainer" | "aggregator" | "account" {
  if (kind === "fee") return "aggregator";
  return kind === "refund" ? "account" : "trainer";
}
