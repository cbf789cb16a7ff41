/** Set-up: the tree with quick find on the left, the chosen page beside it. */
import { useEffect, useId, useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "../../ui/controls.tsx";
import { Icon, Symbol } from "../../ui/Icon.tsx";
import { navigate, setupPath } from "../router.ts";
import { Link } from "../shell/Link.tsx";
import { AppManagerPages } from "./AppManager.tsx";
import { AuditTrailPage, CompanyPage, LoginHistoryPage } from "./OrgPages.tsx";
import { CallCenterPages } from "./CallCenters.tsx";
import { ConnectedAppsPages } from "./ConnectedApps.tsx";
import { ChannelsPage, ConfigurationsPage, OmniSettingsPage, StatusesPage } from "./OmniPages.tsx";
import { ExternalAppPages } from "./ExternalApps.tsx";
import { InstalledPackagePages } from "./InstalledPackages.tsx";
import { ObjectManagerPages } from "./ObjectManager.tsx";
import { PermissionSetPages } from "./PermissionSets.tsx";
import { ProfilePages, RolesPage } from "./Profiles.tsx";
import { may } from "./SetupGear.tsx";
import { SoftphoneLayoutPages } from "./SoftphoneLayouts.tsx";
import { PAGES, pruned, quickFind, TREE, type PageProps, type SetupGroup, type Wording } from "./tree.ts";
import { UserPages } from "./Users.tsx";
import "./setup.css";

const PAGE: Record<string, (props: PageProps) => ReactNode> = {
  CallCenters: CallCenterPages,
  SoftphoneLayouts: SoftphoneLayoutPages,
  PermSets: PermissionSetPages,
  ManageUsers: UserPages,
  Profiles: ProfilePages,
  Roles: RolesPage,
  ConnectedAppsUsage: ConnectedAppsPages,
  OmniChannelSettings: OmniSettingsPage,
  ServicePresenceStatuses: StatusesPage,
  PresenceUserConfigs: ConfigurationsPage,
  ServiceChannels: ChannelsPage,
  ImportedPackage: InstalledPackagePages,
  NavigationMenus: AppManagerPages,
  ObjectManager: ObjectManagerPages,
  ManageExternalClientApplication: ExternalAppPages,
  LoginHistory: LoginHistoryPage,
  SecurityEvents: AuditTrailPage,
  CompanyProfileInfo: CompanyPage,
};

/** Pages that exist: those of the tree that have one here. */
const KNOWN: ReadonlySet<string> = new Set([...PAGES.keys()].filter((key) => Object.hasOwn(PAGE, key)));

export default function SetupPage({ node, rest }: { node: string; rest: string[] }): ReactNode {
  const { t } = useTranslation();
  if (!may("ViewSetup")) {
    return (
      <div className="slds-card console-card">
        <EmptyState icon="utility:lock" heading title={t("setup.closed")}>
          {t("setup.closed.hint")}
        </EmptyState>
      </div>
    );
  }
  const Page = KNOWN.has(node) ? PAGE[node] : undefined;
  return (
    <div className="setup">
      <SetupTree node={node} />
      <div className="setup__page" role="region" aria-label={t("setup.page")} tabIndex={0}>
        {node === "" || node === "SetupOneHome" ? (
          <SetupHome />
        ) : Page === undefined ? (
          <div className="slds-card console-card">
            <EmptyState icon="utility:search" heading title={t("setup.unknown")}>
              {t("setup.unknown.hint")}
            </EmptyState>
          </div>
        ) : (
          <Page key={`${node} ${rest.join("/")}`} rest={rest} />
        )}
      </div>
    </div>
  );
}

function useWording(): Wording {
  const { t } = useTranslation();
  return useMemo(
    () => ({
      page: (key) => t(`tree.page.${key}`),
      group: (key) => t(`tree.group.${key}`),
      more: (key) => t(`tree.words.${key}`),
    }),
    [t],
  );
}

/** Groups that have been opened, for as long as the window lives. */
const opened = new Set<string>(["administration", "platform", "settings"]);

function SetupTree({ node }: { node: string }): ReactNode {
  const { t } = useTranslation();
  const words = useWording();
  const [text, setText] = useState("");
  const [, redraw] = useState(0);
  /** On a telephone, where the page has the room: whether the tree is unfolded. */
  const [unfolded, setUnfolded] = useState(false);
  const inputId = useId();
  const searching = text.trim() !== "";
  const found = useMemo(() => new Set(quickFind(text, words).filter((key) => KNOWN.has(key))), [text, words]);
  const tree = pruned(TREE, searching ? found : KNOWN) as SetupGroup[];

  // The page in front is to be seen in the tree, however it was reached.
  useEffect(() => {
    for (const group of PAGES.get(node) ?? []) opened.add(group);
    redraw((turn) => turn + 1);
    setUnfolded(false);
  }, [node]);

  const toggle = (group: SetupGroup) => {
    if (!opened.delete(group.key)) {
      opened.add(group.key);
      if (group.page !== undefined) navigate(setupPath(group.page));
      for (const child of group.children)
        if (typeof child !== "string" && child.open === true) opened.add(child.key);
    }
    redraw((turn) => turn + 1);
  };

  const branch = (children: (SetupGroup | string)[], depth: number): ReactNode => (
    <ul className={depth === 0 ? "setup-tree__groups" : "setup-tree__list"}>
      {children.map((each) => {
        if (typeof each === "string") {
          return (
            <li key={each}>
              <Link
                to={setupPath(each)}
                className="setup-tree__page"
                style={{ paddingInlineStart: `${depth * 0.9 + 0.75}rem` }}
                aria-current={each === node ? "page" : undefined}
              >
                {words.page(each)}
              </Link>
            </li>
          );
        }
        const open = searching || opened.has(each.key);
        return (
          <li key={each.key}>
            <button
              type="button"
              className={depth === 0 ? "setup-tree__group setup-tree__group_top" : "setup-tree__group"}
              style={{ paddingInlineStart: `${depth * 0.9}rem` }}
              aria-expanded={open}
              onClick={() => toggle(each)}
            >
              {depth > 0 && (
                <Symbol
                  name={open ? "utility:chevrondown" : "utility:chevronright"}
                  className="slds-icon slds-icon_xx-small slds-icon-text-default"
                />
              )}
              {words.group(each.key)}
            </button>
            {open && branch(each.children, depth + 1)}
          </li>
        );
      })}
    </ul>
  );

  return (
    <nav
      className={`setup-tree ${unfolded || searching ? "" : "setup-tree_folded"}`}
      aria-label={t("setup.tree")}
    >
      <div className="setup-tree__find">
        <label className="slds-assistive-text" htmlFor={inputId}>
          {t("setup.quickFind")}
        </label>
        <input
          id={inputId}
          type="search"
          className="slds-input"
          placeholder={t("setup.quickFind")}
          value={text}
          maxLength={100}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") setText("");
          }}
        />
        <button
          type="button"
          className="slds-button slds-button_neutral setup-tree__unfold"
          aria-expanded={unfolded || searching}
          onClick={() => setUnfolded(!unfolded)}
        >
          {t("setup.tree")}
        </button>
      </div>
      <Link
        to={setupPath("SetupOneHome")}
        className="setup-tree__page setup-tree__home"
        aria-current={node === "" || node === "SetupOneHome" ? "page" : undefined}
      >
        {t("setup.home")}
      </Link>
      {searching && found.size === 0 ? (
        <p className="slds-p-horizontal_small slds-p-vertical_small" role="status">
          {t("setup.quickFind.nothing", { text: text.trim() })}
        </p>
      ) : (
        branch(tree, 0)
      )}
    </nav>
  );
}

/** What is set up most often, in the order in which a contact center is joined to an org. */
const STARTS = ["CallCenters", "SoftphoneLayouts", "ManageUsers", "PermSets"];

function SetupHome(): ReactNode {
  const { t } = useTranslation();
  const words = useWording();
  return (
    <>
      <header className="slds-page-header setup-header">
        <h1 className="slds-page-header__title">{t("setup.home")}</h1>
      </header>
      <ul className="setup-home">
        {STARTS.map((page) => (
          <li key={page} className="slds-card console-card setup-home__card">
            <Link to={setupPath(page)}>
              <Icon name={HOME_ICONS[page] ?? "utility:settings"} size="small" />
              <strong>{words.page(page)}</strong>
              <span className="slds-text-color_weak">{t(`tree.about.${page}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

const HOME_ICONS: Record<string, string> = {
  CallCenters: "utility:call",
  SoftphoneLayouts: "utility:layout",
  ManageUsers: "utility:user",
  PermSets: "utility:lock",
};
