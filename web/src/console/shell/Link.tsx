/** A link inside of the console: a real address, followed without loading the page anew. */
import { createContext, useContext, type AnchorHTMLAttributes, type MouseEvent, type ReactNode } from "react";
import { useApp } from "../data/apps.ts";
import { objectOfId } from "../data/session.ts";
import { prefetch } from "../data/records.ts";
import { navigate, parseRoute, pathOf, type RecordRef } from "../router.ts";

type Anchor = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href">;

/** The record whose workspace tab the drawn page belongs to; records that it links to open as its subtabs. */
export const Within = createContext<RecordRef | null>(null);

export function Link({ to, onClick, ...rest }: Anchor & { to: string }): ReactNode {
  function follow(event: MouseEvent<HTMLAnchorElement>) {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  }
  return <a {...rest} href={to} onClick={follow} />;
}

/** A link to a record; what its page needs is asked for as soon as the pointer goes down. */
export function RecordLink({ to, ...rest }: Anchor & { to: string }): ReactNode {
  const within = useContext(Within);
  const subtabs = useApp().nav_type === "Console";
  return (
    <Link
      {...rest}
      to={within === null || !subtabs ? to : underneath(to, within)}
      onPointerDown={(event) => {
        const route = parseRoute(to);
        if (event.button === 0 && route.page === "record")
          prefetch(route.object || objectOfId(route.id), route.id);
      }}
    />
  );
}

/** The address of a record as a subtab of another; other addresses, and that record's own, stay as they are. */
export function underneath(to: string, parent: RecordRef): string {
  const route = parseRoute(to);
  if (route.page !== "record" || route.parent !== undefined || route.id === parent.id) return to;
  return pathOf({ ...route, parent });
}
