import { usePaged } from "../../api/paged";
import type { Payment, TrainerDetail } from "../../api/schema";
import { useGet } from "../../api/use";
import { shortenHex } from "../../format/hex";
import { formatBps } from "../../format/number";
import { BalanceTable } from "../../parts/balance-table";
import { PaymentTable } from "../../parts/payment-table";
import { AccountActions } from "../../trainer";
import { Figures } from "../../ui/facts";
import { Address } from "../../ui/hex";
import { Empty, Loaded } from "../../ui/loaded";
import { More } from "../../ui/more";
import { Section } from "../../ui/section";
import { useTitle } from "../../ui/title";
import { Places } from "./places";
import { Reputation } from "./reputation";

export function TrainerPage({ address }: { address: string }) {
  const answer = useGet<TrainerDetail>(`/v1/trainers/${address}`, { limit: 100 });
  const payments = usePaged<Payment>(`/v1/trainers/${address}/payments`, { limit: 20 });
  useTitle(`Trainer ${shortenHex(address)}`);
  return (
    <>
      <div class="head">
        <h1>Trainer</h1>
      </div>
      <p class="byline">
        <Address address={address} />
      </p>
      <Loaded answer={answer} what="the trainer">
        {(trainer) => (
          <>
            <Figures
              of={[
                ["Reputation", formatBps(trainer.reputation_bps), "of 100 %"],
                ["Takes part in", active(trainer), "projects now"],
                ["Strikes", strikes(trainer), "over all projects"],
                ["Key", trainer.key === null ? "none" : "registered", describeKey(trainer)],
              ]}
            />
            <Section title="Stakes and earnings">
              <BalanceTable balances={trainer.balances} />
            </Section>
            <AccountActions
              address={address}
              done={() => {
                answer.reload();
                payments.reload();
              }}
            />
            <Reputation changes={trainer.reputation} now={trainer.reputation_bps} />
            <Places places={trainer.projects} />
          </>
        )}
      </Loaded>
      <Section title="Payments">
        <Loaded answer={payments} what="payments">
          {(items) => (items.length === 0 ? <Empty>None yet.</Empty> : <PaymentTable payments={items} withProject />)}
        </Loaded>
        <More list={payments} />
      </Section>
    </>
  );
}

function active(trainer: TrainerDetail): number {
  return trainer.projects.filter((place) => place.left === "none").length;
}

function strikes(trainer: TrainerDetail): number {
  return trainer.projects.reduce((total, place) => total + place.strikes, 0);
}

function describeKey(trainer: TrainerDetail): string {
  if (trainer.key === null) return "nothing can be sealed to it";
  return trainer.hybrid_digest === null ? "X25519" : "X25519 and ML-KEM-768";
}
