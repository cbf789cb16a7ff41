/** What the user chose on pages and finds again on every computer: notes, widths of columns. */
import { request } from "./client.ts";

export async function choice<T>(name: string): Promise<T | null> {
  const { value } = await request<{ value: T | null }>(`/console/api/choices/${name}`);
  return value;
}

export const choose = (name: string, value: unknown): Promise<void> =>
  request(`/console/api/choices/${name}`, { method: "PUT", body: { value } });
