/**
 * Message channels of one console window: who publishes to a channel reaches everybody who subscribed to it,
 * softphones and components alike. A listener's mistake stops nobody else.
 */

export interface MessageBus {
  /** Answers a function that ends the subscription. */
  subscribe: (channelName: string, listener: (message: unknown) => void) => () => void;
  publish: (channelName: string, message: unknown) => void;
}

/** `Sample__c`, in a package `ns__Sample__c`. */
export const isChannelName = (name: string): boolean =>
  /^(?:[A-Za-z][A-Za-z0-9]{0,14}__)?[A-Za-z](?:_?[A-Za-z0-9]){0,79}__c$/.test(name);

export function createBus(report: (problem: unknown) => void): MessageBus {
  const channels = new Map<string, Set<(message: unknown) => void>>();
  return {
    subscribe(channelName, listener) {
      const known = channels.get(channelName) ?? new Set();
      // Each subscription counts, also the same function's second one.
      const own = (message: unknown) => listener(message);
      channels.set(channelName, known.add(own));
      return () => {
        known.delete(own);
        if (known.size === 0 && channels.get(channelName) === known) channels.delete(channelName);
      };
    },
    publish(channelName, message) {
      for (const listener of [...(channels.get(channelName) ?? [])]) {
        try {
          listener(message);
        } catch (problem) {
          report(problem);
        }
      }
    },
  };
}

/** The bus of this window. */
export const messages = createBus((problem) => reportError(problem));
