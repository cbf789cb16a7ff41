/** Runs the org's Aura components that work in the background of a console app, while the console lives. */
import type { Background } from "../../aura/background.ts";
import { request } from "../data/client.ts";
import { messages } from "../messages/bus.ts";
import { omni, startOmni } from "./omni.ts";

interface Module {
  start: (given: Background) => () => void;
}

export function startBackgrounds(): () => void {
  const ends: (() => void)[] = [];
  let gone = false;
  const keep = (end: () => void) => {
    if (gone) end();
    else ends.push(end);
  };
  void request<{ script: string; namespace: string | null }[]>("/console/api/components").then(
    async (found) => {
      if (found.length > 0) keep(startOmni());
      for (const { script, namespace } of found) {
        const module = (await import(/* @vite-ignore */ script)) as Module;
        keep(
          module.start({
            omni,
            messages,
            channel: (name) => (namespace === null ? name : `${namespace}__${name}`),
          }),
        );
      }
    },
    // The page works without them.
    () => undefined,
  );
  return () => {
    gone = true;
    for (const end of ends) end();
  };
}
