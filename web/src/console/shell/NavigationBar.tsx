/** The bar below the header: app launcher, the app's name, its items; in a console app its workspace tabs. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton, Menu } from "../../ui/controls.tsx";
import { Icon, Symbol } from "../../ui/Icon.tsx";
import { useApp } from "../data/apps.ts";
import { recentRecords } from "../data/lists.ts";
import { objects, session } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Recent } from "../data/types.ts";
import { itemPath, listPath, navigate, recordPath, setupPath, TAB, type Route } from "../router.ts";
import { objectIcon, recentName } from "../record/names.ts";
import { AppLauncher } from "./AppLauncher.tsx";
import { launcher } from "./launcher.ts";
import { Link, RecordLink } from "./Link.tsx";
import { below, closeTab, lastList, openNew, tabs } from "./workspace.ts";
import { WorkspaceTabs } from "./WorkspaceTabs.tsx";

/** `home`, an object's name, or `tab:` and a tab's: what of the navigation the page in front belongs to; empty for nothing. */
function itemOf(route: Route, items: string[], last: string | undefined): string {
  switch (route.page) {
    case "home":
      return "home";
    case "list":
    case "new":
      return route.object;
    case "tab":
      return TAB + route.name;
    case "record":
      return last ?? (items.includes(route.object) ? route.object : "");
    default:
      return last ?? "";
  }
}

const isObject = (item: string): boolean => item !== "home" && !item.startsWith(TAB);

function useItemLabel(): (item: string) => string {
  const { t } = useTranslation();
  const known = useStore(objects);
  return (item) =>
    item.startsWith(TAB)
      ? (session().tabs.find((each) => each.name === item.slice(TAB.length))?.label ?? item)
      : item === "home"
        ? t("nav.home")
        : (known.get(item)?.labelPlural ?? t(`nav.${item}`, { defaultValue: item }));
}

/** In full: the style sheet is cut down to the classes that stand in sources. */
const WAFFLE = [
  "slds-r1",
  "slds-r2",
  "slds-r3",
  "slds-r4",
  "slds-r5",
  "slds-r6",
  "slds-r7",
  "slds-r8",
  "slds-r9",
];

export function NavigationBar(): ReactNode {
  const { t } = useTranslation();
  const app = useApp();
  const open = useStore(launcher);
  const inSetup = useStore(below).page === "setup";
  const isConsole = app.nav_type === "Console" && !inSetup;
  const label = inSetup ? t("setup.app") : app.label;
  return (
    <section
      className={`slds-context-bar console-bar ${isConsole ? "slds-context-bar_tabs" : ""}`}
      aria-label={label}
    >
      <div className="slds-context-bar__primary console-bar__primary">
        <div className="slds-context-bar__icon-action">
          <button
            type="button"
            className="slds-button slds-icon-waffle_container slds-context-bar__button"
            title={t("launcher.open")}
            aria-label={t("launcher.open")}
            aria-haspopup="dialog"
            aria-expanded={open}
            data-focus="launcher"
            onClick={() => launcher.set(true)}
          >
            <span className="slds-icon-waffle">
              {WAFFLE.map((dot) => (
                <span key={dot} className={dot} />
              ))}
            </span>
          </button>
        </div>
        <span className="slds-context-bar__label-action slds-context-bar__app-name console-bar__app">
          <span className="slds-truncate" title={label}>
            {label}
          </span>
        </span>
      </div>
      {inSetup ? <SetupItems /> : isConsole ? <ConsoleItems /> : <StandardItems />}
      {isConsole && <WorkspaceTabs />}
      {open && <AppLauncher />}
    </section>
  );
}

