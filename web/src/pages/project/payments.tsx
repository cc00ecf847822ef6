import type { Paged } from "../../api/paged";
import type { Payment } from "../../api/schema";
import { PaymentTable } from "../../parts/payment-table";
import { Empty, Loaded } from "../../ui/loaded";
import { More } from "../../ui/more";
import { Section } from "../../ui/section";

export function Payments({ list }: { list: Paged<Payment> }) {
  return (
    <Section title="Payments" about="Everything is credited by the contract and pulled by its recipient.">
      <Loaded answer={list} what="payments">
        {(payments) =>
          payments.length === 0 ? (
            <Empty>None yet.</Empty>
          ) : (
            <PaymentTable payments={payments} withAccount />
          )
        }
      </Loaded>
      <More list={list} />
    </Section>
  );
}
