/** The apps of the org and the one in use: its navigation items, and whether records open as workspace tabs. */
import { request } from "./client.ts";
import { session } from "./session.ts";
import { createStore, useStore } from "./store.ts";
import type { AppInfo } from "./types.ts";

const NONE: AppInfo = {
  id: "",
  name: "",
  label: "",
  description: "",
  nav_type: "Console",
  items: ["home"],
  utility_items: [],
};

export const app = createStore<AppInfo>(NONE);

export const useApp = (): AppInfo => useStore(app);
export const isConsole = (): boolean => app.get().nav_type === "Console";

/** Takes the app that the org says is in use; call once the session has started. */
export function startApps(): void {
  const { apps, app: name } = session();
  app.set(apps.find((each) => each.name === name) ?? apps[0] ?? NONE);
}

/** Uses another app from now on, here and on every computer of this user. */
export async function switchApp(name: string): Promise<void> {
  const next = session().apps.find((each) => each.name === name);
  if (next === undefined) return;
  await request(`/console/api/choices/app`, { method: "PUT", body: { value: name } });
  app.set(next);
}
