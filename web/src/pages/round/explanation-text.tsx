import { useToken } from "../../api/deployment";
import type { Explanation } from "../../api/schema";
import { formatAmount } from "../../format/amount";
import { shortenHex } from "../../format/hex";
import { nameUnit } from "../../ui/amount";
import { Transaction } from "../../ui/hex";
import { Link } from "../../ui/link";
import { paths } from "../../router";
import { parseParagraph, type Piece } from "./paragraphs";

/** The backend's sentences, with amounts in the token's unit and accounts as links. */
export function ExplanationText({ explanation, token }: { explanation: Explanation; token: string }) {
  const unit = useToken(token);
  const budget = explanation.facts?.["budget"];
  const share = explanation.facts?.["share"];
  const amounts = new Set([budget, share].filter((each) => typeof each === "string"));
  const show = (piece: Piece) => {
    if (piece.kind === "address") {
      return (
        <Link to={paths.trainer(piece.text)} title={piece.text}>
          {shortenHex(piece.text)}
        </Link>
      );
    }
    const digits = piece.text.replaceAll(",", "");
    if (piece.kind === "number" && unit !== null && unit.decimals !== null && amounts.has(digits)) {
      return <span title={piece.text}>{`${formatAmount(digits, unit.decimals)} ${nameUnit(unit)}`}</span>;
    }
    return piece.text;
  };
  return (
    <div aria-live="polite">
      <dl class="reasons">
        {explanation.text.map((paragraph, index) => {
          const { name, pieces } = parseParagraph(paragraph);
          return (
            <div key={index}>
              <dt>{name}</dt>
              <dd>{pieces.map((piece, place) => <span key={place}>{show(piece)}</span>)}</dd>
            </div>
          );
        })}
      </dl>
      <p class="muted small">
        Settled in <Transaction hash={explanation.transaction_hash} />. The same offline:{" "}
        <code>
          steelyard trainer why {shortenHex(explanation.project_id)} {explanation.round}
        </code>
      </p>
    </div>
  );
}
