import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useDeployment } from "../api/deployment";
import { paths } from "../router";
import { TransactionDialog, WalletButton } from "../wallet";
import { Address } from "./hex";
import { Link } from "./link";
import { useLocation } from "./location";
import { useOnline } from "./online";
import { type Theme, useTheme } from "./theme";

const PLACES = [
  { to: paths.projects(), label: "Projects" },
  { to: paths.aggregators(), label: "Aggregators" },
  { to: paths.quote(), label: "Quote" },
  { to: paths.create(), label: "New project" },
];

export function Layout({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const main = useFocusOnNavigation(path);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <div class="inner">
          <Link to={paths.projects()} class="brand">
            <img src="/icon.svg" alt="" width="22" height="22" /> Steelyard
          </Link>
          <nav aria-label="Main">
            {PLACES.map(({ to, label }) => (
              <Link key={to} to={to} current={path === to}>
                {label}
              </Link>
            ))}
          </nav>
          <WalletButton />
        </div>
      </header>
      <OfflineNotice />
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
      <TransactionDialog />
      <Footer />
    </>
  );
}

/** A new page begins at its top, and screen readers read on from there. */
function useFocusOnNavigation(path: string) {
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}

function OfflineNotice() {
  if (useOnline()) return null;
  return (
    <p class="notice strip" role="status">
      No network. What you see is from before; it is asked for again once there is one.
    </p>
  );
}

function Footer() {
  const deployment = useDeployment();
  return (
    <footer>
      <div class="inner">
        {deployment !== null && (
          <p>
            Marketplace <Address address={deployment.marketplace} /> on chain {deployment.chain_id}. The chain is the
            source of every figure here.
          </p>
        )}
        <ThemeSwitch />
      </div>
    </footer>
  );
}

function ThemeSwitch() {
  const [theme, choose] = useTheme();
  return (
    <label class="theme">
      Colours{" "}
      <select value={theme} onChange={(event) => choose(event.currentTarget.value as Theme)}>
        <option value="system">as the system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  );
}
