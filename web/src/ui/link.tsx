import type { ComponentChildren } from "preact";

import { navigate } from "../router";

interface Props {
  to: string;
  children: ComponentChildren;
  class?: string;
  title?: string;
  /** Whether it leads to where one is. */
  current?: boolean;
}

/** A link within the page. New tabs and windows are left to the browser. */
export function Link({ to, children, current, ...rest }: Props) {
  function follow(event: MouseEvent) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  }
  return (
    <a href={to} onClick={follow} {...(current ? { "aria-current": "page" as const } : {})} {...rest}>
      {children}
    </a>
  );
}
