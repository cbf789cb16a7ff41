/** The account's settings, its plan and seats. */
import { request } from "./http.ts";
import { csrfToken } from "./session.ts";

export interface AccountSettings {
  name: string;
  vanity: string;
  time_zone: string;
  language: "en" | "ja";
  outbound_codes: string[];
  test_phone: boolean;
  web_calls: boolean;
  managers_second_step: boolean;
}

export interface AccountChange {
  id: string;
  at: string;
  /** Empty: the operator. */
  by: string;
  changes: Record<string, [unknown, unknown]>;
}

export interface Account extends AccountSettings {
  version: number;
  public_host: string;
  plan: "basic" | "pro" | "business" | "education";
  seats: number;
  seats_used: number;
  /** The plan allows to add applications. */
  applications: boolean;
  changes: AccountChange[];
}

export const readAccount = (signal?: AbortSignal): Promise<Account> =>
  request("GET", "/api/v1/account", signal ? { signal } : {});

/** Writes the account of the version that was read; `Problem` `account_changed_meanwhile` when it is not that any more. */
export const changeAccount = (version: number, settings: AccountSettings): Promise<Account> =>
  request("PUT", "/api/v1/account", { body: { version, ...settings }, csrf: csrfToken() });
