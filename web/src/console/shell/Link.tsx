/** A link inside of the console: a real address, followed without loading the page anew. */
import type { AnchorHTMLAttributes, MouseEvent, ReactNode } from "react";
import { objectOfId } from "../data/session.ts";
import { prefetch } from "../data/records.ts";
import { navigate, parseRoute } from "../router.ts";

type Anchor = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href">;

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
  return (
    <Link
      {...rest}
      to={to}
      onPointerDown={(event) => {
        const route = parseRoute(to);
        if (event.button === 0 && route.page === "record")
          prefetch(route.object || objectOfId(route.id), route.id);
      }}
    />
  );
}
