/** The Omni-Channel utility: the user's status with its menu, and since when. */
import { useEffect, useId, useState, useSyncExternalStore, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState, Menu, Notice } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { Symbol } from "../../ui/Icon.tsx";
import { region } from "../data/session.ts";
import { omni, startOmni } from "./omni.ts";
import type { Presence } from "./toolkit.ts";

const usePresence = (): Presence | null => useSyncExternalStore(omni.watch, omni.presence);

/** How a status looks: online with channels, busy without, offline without a status. */
function toneOf(presence: Presence): "online" | "busy" | "offline" {
  const { current } = presence;
  if (current === null) return "offline";
  const status = presence.statuses.find((each) => each.id === current.status_id);
  return status !== undefined && status.channels.length > 0 ? "online" : "busy";
}

export function OmniUtility(): ReactNode {
  const { t } = useTranslation();
  const presence = usePresence();
  const [failed, setFailed] = useState(false);
  const labelId = useId();
  useEffect(() => startOmni(), []);
  if (presence === null) return null;
  if (!presence.enabled) {
    return (
      <EmptyState icon="utility:omni_channel" title={t("omni.off")}>
        {t("omni.off.hint")}
      </EmptyState>
    );
  }
  if (presence.statuses.length === 0) {
    return (
      <EmptyState icon="utility:omni_channel" title={t("omni.none")}>
        {t("omni.none.hint")}
      </EmptyState>
    );
  }
  const choose = (statusId: string | null) => {
    setFailed(false);
    void omni.choose(statusId).catch(() => setFailed(true));
  };
  const tone = toneOf(presence);
  const label = presence.current?.label ?? t("omni.offline");
  return (
    <div className="omni">
      {failed && <Notice variant="error">{t("omni.failed")}</Notice>}
      <div className="omni__status">
        <span id={labelId} className="slds-form-element__label">
          {t("omni.status")}
        </span>
        <Menu
          label={t("omni.change", { label })}
          triggerClassName="slds-button slds-button_neutral omni__button"
          trigger={
            <>
              <span className={`omni__dot omni__dot_${tone}`} aria-hidden="true" />
              <span className="slds-truncate">{label}</span>
              <Symbol name="utility:down" className="slds-button__icon slds-button__icon_right" />
            </>
          }
          items={[
            ...presence.statuses.map((each) => ({
              key: each.id,
              label: each.label,
              icon: each.id === presence.current?.status_id ? "utility:check" : "utility:record",
              onSelect: () => choose(each.id),
            })),
            {
              key: "offline",
              label: t("omni.offline"),
              icon: presence.current === null ? "utility:check" : "utility:record",
              onSelect: () => choose(null),
            },
          ]}
        />
      </div>
      {presence.current !== null && (
        <p className="slds-text-color_weak" role="status">
          {t("omni.since", { at: formatDateTime(presence.current.since, region()) })}
        </p>
      )}
      <p className="slds-text-color_weak">{t("omni.capacity", { count: presence.capacity })}</p>
    </div>
  );
}
