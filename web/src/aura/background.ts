/** What Aura components that work in the background of a console app are given by the console. */
import type { MessageBus } from "../console/messages/bus.ts";
import type { OmniToolkit } from "../console/omni/toolkit.ts";

export interface Background {
  /** `lightning:omniToolkitAPI`. */
  omni: OmniToolkit;
  /** `lightning:messageChannel`. */
  messages: MessageBus;
  /** A channel of the component's package by its own name, as the org calls it. */
  channel: (name: string) => string;
}
