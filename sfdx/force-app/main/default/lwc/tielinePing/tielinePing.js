/**
 * Tells the contact center that settings have changed, so that it reads them at once. Nothing is told but that; where
 * the message does not arrive, the settings are read when the next agent signs in.
 */
import portal from "@salesforce/apex/TielineSettings.portal";

/** Where the contact center's portal is, without a slash at its end; null while no call center says so. */
export const portalUrl = () => portal().catch(() => null);

export async function settingsChanged() {
  const url = await portalUrl();
  if (!url) return;
  try {
    await fetch(`${url}/api/v1/salesforce/settings-changed`, { method: "POST", mode: "no-cors", credentials: "omit" });
  } catch {
    // The settings are saved: they are read at the next sign-in.
  }
}
