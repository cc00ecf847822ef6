import { usePaged } from "../../api/paged";
import type { Payment, ProjectDetail } from "../../api/schema";
import { PaymentTable } from "../../parts/payment-table";
import { Empty, Loaded } from "../../ui/loaded";
import { More } from "../../ui/more";
import { Section } from "../../ui/section";

export function Payments({ project }: { project: ProjectDetail }) {
  // The attempt is part of what is asked, so that a live page asks again when a round has been closed.
  const list = usePaged<Payment>(`/v1/projects/${project.id}/payments`, { limit: 25 });
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
