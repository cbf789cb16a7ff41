/** A custom tab that shows Lightning web components of a package. */
import type { ReactNode } from "react";
import { session } from "../data/session.ts";
import UnknownPage from "../pages/UnknownPage.tsx";
import { tabPath } from "../router.ts";
import { Component } from "./Component.tsx";

export default function TabPage({ name }: { name: string }): ReactNode {
  const tab = session().tabs.find((each) => each.name === name);
  if (tab === undefined) return <UnknownPage path={tabPath(name)} />;
  return (
    <div className="console-components">
      {tab.components.map((each) => (
        <Component key={each} name={each} />
      ))}
    </div>
  );
}
