/** The gear of the header: the way into Set-up for those who may look at it. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Menu } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { session } from "../data/session.ts";
import { setupPath } from "../router.ts";

/** Which permissions the user holds. */
export const may = (permission: string): boolean => session().user.permissions.includes(permission);

export function SetupGear(): ReactNode {
  const { t } = useTranslation();
  if (!may("ViewSetup")) return null;
  const open = (node: string) => window.open(setupPath(node), "_blank", "noopener");
  return (
    <Menu
      label={t("setup.gear")}
      align="right"
      triggerClassName="slds-button slds-button_icon slds-button_icon-container console-gear"
      trigger={<Symbol name="utility:setup" className="slds-button__icon slds-button__icon_large" />}
      items={[
        {
          key: "setup",
          label: t("setup.app"),
          icon: "utility:new_window",
          onSelect: () => open("SetupOneHome"),
        },
        {
          key: "objects",
          label: t("setup.objects"),
          icon: "utility:new_window",
          onSelect: () => open("ObjectManager"),
        },
      ]}
    />
  );
}
