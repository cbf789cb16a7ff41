/** The workspace tabs of a console app, those that do not fit in a menu, and the subtabs of the one in front. */
import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton, Menu, type MenuItem } from "../../ui/controls.tsx";
import { Icon, Symbol } from "../../ui/Icon.tsx";
import { refresh } from "../data/records.ts";
import { objectOfId } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import { navigate, pathOf, recordPath } from "../router.ts";
import { objectIcon } from "../record/names.ts";
import { RecordLink, Within } from "./Link.tsx";
import { whereIs } from "./tabs.ts";
import {
  below,
  closeTab,
  closeTabs,
  pinTab,
  reopenTab,
  tabPath,
  tabs,
  unsavedIn,
  unsavedStore,
  type Tab,
} from "./workspace.ts";

/** Width of a tab that still tells what it is, and of the button behind the last one; pixels. */
const TAB_PX = 152;
const MORE_PX = 104;

/** Closes a tab; asks first where edits would be lost. */
export function useClosing(): (tab: Tab) => void {
  const { t } = useTranslation();
  return (tab) => {
    const title = tab.title || t("tab.loading");
    if (unsavedIn(tab).length === 0 || window.confirm(t("tab.close.confirm", { title }))) closeTab(tab.id);
  };
}

export function WorkspaceTabs(): ReactNode {
  const { t } = useTranslation();
  const open = useStore(tabs);
  const shown = useStore(below);
  const unsaved = useStore(unsavedStore);
  const strip = useRef<HTMLElement>(null);
  const [room, setRoom] = useState(Number.POSITIVE_INFINITY);
  const active = shown.page === "record" ? (whereIs(open, shown.id)?.tab.id ?? "") : "";
  const close = useClosing();
  // The strip is there only with tabs in it.
  const none = open.length === 0;

  useLayoutEffect(() => {
    const element = strip.current;
    if (element === null) return;
    const measure = () => setRoom(element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [none]);

  if (open.length === 0) return null;
  const fit = Math.max(1, Math.floor(room / TAB_PX));
  const many = open.length > fit;
  const places = many ? Math.max(1, Math.floor((room - MORE_PX) / TAB_PX)) : open.length;
  const first = open.slice(0, places);
  const inFront = open.find((tab) => tab.id === active);
  // The tab in front is always to be seen.
  if (inFront !== undefined && !first.includes(inFront)) first[first.length - 1] = inFront;
  const rest = open.filter((tab) => !first.includes(tab));

  return (
    <nav className="console-bar__tabs" aria-label={t("nav.tabs")} ref={strip} data-focus="tabs">
      <ul className="slds-grid">
        {first.map((tab) => {
          const current = tab.id === active;
          const title = tab.title || t("tab.loading");
          const dirty = [tab.id, ...tab.subtabs.map((each) => each.id)].some((id) => unsaved.has(id));
          const icon = objectIcon(tab.object || objectOfId(tab.id) || "");
          return (
            <li
              key={tab.id}
              className={`slds-context-bar__item slds-context-bar__item_tab ${current ? "slds-is-active" : ""} ${dirty ? "slds-is-unsaved" : ""} ${tab.pinned ? "slds-is-pinned" : ""}`}
              onAuxClick={(event) => {
                if (event.button === 1 && !dirty) closeTab(tab.id);
              }}
            >
              <RecordLink
                to={tabPath(tab)}
                className="slds-context-bar__label-action"
                aria-current={current ? "page" : undefined}
                title={title}
              >
                <Icon name={icon.name} size="x-small" className={`${icon.className} slds-m-right_x-small`} />
                <span className={tab.pinned ? "slds-assistive-text" : "slds-truncate"}>
                  {dirty && (
                    <abbr className="slds-unsaved-changes" title={t("tab.unsaved")}>
                      *
                    </abbr>
                  )}
                  {title}
                </span>
              </RecordLink>
              <span className="slds-context-bar__icon-action console-bar__close">
                <TabMenu tab={tab} title={title} close={close} />
                {!tab.pinned && (
                  <IconButton
                    icon="utility:close"
                    label={t(dirty ? "tab.close.unsaved" : "tab.close", { title })}
                    variant="container"
                    small
                    onClick={() => close(tab)}
                  />
                )}
              </span>
            </li>
          );
        })}
        {rest.length > 0 && (
          <li className="slds-context-bar__item console-bar__more">
            <Menu
              label={t("tabs.more", { count: rest.length })}
              align="right"
              selfNamed
              triggerClassName="slds-button slds-context-bar__label-action"
              trigger={
                <>
                  {t("tabs.more", { count: rest.length })}
                  <Symbol
                    name="utility:chevrondown"
                    className="slds-button__icon slds-button__icon_right slds-button__icon_small"
                  />
                </>
              }
              items={rest.map((tab) => ({
                key: tab.id,
                label: `${unsavedIn(tab).length > 0 ? "* " : ""}${tab.title || t("tab.loading")}`,
                onSelect: () => navigate(tabPath(tab)),
              }))}
            />
          </li>
        )}
      </ul>
    </nav>
  );
}

function TabMenu({ tab, title, close }: { tab: Tab; title: string; close: (tab: Tab) => void }): ReactNode {
  const { t } = useTranslation();
  const items: MenuItem[] = [
    {
      key: "refresh",
      label: t("tab.refresh"),
      icon: "utility:refresh",
      onSelect: () => void refresh(tab.shown),
    },
    {
      key: "pin",
      label: t(tab.pinned ? "tab.unpin" : "tab.pin"),
      icon: tab.pinned ? "utility:pinned" : "utility:pin",
      onSelect: () => pinTab(tab.id, !tab.pinned),
    },
    { key: "close", label: t("tab.closeThis"), icon: "utility:close", onSelect: () => close(tab) },
    { key: "others", label: t("tab.closeOthers"), icon: "utility:clear", onSelect: () => closeTabs(tab.id) },
    { key: "all", label: t("tab.closeAll"), icon: "utility:clear", onSelect: () => closeTabs() },
    { key: "reopen", label: t("tab.reopen"), icon: "utility:undo", onSelect: reopenTab },
  ];
  return (
    <Menu
      label={t("tab.actions", { title })}
      align="right"
      triggerClassName="slds-button slds-button_icon slds-button_icon-container slds-button_icon-small"
      trigger={<Symbol name="utility:chevrondown" className="slds-button__icon slds-button__icon_small" />}
      items={items}
    />
  );
}

/** The record of the workspace tab and those that were opened from it. */
export function Subtabs(): ReactNode {
  const { t } = useTranslation();
  const open = useStore(tabs);
  const shown = useStore(below);
  const unsaved = useStore(unsavedStore);
  const list = useRef<HTMLUListElement>(null);
  const at = shown.page === "record" ? whereIs(open, shown.id) : null;
  const id = shown.page === "record" ? shown.id : "";

  useEffect(() => {
    list.current
      ?.querySelector('[aria-current="page"]')
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [id]);

  if (at === null || at.tab.subtabs.length === 0) return null;
  const { tab } = at;
  return (
    <Within value={tab}>
      <nav
        className="slds-tabs_default slds-sub-tabs console-subtabs"
        aria-label={t("tabs.sub")}
        data-focus="subtabs"
      >
        <ul className="slds-tabs_default__nav slds-sub-tabs__nav" ref={list}>
          {[tab, ...tab.subtabs].map((each) => {
            const current = each.id === id;
            const title = each.title || t("tab.loading");
            const dirty = unsaved.has(each.id);
            const icon = objectIcon(each.object);
            const path =
              each === tab
                ? recordPath(tab.object, tab.id)
                : pathOf({ page: "record", object: each.object, id: each.id, parent: tab });
            return (
              <li
                key={each.id}
                className={`slds-tabs_default__item slds-sub-tabs__item console-subtabs__item ${current ? "slds-is-active slds-active" : ""} ${dirty ? "slds-is-unsaved" : ""}`}
              >
                <RecordLink
                  to={path}
                  className="slds-tabs_default__link"
                  aria-current={current ? "page" : undefined}
                  title={title}
                >
                  <span className="slds-tabs__left-icon">
                    <Icon name={icon.name} size="x-small" className={icon.className} />
                  </span>
                  <span className="slds-truncate">
                    {dirty && (
                      <abbr className="slds-unsaved-changes" title={t("tab.unsaved")}>
                        *
                      </abbr>
                    )}
                    {title}
                  </span>
                </RecordLink>
                {each !== tab && (
                  <IconButton
                    icon="utility:close"
                    label={t(dirty ? "tab.close.unsaved" : "tab.close", { title })}
                    variant="container"
                    small
                    onClick={() => {
                      if (!dirty || window.confirm(t("tab.close.confirm", { title }))) closeTab(each.id);
                    }}
                  />
                )}
              </li>
            );
          })}
        </ul>
      </nav>
    </Within>
  );
}
