/** The bar below the header: the app, its pages, and the records that are open as tabs. */
import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { objectOfId, objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import { listPath, pathOf, recordPath } from "../router.ts";
import { objectIcon } from "../record/names.ts";
import { Link, RecordLink } from "./Link.tsx";
import { below, closeTab, tabs, unsavedStore } from "./workspace.ts";

const PAGES = ["Contact", "Account", "Lead"];

export function ConsoleBar(): ReactNode {
  const { t } = useTranslation();
  const shown = useStore(below);
  const open = useStore(tabs);
  const known = useStore(objects);
  const unsaved = useStore(unsavedStore);
  const strip = useRef<HTMLUListElement>(null);
  const active = shown.page === "record" ? shown.id : "";

  useEffect(() => {
    strip.current
      ?.querySelector('[aria-current="page"]')
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [active, open]);

  const item = (key: string, to: string, label: string, current: boolean) => (
    <li key={key} className={`slds-context-bar__item ${current ? "slds-is-active" : ""}`}>
      <Link to={to} className="slds-context-bar__label-action" aria-current={current ? "page" : undefined}>
        <span className="slds-truncate">{label}</span>
      </Link>
    </li>
  );

  return (
    <div className="slds-context-bar console-bar">
      <nav className="slds-context-bar__secondary console-bar__nav" aria-label={t("nav.pages")}>
        <span className="console-bar__app slds-truncate">{t("app.name")}</span>
        <ul className="slds-grid">
          {item("home", pathOf({ page: "home" }), t("nav.home"), shown.page === "home")}
          {PAGES.map((object) =>
            item(
              object,
              listPath(object),
              known.get(object)?.labelPlural ?? t(`nav.${object}`),
              shown.page === "list" && shown.object === object,
            ),
          )}
          {shown.page === "list" &&
            !PAGES.includes(shown.object) &&
            item(
              shown.object,
              listPath(shown.object),
              known.get(shown.object)?.labelPlural ?? shown.object,
              true,
            )}
        </ul>
      </nav>
      {open.length > 0 && (
        <nav className="console-bar__tabs" aria-label={t("nav.tabs")}>
          <ul className="slds-grid" ref={strip}>
            {open.map((tab) => {
              const object = tab.object || objectOfId(tab.id) || "";
              const icon = objectIcon(object);
              const current = tab.id === active;
              const title = tab.title || t("tab.loading");
              const dirty = unsaved.has(tab.id);
              return (
                <li
                  key={tab.id}
                  className={`slds-context-bar__item slds-context-bar__item_tab ${current ? "slds-is-active" : ""} ${dirty ? "slds-is-unsaved" : ""}`}
                  onAuxClick={(event) => {
                    if (event.button === 1 && !dirty) closeTab(tab.id);
                  }}
                >
                  <RecordLink
                    to={recordPath(object, tab.id)}
                    className="slds-context-bar__label-action"
                    aria-current={current ? "page" : undefined}
                    title={title}
                  >
                    <Icon
                      name={icon.name}
                      size="x-small"
                      className={`${icon.className} slds-m-right_x-small`}
                    />
                    <span className="slds-truncate">
                      {dirty && (
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
                      label={t(dirty ? "tab.close.unsaved" : "tab.close", { title })}
                      variant="container"
                      small
                      onClick={() => {
                        if (!dirty || window.confirm(t("tab.close.confirm", { title }))) closeTab(tab.id);
                      }}
                    />
                  </span>
                </li>
              );
            })}
          </ul>
        </nav>
      )}
    </div>
  );
}
