import { useToken } from "../api/deployment";
import { formatAmount, toDecimal } from "../format/amount";

interface Props {
  amount: string | bigint | null;
  token: string | null;
  /** Whether the symbol is left to the heading of the column. */
  bare?: boolean;
}

/** An amount in its token's unit; the exact figure is its title. */
export function Amount({ amount, token, bare = false }: Props) {
  const { symbol, decimals } = useToken(token);
  if (amount === null) return <span class="muted">–</span>;
  if (decimals === null) return <span class="amount">{formatAmount(amount, 0)}</span>;
  const exact = toDecimal(amount, decimals);
  const unit = symbol ?? "tokens";
  return (
    <span class="amount" title={`${exact} ${unit}`}>
      {formatAmount(amount, decimals)}
      {!bare && <span class="unit"> {unit}</span>}
    </span>
  );
}

/** The token's own name for itself. */
export function Symbol({ token }: { token: string }) {
  return <>{useToken(token).symbol ?? "tokens"}</>;
}
