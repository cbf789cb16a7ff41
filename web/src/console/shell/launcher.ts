/** Whether the app launcher is open. */
import { createStore } from "../data/store.ts";

export const launcher = createStore(false);
