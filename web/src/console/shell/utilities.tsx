/** What the utility bar's items hold besides the softphone, by their type; their code comes when one is opened. */
import { lazy, type ComponentType } from "react";

interface ToolProps {
  /** The panel is to be seen: what it shows should be as it is now. */
  active: boolean;
}

export const TOOLS: Record<string, ComponentType<ToolProps>> = {
  history: lazy(() => import("./History.tsx")),
  omni: lazy(() => import("../omni/OmniUtility.tsx")),
  notes: lazy(() => import("./Notes.tsx")),
};
