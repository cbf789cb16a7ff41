/** Which view a list shows: those of last time first, and a field to find one among many. */
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useOutside } from "../../../ui/controls.tsx";
import { Symbol } from "../../../ui/Icon.tsx";
import type { ListViews } from "../../data/types.ts";
import { RECENT } from "./recent.ts";

/** From so many views on there is a field to search them. */
const MANY = 6;

export function ViewPicker({
  views,
  current,
  onPick,
}: {
  views: ListViews | null;
  /** Id of the view in front, or `recent`. */
  current: string;
  onPick: (id: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useOutside(root, open, () => setOpen(false));
  const all = views?.views ?? [];
  const has = (label: string) => label.toLowerCase().includes(text.trim().toLowerCase());
  const groups = [
    {
      key: "standard",
      label: t("list.views.standard"),
      items: [
        { id: RECENT, label: t("list.recent") },
        ...all.filter((view) => view.standard).map((view) => ({ id: view.id, label: view.label })),
      ],
    },
    { key: "mine", label: t("list.views.mine"), items: all.filter((view) => view.mine) },
    {
      key: "shared",
      label: t("list.views.shared"),
      items: all.filter((view) => !view.mine && !view.standard),
    },
  ]
    .map((group) => ({ ...group, items: group.items.filter((item) => has(item.label)) }))
    .filter((group) => group.items.length > 0);

  useEffect(() => {
    if (!open) return;
    const start =
      root.current?.querySelector<HTMLElement>("input") ??
      root.current?.querySelector<HTMLElement>('[aria-checked="true"]') ??
      root.current?.querySelector<HTMLElement>('[role="menuitemradio"]');
    start?.focus();
  }, [open]);

  function close(back: boolean) {
    setOpen(false);
    setText("");
    if (back) button.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    const items = [...(root.current?.querySelectorAll<HTMLElement>('[role="menuitemradio"]') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const go = (index: number) => items[(index + items.length) % items.length]?.focus();
    if (event.key === "Escape") close(true);
    else if (event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowUp") go(at < 0 ? -1 : at - 1);
    else if (event.key === "Enter" && at < 0) items[0]?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div
      ref={root}
      className={`slds-dropdown-trigger slds-dropdown-trigger_click ${open ? "slds-is-open" : ""}`}
    >
      <button
        ref={button}
        type="button"
        className="slds-button slds-button_icon slds-button_icon-small"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        title={t("list.choose")}
        aria-label={t("list.choose")}
        data-focus="views"
        onClick={() => (open ? close(true) : setOpen(true))}
      >
        <Symbol name="utility:down" className="slds-button__icon slds-icon_x-small" />
      </button>
      {open && (
        <div className="slds-dropdown slds-dropdown_left ui-menu console-views" onKeyDown={onKeyDown}>
          {all.length >= MANY && (
            <div className="slds-p-around_x-small">
              <input
                className="slds-input"
                type="search"
                aria-label={t("list.views.search")}
                placeholder={t("list.views.search")}
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            </div>
          )}
          <div id={id} role="menu" aria-label={t("list.choose")} className="console-views__list">
            {groups.map((group) => (
              <div key={group.key} role="group" aria-label={group.label}>
                <div className="slds-dropdown__header slds-text-title" aria-hidden="true">
                  {group.label}
                </div>
                {group.items.map((item) => (
                  <button
                    key={item.id}
                    type="button"
                    role="menuitemradio"
                    aria-checked={item.id === current}
                    tabIndex={-1}
                    className="slds-button console-views__item"
                    onClick={() => {
                      close(true);
                      onPick(item.id);
                    }}
                  >
                    <Symbol
                      name="utility:check"
                      className={`slds-icon slds-icon_xx-small ${item.id === current ? "slds-icon-text-default" : "console-views__blank"}`}
                    />
                    <span className="slds-truncate">{item.label}</span>
                    {views?.pinned === item.id && (
                      <>
                        <Symbol
                          name="utility:pinned"
                          className="slds-icon slds-icon_xx-small slds-icon-text-default"
                        />
                        <span className="slds-assistive-text">{t("list.views.pinned")}</span>
                      </>
                    )}
                  </button>
                ))}
              </div>
            ))}
            {groups.length === 0 && (
              <p className="slds-p-around_small slds-text-color_weak">{t("search.nothing", { text })}</p>
            )}
          </div>
        </div>
      )}
    </div>
  );
}
