/** The app manager: the org's Lightning apps, and of each its name, its utility items and its navigation items. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton, Menu } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { navigate, setupPath } from "../router.ts";
import { lightningApps, type LightningApp, type UtilityKind, type UtilitySettings } from "./data.ts";
import {
  Card,
  CheckField,
  DualList,
  Refusal,
  SetupHeader,
  SetupLink,
  Shown,
  Table,
  TextField,
  useAsk,
  useChange,
} from "./parts.tsx";
import type { PageProps } from "./tree.ts";
import { may } from "./SetupGear.tsx";

const NODE = "NavigationMenus";
const ICON = "utility:apps";
const PARTS = ["details", "utilities", "navigation"] as const;
type Part = (typeof PARTS)[number];

export function AppManagerPages({ rest }: PageProps): ReactNode {
  const [first = "home", part = "details"] = rest;
  return first === "home" ? (
    <AppList />
  ) : (
    <OneApp name={first} part={PARTS.find((each) => each === part) ?? "details"} />
  );
}

function AppList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(lightningApps.list, "apps");
  return (
    <>
      <SetupHeader title={t("appManager.title")} icon={ICON} />
      <Card title={t("appManager.title")}>
        <Shown of={asked}>
          {({ apps }) => (
            <Table
              label={t("appManager.title")}
              rows={apps}
              rowKey={(row) => row.name}
              empty={t("objects.none")}
              columns={[
                {
                  key: "label",
                  label: t("appManager.name"),
                  head: true,
                  show: (row) => (
                    <SetupLink node={NODE} rest={[row.name, "details"]}>
                      {row.label}
                    </SetupLink>
                  ),
                },
                { key: "name", label: t("omniSetup.developerName"), show: (row) => row.name },
                { key: "description", label: t("sets.description"), show: (row) => row.description },
                {
                  key: "type",
                  label: t("appManager.type"),
                  show: (row) => t(`appManager.type.${row.nav_type}`),
                },
                {
                  key: "utilities",
                  label: t("appManager.utilities"),
                  show: (row) => row.utility_items.length,
                },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

function OneApp({ name, part }: { name: string; part: Part }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(lightningApps.list, name);
  return (
    <Shown of={asked}>
      {({ apps, utilities, tabs }) => {
        const app = apps.find((each) => each.name === name);
        if (app === undefined) return <p>{t("refusal.NOT_FOUND")}</p>;
        return (
          <>
            <SetupHeader
              title={app.label}
              icon={ICON}
              crumb={{ label: t("appManager.title"), to: setupPath(NODE) }}
            />
            <div className="setup-app">
              <nav className="setup-app__parts" aria-label={t("appManager.settings")}>
                <h2 className="slds-text-title_bold">{t("appManager.settings")}</h2>
                <ul>
                  {PARTS.map((each) => (
                    <li key={each}>
                      <button
                        type="button"
                        className="setup-tree__page"
                        aria-current={each === part ? "page" : undefined}
                        onClick={() => navigate(setupPath(NODE, name, each))}
                      >
                        {t(`appManager.part.${each}`)}
                      </button>
                    </li>
                  ))}
                </ul>
              </nav>
              <div>
                {part === "details" && <Details app={app} again={asked.again} />}
                {part === "utilities" && <Utilities app={app} kinds={utilities} again={asked.again} />}
                {part === "navigation" && (
                  <Navigation
                    app={app}
                    tabs={tabs.map((each) => ({ value: each.name, label: each.label ?? t("nav.home") }))}
                    again={asked.again}
                  />
                )}
              </div>
            </div>
          </>
        );
      }}
    </Shown>
  );
}

/** Saves a part of the app, and says that it is seen at the next load. */
function useSave(app: LightningApp, again: () => Promise<void>) {
  const { t } = useTranslation();
  const change = useChange();
  return {
    error: change.error,
    busy: change.busy,
    save: (body: Partial<Pick<LightningApp, "label" | "items" | "utility_items">>) =>
      void change.run(() => lightningApps.change(app.name, body), t("appManager.saved")).then(() => again()),
  };
}

function SaveButton({ busy, onClick }: { busy: boolean; onClick: () => void }): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="setup-actions">
      <Button variant="brand" disabled={busy || !may("CustomizeApplication")} onClick={onClick}>
        {t("form.save")}
      </Button>
    </div>
  );
}

interface PartProps {
  app: LightningApp;
  again: () => Promise<void>;
}

function Details({ app, again }: PartProps): ReactNode {
  const { t } = useTranslation();
  const [label, setLabel] = useState(app.label);
  const { error, busy, save } = useSave(app, again);
  return (
    <Card title={t("appManager.part.details")}>
      <Refusal error={error} />
      <div className="setup-form setup-form_one">
        <TextField label={t("appManager.name")} required value={label} maxLength={80} onChange={setLabel} />
        <TextField
          label={t("omniSetup.developerName")}
          value={app.name}
          disabled
          onChange={() => undefined}
        />
      </div>
      <SaveButton busy={busy} onClick={() => save({ label })} />
    </Card>
  );
}

