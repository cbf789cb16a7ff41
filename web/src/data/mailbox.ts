/** The demo's mailbox. */
import { request } from "./http.ts";

export interface Mail {
  id: string;
  to: string;
  at: string;
  subject: string;
  text: string;
}

export async function readMailbox(signal?: AbortSignal): Promise<Mail[]> {
  const answer = await request<{ mails: Mail[] }>("GET", "/api/v1/mailbox", signal ? { signal } : {});
  return answer.mails;
}
