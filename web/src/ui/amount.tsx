import { useToken } from "../api/deployment";
import { formatAmount, toDecimal, type Unit } from "../format/amount";

interface Props {
  amount: string | bigint | null;
  token: string | null;
  /** Whether the symbol is left to the heading of the column. */
  bare?: boolean;
}

/** An amount in its token's unit; the exact figure is its title. */
export function Amount({ amount, token, bare = false }: Props) {
  const known = useToken(token);
  if (amount === null) return <span class="muted">–</span>;
  if (known === null) return <span class="amount muted">…</span>;
  const exact = toDecimal(amount, known.decimals ?? 0);
  const unit = nameUnit(known);
  return (
    <span class="amount" title={`${exact} ${unit}`}>
      {formatAmount(amount, known.decimals ?? 0)}
      {!bare && <span class="unit"> {unit}</span>}
    </span>
  );
}

/** What amounts of a token are counted in: its own name for itself, if it has one. */
export function Symbol({ token }: { token: string }) {
  return <>{nameUnit(useToken(token))}</>;
}

/** The unit of amounts; without decimals they are of the token's smallest one. */
export function nameUnit(unit: Unit | null): string {
  if (unit === null) return "tokens";
  return unit.decimals === null ? "smallest units" : (unit.symbol ?? "tokens");
}