function Navigation({
  app,
  tabs,
  again,
}: PartProps & { tabs: { value: string; label: string }[] }): ReactNode {
  const { t } = useTranslation();
  const [items, setItems] = useState(app.items);
  const { error, busy, save } = useSave(app, again);
  return (
    <Card title={t("appManager.part.navigation")}>
      <Refusal error={error} />
      <DualList label={t("appManager.part.navigation")} options={tabs} chosen={items} onChange={setItems} />
      <SaveButton busy={busy} onClick={() => save({ items })} />
    </Card>
  );
}

function Utilities({ app, kinds, again }: PartProps & { kinds: UtilityKind[] }): ReactNode {
  const { t } = useTranslation();
  const [items, setItems] = useState(app.utility_items);
  const [shown, setShown] = useState(items[0]?.type ?? "");
  const { error, busy, save } = useSave(app, again);
  const nameOf = (type: string) => t(`utilityKind.${type}`, { defaultValue: type });
  const at = items.findIndex((each) => each.type === shown);
  const item = items[at];
  const kind = kinds.find((each) => each.type === shown);
  const free = kinds.filter((each) => !items.some((one) => one.type === each.type));
  const set = (part: Partial<UtilitySettings>) =>
    setItems((current) => current.map((each) => (each.type === shown ? { ...each, ...part } : each)));
  const move = (by: number) =>
    setItems((current) => {
      const next = [...current];
      const [one] = next.splice(at, 1);
      if (one !== undefined) next.splice(at + by, 0, one);
      return next;
    });
  const pixels = (text: string) => (/^\d{1,5}$/.test(text) ? Number(text) : null);
  return (
    <Card
      title={t("appManager.part.utilities")}
      actions={
        free.length > 0 && (
          <Menu
            label={t("appManager.addUtility")}
            selfNamed
            align="right"
            triggerClassName="slds-button slds-button_neutral"
            trigger={t("appManager.addUtility")}
            items={free.map((each) => ({
              key: each.type,
              label: nameOf(each.type),
              icon: `utility:${each.icon}`,
              onSelect: () => {
                const { label, icon, width, height, auto_start } = each;
                setItems((current) => [
                  ...current,
                  { type: each.type, label, icon, width, height, auto_start },
                ]);
                setShown(each.type);
              },
            }))}
          />
        )
      }
    >
      <Refusal error={error} />
      <p className="slds-m-bottom_small">{t("appManager.utilities.hint")}</p>
      <div className="setup-utilities">
        <ul>
          {items.map((each) => (
            <li key={each.type}>
              <button
                type="button"
                className="setup-tree__page"
                aria-pressed={each.type === shown}
                onClick={() => setShown(each.type)}
              >
                <Icon
                  name={`utility:${each.icon ?? kinds.find((one) => one.type === each.type)?.icon ?? "apps"}`}
                  size="x-small"
                />
                {nameOf(each.type)}
              </button>
            </li>
          ))}
        </ul>
        {item !== undefined && kind !== undefined && (
          <section aria-label={t("appManager.properties")}>
            <div className="slds-grid setup-card__header">
              <h3 className="slds-text-title_bold">{`${nameOf(item.type)}: ${t("appManager.properties")}`}</h3>
              <span className="console-actions">
                <IconButton
                  icon="utility:up"
                  label={t("setup.up")}
                  disabled={at === 0}
                  onClick={() => move(-1)}
                />
                <IconButton
                  icon="utility:down"
                  label={t("setup.down")}
                  disabled={at === items.length - 1}
                  onClick={() => move(1)}
                />
                <Button
                  onClick={() => {
                    setItems((current) => current.filter((each) => each.type !== shown));
                    setShown(items.find((each) => each.type !== shown)?.type ?? "");
                  }}
                >
                  {t("setup.remove")}
                </Button>
              </span>
            </div>
            <TextField
              label={t("appManager.label")}
              value={item.label ?? ""}
              maxLength={80}
              help={t("appManager.label.help", { label: kind.label })}
              onChange={(label) => set({ label: label === "" ? null : label })}
            />
            <TextField
              label={t("appManager.icon")}
              value={item.icon ?? ""}
              maxLength={40}
              suggestions={ICONS}
              help={t("appManager.icon.help", { icon: kind.icon })}
              onChange={(icon) => set({ icon: icon === "" ? null : icon })}
            />
            <TextField
              label={t("appManager.width")}
              type="number"
              value={String(item.width ?? "")}
              help={item.type === "softphone" ? t("appManager.size.help") : undefined}
              onChange={(text) => set({ width: pixels(text) })}
            />
            <TextField
              label={t("appManager.height")}
              type="number"
              value={String(item.height ?? "")}
              help={item.type === "softphone" ? t("appManager.size.help") : undefined}
              onChange={(text) => set({ height: pixels(text) })}
            />
            <CheckField
              label={t("appManager.autoStart")}
              value={item.auto_start ?? kind.auto_start}
              onChange={(auto_start) => set({ auto_start })}
            />
          </section>
        )}
      </div>
      <SaveButton busy={busy} onClick={() => save({ utility_items: items })} />
    </Card>
  );
}

/** Icons that utility items often have; every utility icon of the design system may be written. */
const ICONS = [
  "call",
  "phone_portrait",
  "clock",
  "note",
  "omni_channel",
  "chat",
  "people",
  "knowledge_base",
  "apps",
];
