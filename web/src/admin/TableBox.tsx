/** What is around a table: where the table is wider than the page it scrolls, by the keyboard too. */
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";

export function TableBox({
  label,
  className = "",
  children,
}: {
  /** What the table is of; told where the box is a stop of the Tab key. */
  label: string;
  className?: string;
  children: ReactNode;
}): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () =>
      setScrolls(element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);
  return (
    <div
      ref={box}
      className={`ad-table-box ${className}`.trim()}
      {...(scrolls && { role: "group", "aria-label": label, tabIndex: 0 })}
    >
      {children}
    </div>
  );
}
