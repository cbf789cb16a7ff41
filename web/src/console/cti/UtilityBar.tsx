/**
 * The utility bar with the softphone: an iframe at the call center's adapter URL, kept alive while its panel
 * is minimized, and joined with the console by Open CTI.
 */
import { useEffect, useId, useLayoutEffect, useMemo, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState, IconButton } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { session } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import { consoleActions } from "./actions.ts";
import { adapterAddress, adapterOrigin, newNonce } from "./adapter.ts";
import { onDial } from "./dial.ts";
import { createCtiHost } from "./host.ts";
import { createCtiMethods } from "./methods.ts";
import { changePanel, panel } from "./panel.ts";
import { onView } from "./view.ts";

export function UtilityBar(): ReactNode {
  const { t } = useTranslation();
  const state = useStore(panel);
  const panelId = useId();
  const headingId = useId();
  const { visible } = state;
  const button = useRef<HTMLButtonElement>(null);

  // Pages and dialogs make room for the open panel: a caller's form must not hide the call, nor the call the form.
  useLayoutEffect(() => {
    document.documentElement.style.setProperty("--panel-width", visible ? `${state.widthPx}px` : "0px");
  }, [visible, state.widthPx]);

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
    <footer className="console-utility" aria-label={t("utility.bar")}>
      <div
        id={panelId}
        role="dialog"
        aria-labelledby={headingId}
        className={`console-panel ${visible ? "console-panel_open" : ""}`}
        style={{ width: state.widthPx, height: state.heightPx }}
        inert={!visible}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            changePanel({ visible: false });
            button.current?.focus();
          }
        }}
      >
        <div className="console-panel__header">
          <Symbol
            name={`utility:${state.panelIcon}`}
            className="slds-icon slds-icon_x-small slds-icon-text-default"
          />
          <h2 id={headingId} className="slds-truncate">
            {state.panelLabel}
          </h2>
          <IconButton
            icon="utility:minimize_window"
            label={t("utility.minimize", { label: state.panelLabel })}
            variant="container"
            small
            onClick={() => {
              changePanel({ visible: false });
              button.current?.focus();
            }}
          />
        </div>
        <div className="console-panel__body">{state.started && <Softphone />}</div>
      </div>
      <ul className="console-utility__items">
        <li>
          <button
            ref={button}
            type="button"
            className={`slds-button console-utility__item ${visible ? "console-utility__item_open" : ""}`}
            aria-expanded={visible}
            aria-controls={panelId}
            aria-keyshortcuts="F6"
            onClick={() => changePanel({ visible: !visible })}
          >
            <Symbol name={`utility:${state.itemIcon}`} className="slds-button__icon slds-button__icon_left" />
            <span className="slds-truncate">{state.itemLabel}</span>
          </button>
        </li>
      </ul>
    </footer>
  );
}

function Softphone(): ReactNode {
  const { t } = useTranslation();
  const center = session().call_center;
  const origin = center === null ? null : adapterOrigin(center.adapter_url);
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
  return <SoftphoneFrame address={center.adapter_url} origin={origin} title={center.display_name} />;
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
  const src = useMemo(() => adapterAddress(address, window.location.origin, newNonce()), [address]);

  useEffect(() => {
    const host = createCtiHost(
      () => frame.current?.contentWindow ?? null,
      origin,
      createCtiMethods(consoleActions),
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
