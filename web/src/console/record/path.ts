/** The steps of a path as they are drawn. Pure. */
import type { PathInfo, PathStep } from "../data/types.ts";

export interface Drawn {
  key: string;
  /** Empty for the step "closed", which stands for several ways to end. */
  label: string;
  /** The values that this step stands for. */
  values: PathStep[];
  state: "complete" | "current" | "incomplete" | "won" | "lost";
}

/** Open steps in order, then how the record ends: one step for several endings, conversion always last. */
export function drawn(path: PathInfo, current: string): Drawn[] {
  const endings = path.steps.filter((step) => step.kind === "won" || step.kind === "lost");
  const converted = path.steps.filter((step) => step.kind === "converted");
  const rest = path.steps.filter((step) => !endings.includes(step) && !converted.includes(step));
  const groups: { key: string; label: string; values: PathStep[] }[] = [...rest, ...converted].map(
    (step) => ({
      key: step.value,
      label: step.label,
      values: [step],
    }),
  );
  if (endings.length > 0) {
    const ended = endings.find((step) => step.value === current);
    groups.push({ key: "closed", label: ended?.label ?? "", values: endings });
  }
  const at = groups.findIndex((group) => group.values.some((step) => step.value === current));
  return groups.map((group, index) => {
    const ended = group.values.find((step) => step.value === current);
    let state: Drawn["state"] = index < at ? "complete" : index === at ? "current" : "incomplete";
    if (ended?.kind === "won" || ended?.kind === "converted") state = "won";
    if (ended?.kind === "lost") state = "lost";
    return { ...group, state };
  });
}

/** The step that comes after the present one; null at the end, and where the value is no step. */
export function following(steps: Drawn[]): Drawn | null {
  const at = steps.findIndex((step) => step.state !== "complete" && step.state !== "incomplete");
  return at < 0 ? null : (steps[at + 1] ?? null);
}
