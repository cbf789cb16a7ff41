/** Whether the split view stands beside the pages of a console app; remembered on this computer. */
import { createStore } from "../data/store.ts";

const MEMORY = "console-split";

export const splitOpen = createStore(localStorage.getItem(MEMORY) === "open");
splitOpen.subscribe(() => localStorage.setItem(MEMORY, splitOpen.get() ? "open" : "closed"));
