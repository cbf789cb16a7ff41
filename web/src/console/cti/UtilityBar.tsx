/**
 * The utility bar with the app's items. The softphone is an iframe at the call center's adapter URL, kept alive
 * while its panel is minimized, and joined with the console by Open CTI; it stays when the app is changed. One
 * panel is open at a time; those of other items may be popped out into a window of their own.
 */
import {
  Suspense,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from "react";
import { createPortal } from "react-dom";
import { useTranslation } from "react-i18next";
import { EmptyState, IconButton } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { app, useApp } from "../data/apps.ts";
import { session } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { UtilityItem } from "../data/types.ts";
import { TOOLS } from "../shell/utilities.tsx";
import { messages } from "../messages/bus.ts";
import { startBackgrounds } from "../omni/background.ts";
import { consoleActions } from "./actions.ts";
import { adapterAddress, adapterOrigin, newNonce } from "./adapter.ts";
import { onDial } from "./dial.ts";
import { createCtiHost } from "./host.ts";
import { createCtiMethods } from "./methods.ts";
import { changePanel, panel } from "./panel.ts";
import { useAdapterUrl } from "./standby.ts";
import { onView } from "./view.ts";

export function UtilityBar(): ReactNode {
  const { t } = useTranslation();
  const { utility_items: items } = useApp();
  const phone = items.find((item) => item.type === "softphone");
  const tools = items.filter((item) => item.type in TOOLS);
  const state = useStore(panel);
  const [open, setOpen] = useState<string | null>(null);
  const shown = state.visible ? null : (tools.find((item) => item.type === open) ?? null);

  useEffect(startBackgrounds, []);

  // Opening the phone, also by a call that comes in, puts the other panel away.
  useEffect(() => {
    if (state.visible) setOpen(null);
  }, [state.visible]);

  // Pages and dialogs make room for the open panel: a caller's form must not hide the call, nor the call the form.
  const widthPx = state.visible && phone !== undefined ? state.widthPx : (shown?.width ?? 0);
  useLayoutEffect(() => {
    document.documentElement.style.setProperty("--panel-width", `${widthPx}px`);
  }, [widthPx]);

  if (phone === undefined && tools.length === 0) return null;
  return (
    <footer className="slds-utility-bar_container console-utility" aria-label={t("utility.bar")}>
      <ul className="slds-utility-bar console-utility__items" data-focus="utility">
        {phone !== undefined && <Phone />}
        {tools.map((item) => (
          <Tool
            key={item.type}
            item={item}
            open={shown === item}
            onToggle={(next) => {
              setOpen(next ? item.type : null);
              if (next) changePanel({ visible: false });
            }}
          />
        ))}
      </ul>
    </footer>
  );
}

/** The softphone's panel and its item. */
function Phone(): ReactNode {
  const state = useStore(panel);
  const panelId = useId();
  const headingId = useId();
  const { visible } = state;
  const button = useRef<HTMLButtonElement>(null);

  // From anywhere, also from a dialog that holds the tab key, to the phone.
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      if (event.key !== "F6" || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      button.current?.focus();
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);

  return (
    <li className="slds-utility-bar__item">
      <div
        id={panelId}
        role="dialog"
        aria-labelledby={headingId}
        className={`slds-utility-panel slds-grid slds-grid_vertical console-panel ${visible ? "slds-is-open console-panel_open" : ""}`}
        style={{ width: state.widthPx, height: state.heightPx }}
        inert={!visible}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            changePanel({ visible: false });
            button.current?.focus();
          }
        }}
      >
        <PanelHeader
          id={headingId}
          icon={state.panelIcon}
          label={state.panelLabel}
          onMinimize={() => {
            changePanel({ visible: false });
            button.current?.focus();
          }}
        />
        <div className="slds-utility-panel__body console-panel__body">{state.started && <Softphone />}</div>
      </div>
      <button
        ref={button}
        type="button"
        className={`slds-button slds-utility-bar__action console-utility__item ${visible ? "slds-is-active" : ""}`}
        aria-expanded={visible}
        aria-controls={panelId}
        aria-keyshortcuts="F6"
        onClick={() => changePanel({ visible: !visible })}
      >
        <Symbol name={`utility:${state.itemIcon}`} className="slds-button__icon slds-button__icon_left" />
        <span className="slds-truncate">{state.itemLabel}</span>
      </button>
    </li>
  );
}

function PanelHeader({
  id,
  icon,
  label,
  onMinimize,
  onPopOut,
}: {
  id: string;
  icon: string;
  label: string;
  onMinimize: () => void;
  onPopOut?: () => void;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="slds-utility-panel__header console-panel__header">
      <Symbol name={`utility:${icon}`} className="slds-icon slds-icon_x-small slds-icon-text-default" />
      <h2 id={id} className="slds-truncate">
        {label}
      </h2>
      {onPopOut !== undefined && (
        <IconButton
          icon="utility:new_window"
          label={t("utility.popOut", { label })}
          variant="container"
          small
          onClick={onPopOut}
        />
      )}
      <IconButton
        icon="utility:minimize_window"
        label={t("utility.minimize", { label })}
        variant="container"
        small
        onClick={onMinimize}
      />
    </div>
  );
}

