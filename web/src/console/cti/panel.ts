/** The utility bar's softphone item and its panel, as the softphone may change them. */
import { createStore } from "../data/store.ts";
import type { UtilityItem } from "../data/types.ts";

export interface PanelState {
  visible: boolean;
  /** The iframe exists: from the first opening, or from the start with `auto_start`. */
  started: boolean;
  itemLabel: string;
  itemIcon: string;
  panelLabel: string;
  panelIcon: string;
  widthPx: number;
  heightPx: number;
  clickToDial: boolean;
}

/** Bounds that Salesforce documents. */
export const WIDTH_PX = { min: 200, max: 1920 } as const;
export const HEIGHT_PX = { min: 240, max: 2560 } as const;

export const panel = createStore<PanelState>({
  visible: false,
  started: false,
  itemLabel: "",
  itemIcon: "call",
  panelLabel: "",
  panelIcon: "call",
  widthPx: 340,
  heightPx: 480,
  clickToDial: false,
});

const within = (value: number, { min, max }: { min: number; max: number }) =>
  Math.min(max, Math.max(min, value));

export function startPanel(item: UtilityItem | undefined, fallbackLabel: string): void {
  const label = item?.label || fallbackLabel;
  const icon = item?.icon || "call";
  panel.set((current) => ({
    ...current,
    itemLabel: label,
    itemIcon: icon,
    panelLabel: label,
    panelIcon: icon,
    widthPx: within(item?.width || 340, WIDTH_PX),
    heightPx: within(item?.height || 480, HEIGHT_PX),
    started: item?.auto_start ?? false,
  }));
}

export function changePanel(change: Partial<PanelState>): void {
  panel.set((current) => ({ ...current, ...change, started: current.started || change.visible === true }));
}
