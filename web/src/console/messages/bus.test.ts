import { expect, test } from "vitest";
import { createBus, isChannelName } from "./bus.ts";

test("everybody who subscribed is reached, until they unsubscribe", () => {
  const bus = createBus(() => undefined);
  const heard: string[] = [];
  const stop = bus.subscribe("Sample__c", (message) => heard.push(`one ${String(message)}`));
  bus.subscribe("Sample__c", (message) => heard.push(`two ${String(message)}`));
  bus.subscribe("Other__c", () => heard.push("other"));
  bus.publish("Sample__c", "a");
  stop();
  stop();
  bus.publish("Sample__c", "b");
  bus.publish("Nobody__c", "c");
  expect(heard).toEqual(["one a", "two a", "two b"]);
});

test("a listener's mistake stops nobody else", () => {
  const problems: unknown[] = [];
  const heard: unknown[] = [];
  const bus = createBus((problem) => problems.push(problem));
  bus.subscribe("Sample__c", () => {
    throw new Error("mine");
  });
  bus.subscribe("Sample__c", (message) => heard.push(message));
  bus.publish("Sample__c", 1);
  expect([problems.length, heard]).toEqual([1, [1]]);
});

test.each([
  ["Sample__c", true],
  ["ns__Sample__c", true],
  ["Presence_Change__c", true],
  ["Sample", false],
  ["__c", false],
  ["1st__c", false],
  ["__proto__", false],
  ["A b__c", false],
])("%s is a channel's name: %s", (name, expected) => {
  expect(isChannelName(name)).toBe(expected);
});
