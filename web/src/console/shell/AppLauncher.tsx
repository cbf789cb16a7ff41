/** The app launcher: the org's apps as tiles, and below them every object that has a tab. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState, Modal } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { switchApp, useApp } from "../data/apps.ts";
import { objects, session } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import { itemPath, listPath, navigate, tabPath } from "../router.ts";
import { launcher } from "./launcher.ts";
import { Link } from "./Link.tsx";
import { toast } from "./toasts.ts";
import { unsavedStore } from "./workspace.ts";

/** The first signs of a name, for the tile: two letters of latin words, one sign of others. */
function initials(label: string): string {
  const words = label.split(/\s+/).filter((word) => word !== "");
  const latin = /^[\x20-\x7f]+$/.test(label);
  return latin && words.length > 1
    ? words
        .slice(0, 2)
        .map((word) => word[0])
        .join("")
    : [...label].slice(0, latin ? 2 : 1).join("");
}

const COLOURS = ["#0b5cab", "#3a7d44", "#8a3ffc", "#b0520f", "#0b827c"];

export function AppLauncher(): ReactNode {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const current = useApp();
  const known = useStore(objects);
  const unsaved = useStore(unsavedStore);
  const has = (label: string) => label.toLowerCase().includes(text.trim().toLowerCase());
  const apps = session().apps.filter((each) => has(each.label));
  const items = [
    ...[...known.values()]
      .filter((each) => each.hasTab)
      .map((each) => ({ path: listPath(each.name), label: each.labelPlural })),
    ...session().tabs.map((each) => ({ path: tabPath(each.name), label: each.label })),
    { path: "/lightning/o/DeleteEvent/home", label: t("bin.title") },
  ]
    .filter((each) => has(each.label))
    .sort((a, b) => a.label.localeCompare(b.label));
  const close = () => launcher.set(false);

  function choose(name: string, first: string) {
    close();
    if (name === current.name) return navigate(itemPath(first));
    if (unsaved.size > 0 && !window.confirm(t("launcher.unsaved"))) return;
    switchApp(name).catch(() => toast({ variant: "error", text: t("problem.network") }));
  }

  return (
    <Modal title={t("launcher.title")} closeLabel={t("form.close")} onClose={close}>
      <div className="slds-input-has-icon slds-input-has-icon_left slds-m-bottom_medium">
        <Symbol
          name="utility:search"
          className="slds-icon slds-input__icon slds-input__icon_left slds-icon-text-default"
        />
        <input
          className="slds-input"
          type="search"
          data-autofocus
          aria-label={t("launcher.search")}
          placeholder={t("launcher.search")}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      {apps.length > 0 && (
        <section>
          <h2 className="slds-section__title-action console-launcher__heading">{t("launcher.apps")}</h2>
          <ul className="slds-grid slds-wrap slds-grid_pull-padded console-launcher__apps">
            {apps.map((each) => (
              <li
                key={each.name}
                className="slds-p-horizontal_small slds-size_1-of-1 slds-medium-size_1-of-2"
              >
                <button
                  type="button"
                  className="slds-app-launcher__tile slds-text-link_reset console-launcher__tile"
                  aria-current={each.name === current.name || undefined}
                  onClick={() => choose(each.name, each.items[0] ?? "home")}
                >
                  <span className="slds-app-launcher__tile-figure">
                    <span
                      className="console-launcher__mark"
                      style={{ background: COLOURS[session().apps.indexOf(each) % COLOURS.length] }}
                      aria-hidden="true"
                    >
                      {initials(each.label)}
                    </span>
                  </span>
                  <span className="slds-app-launcher__tile-body">
                    <span className="slds-text-link">{each.label}</span>
                    <span className="console-launcher__about">{each.description}</span>
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {items.length > 0 && (
        <section className="slds-m-top_medium">
          <h2 className="slds-section__title-action console-launcher__heading">{t("launcher.items")}</h2>
          <ul className="console-launcher__items">
            {items.map((each) => (
              <li key={each.path}>
                <Link to={each.path} className="slds-truncate" onClick={close}>
                  {each.label}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
      {apps.length + items.length === 0 && (
        <EmptyState icon="utility:search" title={t("search.nothing", { text })} />
      )}
    </Modal>
  );
}
