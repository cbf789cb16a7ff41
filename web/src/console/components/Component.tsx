/**
 * One Lightning web component of a package: its script is loaded when it is shown, with what it stands on.
 *
 * Only components whose deployed source is the one that was compiled are run (`web/scripts/lwc.mjs`).
 */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Host } from "../../lightning/host.ts";
import { TOAST_EVENT, type ToastDetail } from "../../lightning/platformShowToastEvent.ts";
import { Button, EmptyState, Spinner } from "../../ui/controls.tsx";
import { request } from "../data/client.ts";
import { language, session } from "../data/session.ts";
import { messages } from "../messages/bus.ts";
import { navigate } from "../router.ts";
import { toast } from "../shell/toasts.ts";

interface Running {
  script: string | null;
  host: string;
  styles: string;
  namespace: string | null;
  labels: Record<string, string>;
}

interface HostModule {
  provide: (host: Host, namespace: string | null, labels: Readonly<Record<string, string>>) => void;
}

interface ComponentModule {
  mount: (into: HTMLElement) => () => void;
}

const load = (path: string): Promise<unknown> => import(/* @vite-ignore */ path);

function pageOfComponents(): Host {
  const { user } = session();
  return {
    request: (path, options = {}) => request<unknown>(path, options),
    navigate,
    subscribe: messages.subscribe,
    publish: messages.publish,
    userId: user.id,
    language: language(),
    locale: user.locale,
    timeZone: user.time_zone,
  };
}

async function run(name: string, into: HTMLElement): Promise<(() => void) | null> {
  const running = await request<Running>(`/console/api/components/${encodeURIComponent(name)}`);
  if (running.script === null) return null;
  addStyles(running.styles);
  const host = (await load(running.host)) as HostModule;
  host.provide(pageOfComponents(), running.namespace, running.labels);
  const component = (await load(running.script)) as ComponentModule;
  return component.mount(into);
}

/** Style sheets are added once and stay. */
function addStyles(path: string): void {
  if (document.querySelector(`link[href="${path}"]`) !== null) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = path;
  document.head.append(link);
}

type State = "loading" | "shown" | "foreign" | "failed";

export function Component({ name }: { name: string }): ReactNode {
  const { t } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<State>("loading");
  const [turn, setTurn] = useState(0);

  useEffect(() => {
    const into = place.current;
    if (into === null) return;
    let gone = false;
    let unmount: (() => void) | null = null;
    const told = (event: Event) => {
      const { title = "", message = "", variant = "info" } = (event as CustomEvent<ToastDetail>).detail;
      toast({ variant, text: [title, message].filter((part) => part !== "").join(" ") });
    };
    into.addEventListener(TOAST_EVENT, told);
    run(name, into).then(
      (stop) => {
        if (gone) stop?.();
        else {
          unmount = stop;
          setState(stop === null ? "foreign" : "shown");
        }
      },
      () => {
        if (!gone) setState("failed");
      },
    );
    return () => {
      gone = true;
      unmount?.();
      into.removeEventListener(TOAST_EVENT, told);
    };
  }, [name, turn]);

  return (
    <>
      {state === "loading" && <Spinner label={t("component.loading")} />}
      {state === "foreign" && (
        <div className="slds-card console-card">
          <EmptyState icon="utility:warning" heading title={t("component.foreign", { name })}>
            <p>{t("component.foreign.hint")}</p>
          </EmptyState>
        </div>
      )}
      {state === "failed" && (
        <div className="slds-card console-card">
          <EmptyState
            icon="utility:warning"
            heading
            title={t("component.failed")}
            action={
              <Button
                onClick={() => {
                  setState("loading");
                  setTurn(turn + 1);
                }}
              >
                {t("component.retry")}
              </Button>
            }
          />
        </div>
      )}
      <div ref={place} data-component={name} />
    </>
  );
}