/** An item that is drawn by the console itself. It is there from its first opening on, or from the start. */
function Tool({
  item,
  open,
  onToggle,
}: {
  item: UtilityItem;
  open: boolean;
  onToggle: (open: boolean) => void;
}): ReactNode {
  const { t } = useTranslation();
  const Content = TOOLS[item.type];
  const panelId = useId();
  const headingId = useId();
  const button = useRef<HTMLButtonElement>(null);
  const [started, setStarted] = useState(item.auto_start);
  const [popped, setPopped] = useState<Window | null>(null);
  if (open && !started) setStarted(true);

  useEffect(() => () => popped?.close(), [popped]);
  if (Content === undefined) return null;

  function popOut() {
    const own = window.open("", "", `popup,width=${item.width},height=${item.height}`);
    if (own === null) return;
    own.document.title = item.label;
    own.document.documentElement.lang = document.documentElement.lang;
    for (const sheet of document.querySelectorAll('link[rel="stylesheet"], style'))
      own.document.head.append(own.document.importNode(sheet, true));
    own.addEventListener("pagehide", () => setPopped(null));
    setPopped(own);
    onToggle(false);
  }

  const content = (
    <Suspense fallback={null}>
      <Content active={open || popped !== null} />
    </Suspense>
  );
  return (
    <li className="slds-utility-bar__item">
      {popped === null ? (
        <div
          id={panelId}
          role="dialog"
          aria-labelledby={headingId}
          className={`slds-utility-panel slds-grid slds-grid_vertical console-panel ${open ? "slds-is-open console-panel_open" : ""}`}
          style={{ width: item.width, height: item.height }}
          inert={!open}
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              onToggle(false);
              button.current?.focus();
            }
          }}
        >
          <PanelHeader
            id={headingId}
            icon={item.icon}
            label={item.label}
            onPopOut={popOut}
            onMinimize={() => {
              onToggle(false);
              button.current?.focus();
            }}
          />
          <div className="slds-utility-panel__body console-panel__body">{started && content}</div>
        </div>
      ) : (
        createPortal(<div className="console-popped">{content}</div>, popped.document.body)
      )}
      <button
        ref={button}
        type="button"
        className={`slds-button slds-utility-bar__action console-utility__tool ${open ? "slds-is-active" : ""}`}
        aria-expanded={popped === null ? open : undefined}
        aria-controls={popped === null ? panelId : undefined}
        onClick={() => (popped === null ? onToggle(!open) : popped.focus())}
      >
        <Symbol name={`utility:${item.icon}`} className="slds-button__icon slds-button__icon_left" />
        <span className="slds-truncate">{item.label}</span>
        {popped !== null && <span className="slds-assistive-text">{t("utility.popped")}</span>}
      </button>
    </li>
  );
}

function Softphone(): ReactNode {
  const { t } = useTranslation();
  const center = session().call_center;
  const address = useAdapterUrl(center?.adapter_url ?? "", center?.settings ?? {});
  const origin = center === null ? null : adapterOrigin(address);
  if (center === null) {
    return (
      <EmptyState icon="utility:call" title={t("phone.none")}>
        {t("phone.none.hint")}
      </EmptyState>
    );
  }
  if (origin === null) {
    return (
      <EmptyState icon="utility:warning" title={t("phone.address")}>
        {t("phone.address.hint", { name: center.display_name, address: center.adapter_url })}
      </EmptyState>
    );
  }
  return <SoftphoneFrame key={address} address={address} origin={origin} title={center.display_name} />;
}

function SoftphoneFrame({
  address,
  origin,
  title,
}: {
  address: string;
  origin: string;
  title: string;
}): ReactNode {
  const frame = useRef<HTMLIFrameElement>(null);
  // Of the app it was opened in: a softphone is not loaded anew when the app is changed.
  const src = useMemo(
    () => adapterAddress(address, window.location.origin, newNonce(), app.get().id),
    [address],
  );

  useEffect(() => {
    const host = createCtiHost(
      () => frame.current?.contentWindow ?? null,
      origin,
      createCtiMethods(consoleActions),
      messages,
    );
    let turn = 0;
    const tell = () => {
      const mine = ++turn;
      // Movements in quick succession are told once, with where they ended.
      void Promise.resolve()
        .then(() => consoleActions.viewInfo())
        .then((info) => {
          if (mine === turn) host.emit("onNavigationChange", info);
        });
    };
    const onMessage = (event: MessageEvent) => host.receive(event);
    const onVisible = () => {
      if (document.visibilityState === "visible") tell();
    };
    window.addEventListener("message", onMessage);
    document.addEventListener("visibilitychange", onVisible);
    const stop = [onView(tell), onDial((request) => host.emit("onClickToDial", request))];
    return () => {
      window.removeEventListener("message", onMessage);
      document.removeEventListener("visibilitychange", onVisible);
      for (const each of stop) each();
      host.close();
    };
  }, [origin]);

  return (
    <iframe
      ref={frame}
      className="console-panel__frame"
      title={title}
      src={src}
      allow="microphone; speaker-selection; autoplay; clipboard-write; hid"
    />
  );
}
