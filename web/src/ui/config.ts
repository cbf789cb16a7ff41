/** What the server put into the page: the JSON of `<script id="tieline-config">`; empty when it is absent. */
export function pageConfig(): Record<string, unknown> {
  const text = document.getElementById("tieline-config")?.textContent ?? "{}";
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
