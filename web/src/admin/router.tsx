/** The portal's addresses: the history API and nothing more. */
import { type AnchorHTMLAttributes, type MouseEvent, type ReactNode, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const changed = (): void => listeners.forEach((listener) => listener());
const subscribe = (listener: () => void): (() => void) => {
  if (listeners.size === 0) addEventListener("popstate", changed);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) removeEventListener("popstate", changed);
  };
};

/** Path and query of the page, current after every navigation. */
export const usePlace = (): string =>
  useSyncExternalStore(subscribe, () => location.pathname + location.search);

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", to);
  else {
    history.pushState(null, "", to);
    scrollTo(0, 0);
  }
  changed();
}

/** A link inside the portal; with a modifier key it is the browser's, as anywhere. */
export function Link({
  to,
  children,
  ...rest
}: AnchorHTMLAttributes<HTMLAnchorElement> & { to: string }): ReactNode {
  const onClick = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a {...rest} href={to} onClick={onClick}>
      {children}
    </a>
  );
}

/** Where to go after sign-in: a path of our own origin, or `home`. */
export function safeNext(next: string | null, origin: string, home: string): string {
  // What browsers read as a path of another host: `//host`, `/\host`, with tabs and line ends in between.
  if (!next || !/^\/(?![\\/])/.test(next) || /[\\\u0000-\u001f]/.test(next)) return home;
  try {
    const url = new URL(next, origin);
    return url.origin === origin ? url.pathname + url.search + url.hash : home;
  } catch {
    return home;
  }
}
