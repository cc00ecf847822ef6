/** Addresses, transactions and content identifiers: short, whole while focused, and to copy. */

import { useDeployment } from "../api/deployment";
import { shortenCid, shortenHex, ZERO_ADDRESS } from "../format/hex";
import { paths } from "../router";
import { CopyButton } from "./copy";
import { Link } from "./link";

function Both({ short, full }: { short: string; full: string }) {
  return (
    <>
      <span class="short" aria-hidden="true">
        {short}
      </span>
      <span class="full">{full}</span>
    </>
  );
}

type Role = "trainer" | "aggregator" | "account";

/** An account. It leads to the account's page, or for plain accounts to the explorer, if there is one. */
export function Address({ address, role = "account", copy = true }: { address: string; role?: Role; copy?: boolean }) {
  const explorer = useDeployment()?.explorer_url ?? null;
  if (address === ZERO_ADDRESS) return <span class="muted">nobody</span>;
  const text = <Both short={shortenHex(address)} full={address} />;
  return (
    <span class="hex">
      {role !== "account" ? (
        <Link to={role === "trainer" ? paths.trainer(address) : paths.aggregator(address)} title={address}>
          {text}
        </Link>
      ) : explorer !== null ? (
        <a href={`${explorer}/address/${address}`} title={address}>
          {text}
        </a>
      ) : (
        <span tabIndex={0} title={address}>
          {text}
        </span>
      )}
      {copy && <CopyButton text={address} what="address" />}
    </span>
  );
}

/** A transaction's hash: a link where the operator named a chain explorer, and to copy everywhere. */
export function Transaction({ hash, label }: { hash: string | null; label?: string }) {
  const explorer = useDeployment()?.explorer_url ?? null;
  if (hash === null) return <span class="muted">–</span>;
  const text = label === undefined ? <Both short={shortenHex(hash)} full={hash} /> : label;
  return (
    <span class="hex">
      {explorer !== null ? (
        <a href={`${explorer}/tx/${hash}`} title={`Transaction ${hash}`}>
          {text}
        </a>
      ) : (
        <span tabIndex={0} title={`Transaction ${hash}`}>
          {text}
        </span>
      )}
      <CopyButton text={hash} what="transaction hash" />
    </span>
  );
}

/** A content identifier of the store. */
export function ContentId({ cid }: { cid: string }) {
  return (
    <span class="hex">
      <span tabIndex={0} title={cid}>
        <Both short={shortenCid(cid)} full={cid} />
      </span>
      <CopyButton text={cid} what="content identifier" />
    </span>
  );
}
