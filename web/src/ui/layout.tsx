import type { ComponentChildren } from "preact";

import { paths } from "../router";
import { TransactionDialog, WalletButton } from "../wallet";
import { Link } from "./link";
import { useLocation } from "./location";

const PLACES = [
  { to: paths.projects(), label: "Projects" },
  { to: paths.aggregators(), label: "Aggregators" },
  { to: paths.quote(), label: "Quote" },
  { to: paths.create(), label: "New project" },
];

export function Layout({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <Link to={paths.projects()} class="brand">
          Steelyard
        </Link>
        <nav aria-label="Main">
          {PLACES.map(({ to, label }) => (
            <Link key={to} to={to} current={path === to}>
              {label}
            </Link>
          ))}
        </nav>
        <WalletButton />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <TransactionDialog />
    </>
  );
}
