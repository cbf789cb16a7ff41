/** The console's keys, and the dialog that lists them. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal } from "../../ui/controls.tsx";
import { isConsole, useApp } from "../data/apps.ts";
import { refresh } from "../data/records.ts";
import { createStore, useStore } from "../data/store.ts";
import { BINDINGS, isTyping, keyName, read, type Command } from "./hotkeys.ts";
import { launcher } from "./launcher.ts";
import { refreshPages } from "./refresh.ts";
import { splitOpen } from "./split.ts";
import { whereIs } from "./tabs.ts";
import { below, closeTabs, openNew, reopenTab, stepTab, tabs } from "./workspace.ts";
import { useClosing } from "./WorkspaceTabs.tsx";

export const helpOpen = createStore(false);

/** After so long a key is the first of something new; milliseconds. */
const PAUSE_MS = 1_200;

function focus(place: string): void {
  const at = document.querySelector<HTMLElement>(`[data-focus="${place}"]`);
  const field = place === "search" ? at?.querySelector("input") : null;
  if (field) {
    field.focus();
    field.select();
    return;
  }
  const inner =
    at?.querySelector<HTMLElement>('[aria-current="page"], [aria-selected="true"]') ??
    at?.querySelector<HTMLElement>("a, button, input");
  (inner ?? at)?.focus();
}

export function HotKeys(): ReactNode {
  const open = useStore(helpOpen);
  const closing = useClosing();
  const [close] = useState(() => ({ run: closing }));
  close.run = closing;

  useEffect(() => {
    let typed: string[] = [];
    let timer = 0;

    function onKeyDown(event: KeyboardEvent) {
      if (event.defaultPrevented || event.altKey || event.isComposing) return;
      if ((event.ctrlKey || event.metaKey) && event.key === "/") {
        event.preventDefault();
        helpOpen.set(true);
        return;
      }
      if (event.ctrlKey || event.metaKey || isTyping(event.target)) return;
      if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
      window.clearTimeout(timer);
      typed.push(keyName(event));
      let found = read(typed, isConsole());
      if (found === null && typed.length > 1) {
        typed = typed.slice(-1);
        found = read(typed, isConsole());
      }
      if (found === null) typed = [];
      else {
        event.preventDefault();
        if (found === "more") timer = window.setTimeout(() => (typed = []), PAUSE_MS);
        else {
          typed = [];
          run(found);
        }
      }
    }

    function run(command: Command) {
      const route = below.get();
      const record = route.page === "record" ? route : null;
      switch (command) {
        case "search":
          return focus("search");
        case "help":
          return helpOpen.set(true);
        case "go.launcher":
          return launcher.set(true);
        case "go.main":
          return document.getElementById("main")?.focus();
        case "next":
          return stepTab(1);
        case "previous":
          return stepTab(-1);
        case "close": {
          const at = record === null ? null : whereIs(tabs.get(), record.id);
          if (at !== null) close.run(at.subtab === null ? at.tab : { ...at.tab, ...at.subtab, subtabs: [] });
          return;
        }
        case "closeAll":
          return closeTabs();
        case "reopen":
          return reopenTab();
        case "split":
          return splitOpen.set((current) => !current);
        case "refresh":
          if (record === null) refreshPages();
          else void refresh(record.id);
          return;
        case "new":
          if (route.page === "record" || route.page === "list") openNew(route.object, {});
          return;
        case "edit":
          // Details own what editing is; the button is what anybody would press.
          document.querySelector<HTMLElement>('#main [data-command="edit"]:not([disabled])')?.click();
          return;
        default:
          return focus(command.slice(3));
      }
    }

    document.addEventListener("keydown", onKeyDown);
    return () => {
      window.clearTimeout(timer);
      document.removeEventListener("keydown", onKeyDown);
    };
  }, [close]);

  return open ? <Help /> : null;
}

function Help(): ReactNode {
  const { t } = useTranslation();
  const app = useApp();
  const shown = BINDINGS.filter((binding) => app.nav_type === "Console" || binding.console !== true);
  const close = () => helpOpen.set(false);
  return (
    <Modal
      title={t("keys.title")}
      closeLabel={t("form.close")}
      onClose={close}
      size="small"
      footer={
        <Button variant="brand" onClick={close} data-autofocus>
          {t("form.close")}
        </Button>
      }
    >
      <p className="slds-text-color_weak slds-m-bottom_small">{t("keys.hint")}</p>
      <dl className="console-keys" tabIndex={0} aria-label={t("keys.title")}>
        {shown.map((binding) => (
          <div key={binding.command} className="console-keys__row">
            <dt>
              {binding.keys.map((key, index) => (
                <span key={index}>
                  {index > 0 && <span className="slds-text-color_weak"> {t("keys.then")} </span>}
                  <kbd>{key}</kbd>
                </span>
              ))}
            </dt>
            <dd>{t(`keys.${binding.command}`)}</dd>
          </div>
        ))}
        {[
          ["F6", "keys.phone"],
          ["Esc", "keys.escape"],
        ].map(([key, words]) => (
          <div key={key} className="console-keys__row">
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(words ?? "")}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