/** Set-up is an app of its own: its home and the object manager. */
function SetupItems(): ReactNode {
  const { t } = useTranslation();
  const route = useStore(below);
  const inObjects = route.page === "setup" && route.node === "ObjectManager";
  const items = [
    { label: t("nav.home"), path: setupPath("SetupOneHome"), current: !inObjects },
    { label: t("setup.objects"), path: setupPath("ObjectManager"), current: inObjects },
  ];
  return (
    <nav className="slds-context-bar__secondary console-bar__items" aria-label={t("setup.app")}>
      <ul className="slds-grid">
        {items.map(({ label, path, current }) => (
          <li key={path} className={`slds-context-bar__item ${current ? "slds-is-active" : ""}`}>
            <Link
              to={path}
              className="slds-context-bar__label-action"
              aria-current={current ? "page" : undefined}
            >
              <span className="slds-truncate">{label}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** One item at a time, and a menu with the others: the workspace tabs need the room. */
function ConsoleItems(): ReactNode {
  const { t } = useTranslation();
  const { items } = useApp();
  const route = useStore(below);
  const last = useStore(lastList);
  const labelOf = useItemLabel();
  const item = itemOf(route, items, last?.object) || (items[0] ?? "home");
  const current = route.page === "home" || route.page === "list" || route.page === "tab";
  return (
    <nav
      className={`slds-context-bar__secondary console-bar__nav ${current ? "console-bar__nav_current" : ""}`}
      aria-label={t("nav.pages")}
    >
      <div
        className={`slds-context-bar__item slds-context-bar__object-switcher ${current ? "slds-is-active" : ""}`}
      >
        <Link
          to={itemPath(item)}
          className="slds-context-bar__label-action"
          aria-current={current ? "page" : undefined}
        >
          <span className="slds-truncate">{labelOf(item)}</span>
        </Link>
        <div className="slds-context-bar__icon-action slds-p-left_none">
          <span data-focus="items">
            <Menu
              label={t("nav.show")}
              align="right"
              triggerClassName="slds-button slds-button_icon slds-context-bar__button"
              trigger={<Symbol name="utility:chevrondown" className="slds-button__icon" />}
              items={items.map((each) => ({
                key: each,
                label: labelOf(each),
                icon: each === item ? "utility:check" : `utility:${each === "home" ? "home" : "rows"}`,
                onSelect: () => navigate(itemPath(each)),
              }))}
            />
          </span>
        </div>
      </div>
    </nav>
  );
}

/** Every item beside the other, each with what was seen of it last; records with edits stand behind them. */
function StandardItems(): ReactNode {
  const { t } = useTranslation();
  const { items } = useApp();
  const route = useStore(below);
  const labelOf = useItemLabel();
  const open = useStore(tabs);
  const current = itemOf(route, items, undefined);
  return (
    <nav
      className="slds-context-bar__secondary console-bar__items"
      aria-label={t("nav.pages")}
      data-focus="items"
    >
      <ul className="slds-grid">
        {items.map((item) => (
          <li key={item} className={`slds-context-bar__item ${item === current ? "slds-is-active" : ""}`}>
            <Link
              to={itemPath(item)}
              className="slds-context-bar__label-action"
              aria-current={item === current ? "page" : undefined}
            >
              <span className="slds-truncate">{labelOf(item)}</span>
            </Link>
            {isObject(item) && (
              <div className="slds-context-bar__icon-action slds-p-left_none">
                <RecentOf object={item} label={labelOf(item)} />
              </div>
            )}
          </li>
        ))}
        {current !== "" && !items.includes(current) && route.page === "list" && (
          <li className="slds-context-bar__item slds-is-active">
            <Link to={itemPath(current)} className="slds-context-bar__label-action" aria-current="page">
              <span className="slds-truncate">{labelOf(current)}</span>
            </Link>
          </li>
        )}
        {open.map((tab) => {
          const inFront = route.page === "record" && route.id === tab.id;
          // A record whose object stands in the bar needs no item of its own, unless it waits with edits.
          if (inFront && items.includes(tab.object)) return null;
          const title = tab.title || t("tab.loading");
          const icon = objectIcon(tab.object);
          return (
            <li
              key={tab.id}
              className={`slds-context-bar__item slds-context-bar__item_tab ${inFront ? "slds-is-active" : "slds-is-unsaved"}`}
            >
              <RecordLink
                to={recordPath(tab.object, tab.id)}
                className="slds-context-bar__label-action"
                aria-current={inFront ? "page" : undefined}
                title={title}
              >
                <Icon name={icon.name} size="x-small" className={`${icon.className} slds-m-right_x-small`} />
                <span className="slds-truncate">
                  {!inFront && (
                    <abbr className="slds-unsaved-changes" title={t("tab.unsaved")}>
                      *
                    </abbr>
                  )}
                  {title}
                </span>
              </RecordLink>
              <span className="slds-context-bar__icon-action console-bar__close">
                <IconButton
                  icon="utility:close"
                  label={t(inFront ? "tab.close" : "tab.close.unsaved", { title })}
                  variant="container"
                  small
                  onClick={() => {
                    if (inFront || window.confirm(t("tab.close.confirm", { title }))) closeTab(tab.id);
                  }}
                />
              </span>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

const RECENT_SHOWN = 5;

function RecentOf({ object, label }: { object: string; label: string }): ReactNode {
  const { t } = useTranslation();
  const [recent, setRecent] = useState<Recent[]>([]);
  const createable = useStore(objects).get(object)?.createable !== false;
  return (
    <span onPointerEnter={load} onFocus={load}>
      <Menu
        label={t("nav.recent", { label })}
        align="right"
        triggerClassName="slds-button slds-button_icon slds-context-bar__button"
        trigger={<Symbol name="utility:chevrondown" className="slds-button__icon" />}
        items={[
          ...(createable
            ? [{ key: "new", label: t("nav.new"), icon: "utility:add", onSelect: () => openNew(object, {}) }]
            : []),
          ...recent.map((each) => ({
            key: each.id,
            label: recentName(each),
            icon: "utility:clock",
            onSelect: () => navigate(recordPath(object, each.id)),
          })),
          {
            key: "all",
            label: t("nav.all", { label }),
            icon: "utility:rows",
            onSelect: () => navigate(listPath(object)),
          },
        ]}
      />
    </span>
  );

  function load() {
    recentRecords(object).then(
      (found) => setRecent(found.slice(0, RECENT_SHOWN)),
      () => undefined,
    );
  }
}
