/** The signed-in callbar: status on top, trouble and news below it, then a card per engagement or calm. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton, Menu, type MenuItem, Spinner } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { useNow } from "../../ui/time.ts";
import type { AudioState } from "../audio.ts";
import type { Engagement, Snapshot } from "../../protocol/callbar.ts";
import type { Callbar, CallbarState } from "../controller.ts";
import { since } from "../format.ts";
import type { Model, Notice as News, Refusal } from "../model.ts";
import { Card } from "./Card.tsx";
import { DialPad } from "./DialPad.tsx";
import { Digits, Disc, SignInTrouble } from "./SignIn.tsx";

export function Panel({
  callbar,
  state,
  snapshot,
}: {
  callbar: Callbar;
  state: CallbarState;
  snapshot: Snapshot;
}): ReactNode {
  const { t } = useTranslation();
  const { model } = state;
  const now = useNow(1000) + model.clock_offset_ms;
  const [dialing, setDialing] = useState(false);
  const idle = snapshot.engagements.length === 0;
  // After a call the agent is back at rest, not at the keypad.
  if (dialing && !idle) setDialing(false);
  return (
    <>
      <StatusBar callbar={callbar} snapshot={snapshot} audioUp={state.audio.kind === "up"} now={now} />
      <OmniLine state={state} />
      {!snapshot.owner && <Mirror callbar={callbar} model={model} />}
      {model.link === "sign_in_again" && <SignInAgain callbar={callbar} state={state} />}
      {/* A mirror shows what goes on; only the callbar that has the audio acts. */}
      <div className="cb-body" tabIndex={snapshot.owner ? undefined : 0}>
        <fieldset className="cb-parts" disabled={!snapshot.owner}>
          <legend className="slds-assistive-text">{t("page.title")}</legend>
          <Banners callbar={callbar} state={state} />
          {model.refusal && (
            <RefusalBanner refusal={model.refusal} onDismiss={() => callbar.dismissRefusal()} />
          )}
          {model.notices.map((notice) => (
            <NewsBanner key={notice.id} news={notice} onDismiss={() => callbar.dismissNotice(notice.id)} />
          ))}
          {snapshot.engagements.map((engagement) => (
            <Card key={engagement.id} callbar={callbar} model={model} engagement={engagement} now={now} />
          ))}
          {idle &&
            snapshot.owner &&
            (dialing ? (
              <DialPad
                callbar={callbar}
                model={model}
                recent={state.recent}
                onClose={() => setDialing(false)}
              />
            ) : (
              <Idle
                callbar={callbar}
                snapshot={snapshot}
                audio={state.audio}
                onDial={() => setDialing(true)}
              />
            ))}
        </fieldset>
      </div>
    </>
  );
}

function Mirror({ callbar, model }: { callbar: Callbar; model: Model }): ReactNode {
  const { t } = useTranslation();
  const taking = Object.values(model.asked).some((each) => each.command === "seat.take");
  return (
    <section className="cb-mirror" aria-label={t("mirror.title")}>
      <Symbol name="utility:new_window" className="cb-banner__icon" />
      <div className="cb-banner__text">
        <strong>{t("mirror.title")}</strong>
        <p>{t("mirror.explain")}</p>
        <Button
          variant="brand"
          className="cb-banner__action"
          disabled={taking}
          onClick={() => callbar.useHere()}
        >
          {t("mirror.use_here")}
        </Button>
      </div>
    </section>
  );
}

/** The session is over while a call is on: the call goes on, and so does the audio. */
function SignInAgain({ callbar, state }: { callbar: Callbar; state: CallbarState }): ReactNode {
  const { t } = useTranslation();
  const { signIn } = state;
  return (
    <section className="cb-mirror" aria-label={t("sign_in_again.title")}>
      <Symbol name="utility:lock" className="cb-banner__icon" />
      <div className="cb-banner__text" role="status">
        <strong>{t("sign_in_again.title")}</strong>
        <p>{t("sign_in_again.explain")}</p>
        <SignInTrouble signIn={signIn} />
        <Digits signIn={signIn} />
        <Button
          variant="brand"
          className="cb-banner__action"
          disabled={signIn.kind === "preparing"}
          onClick={() => callbar.signIn()}
        >
          {t("sign_in.button")}
        </Button>
      </div>
    </section>
  );
}

/** A reason's name: the account's, or the word for what the contact center itself sets. */
function useReason(snapshot: Snapshot): (code: string) => string {
  const { t } = useTranslation();
  return (code) =>
    code === "missed_call" || code === "deactivated"
      ? t(`reason.${code}`)
      : (snapshot.not_ready_reasons.find((reason) => reason.code === code)?.name ?? code);
}

const TONE = {
  ready: "ready",
  ringing: "brand",
  occupied: "brand",
  wrap_up: "away",
  not_ready: "away",
  offline: "calm",
} as const;

/** The agent's Omni-Channel status, and who made it so. */
function OmniLine({ state: { omni } }: { state: CallbarState }): ReactNode {
  const { t } = useTranslation();
  if (omni === null) return null;
  const name = omni.name ?? t("omni.offline");
  return (
    <div className={`cb-omni ${omni.refused ? "cb-omni_refused" : ""}`} role="status">
      <span>{t(omni.by === null ? "omni.state" : `omni.by_${omni.by}`, { name })}</span>
      {omni.refused && <p>{t("omni.refused")}</p>}
    </div>
  );
}

function StatusBar({
  callbar,
  snapshot,
  audioUp,
  now,
}: {
  callbar: Callbar;
  snapshot: Snapshot;
  audioUp: boolean;
  now: number;
}): ReactNode {
  const { t } = useTranslation();
  const reasonOf = useReason(snapshot);
  const { presence } = snapshot.agent;
  const shown = t(`presence.${presence.state}`);
  const reason = presence.state === "not_ready" && presence.reason ? reasonOf(presence.reason) : null;
  // What the agent chose, where the presence says something else for the time of a call.
  const chosen =
    presence.state !== presence.status && ["ringing", "occupied", "wrap_up"].includes(presence.state)
      ? t("status.then", { status: t(`presence.${presence.status}`) })
      : null;

  const mark = (current: boolean) => (current ? { icon: "utility:check" } : {});
  const items: MenuItem[] = [];
  if (audioUp)
    items.push({
      key: "ready",
      label: t("presence.ready"),
      ...mark(presence.status === "ready"),
      onSelect: () => callbar.setStatus("ready"),
    });
  const reasons = snapshot.not_ready_reasons.filter(({ active }) => active);
  for (const { code, name } of reasons)
    items.push({
      key: `not_ready ${code}`,
      label: t("status.not_ready_because", { reason: name }),
      ...mark(presence.status === "not_ready" && presence.reason === code),
      onSelect: () => callbar.setStatus("not_ready", code),
    });
  if (reasons.length === 0)
    items.push({
      key: "not_ready",
      label: t("presence.not_ready"),
      ...mark(presence.status === "not_ready"),
      onSelect: () => callbar.setStatus("not_ready"),
    });
  items.push({
    key: "offline",
    label: t("presence.offline"),
    ...mark(presence.status === "offline"),
    onSelect: () => callbar.setStatus("offline"),
  });

  const words = (
    <>
      <span className={`cb-dot cb-dot_${TONE[presence.state]}`} />
      <span className="cb-status__words">
        <span className="cb-status__state">
          {shown}
          {reason && <span className="cb-status__reason">{t("status.reason", { reason })}</span>}
        </span>
        {chosen && <span className="cb-status__chosen">{chosen}</span>}
      </span>
      <span className="cb-status__time">{since(presence.since, now)}</span>
      {snapshot.owner && <Symbol name="utility:down" className="cb-status__arrow" />}
    </>
  );

  return (
    <header className="cb-status">
      {snapshot.owner ? (
        <Menu
          label={t("status.change")}
          selfNamed
          triggerClassName="cb-status__button"
          trigger={words}
          items={items}
        />
      ) : (
        <div className="cb-status__button cb-status__button_still">{words}</div>
      )}
      <Menu
        label={t("user.menu", { name: snapshot.agent.name })}
        triggerClassName="slds-button slds-button_icon cb-user"
        align="right"
        trigger={<Symbol name="utility:user" className="slds-button__icon" />}
        heading={
          <div className="cb-user__head">
            <div className="cb-user__name">{snapshot.agent.name}</div>
            <div className="cb-user__email">{snapshot.agent.email}</div>
            <div className="cb-user__note">{t("user.sign_out_explained")}</div>
          </div>
        }
        items={[
          ...(callbar.popOut
            ? [
                {
                  key: "window",
                  label: t("user.own_window"),
                  icon: "utility:new_window",
                  onSelect: callbar.popOut,
                },
              ]
            : []),
          {
            key: "everywhere",
            label: t("user.sign_out_everywhere"),
            icon: "utility:world",
            onSelect: () => window.open("/portal", "_blank", "noopener"),
          },
          {
            key: "out",
            label: t("user.sign_out"),
            icon: "utility:logout",
            onSelect: () => void callbar.signOut(),
          },
        ]}
      />
    </header>
  );
}

/** Nothing rings or is heard any more, so sound can wait. */
const isOver = (engagement: Engagement): boolean => engagement.state === "wrap_up";

function Banners({ callbar, state }: { callbar: Callbar; state: CallbarState }): ReactNode {
  const { t } = useTranslation();
  const { audio, model } = state;
  const busy = (model.snapshot?.engagements.length ?? 0) > 0;
  return (
    <>
      {model.link !== "open" && model.link !== "sign_in_again" && (
        <Banner tone="warning" icon="utility:offline" live>
          {t(busy ? "link.lost_in_call" : "link.lost")}
        </Banner>
      )}
      {state.crmLost && (
        <Banner tone="warning" icon="utility:unlinked" live>
          {t("crm.lost")}
        </Banner>
      )}
      {state.hostLost && (
        <Banner tone="warning" icon="utility:unlinked">
          {t("host.lost")}
        </Banner>
      )}
      {state.soundBlocked && audio.kind === "up" && !model.snapshot?.engagements.some(isOver) && (
        <Banner
          tone="info"
          icon="utility:volume_off"
          action={<Button onClick={() => callbar.wakeSound()}>{t("sound.turn_on")}</Button>}
        >
          {t("sound.blocked")}
        </Banner>
      )}
      {busy && audio.kind === "connecting" && (
        <Banner tone="warning" icon="utility:refresh" live>
          {t("audio.reconnecting")}
        </Banner>
      )}
      {busy && audio.kind === "refused" && (
        <Banner
          tone="error"
          icon="utility:muted"
          live
          action={<Button onClick={() => callbar.askMicrophone()}>{t("audio.retry")}</Button>}
        >
          {t(`audio.${audio.trouble}`)}
        </Banner>
      )}
      {busy && audio.kind === "explain" && (
        <Banner
          tone="warning"
          icon="utility:unmuted"
          live
          action={<Button onClick={() => callbar.askMicrophone()}>{t("audio.allow")}</Button>}
        >
          {t("audio.explain")}
        </Banner>
      )}
    </>
  );
}

function Banner({
  tone,
  icon,
  live = false,
  action,
  onDismiss,
  children,
}: {
  tone: "info" | "warning" | "error";
  icon: string;
  live?: boolean;
  action?: ReactNode;
  onDismiss?: () => void;
  children: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <div className={`cb-banner cb-banner_${tone}`} role={live ? "status" : undefined}>
      <Symbol name={icon} className="cb-banner__icon" />
      <div className="cb-banner__text">
        {children}
        {action && <div className="cb-banner__action">{action}</div>}
      </div>
      {onDismiss && <IconButton icon="utility:close" label={t("close")} small onClick={onDismiss} />}
    </div>
  );
}

function RefusalBanner({ refusal, onDismiss }: { refusal: Refusal; onDismiss: () => void }): ReactNode {
  const { t, i18n } = useTranslation();
  const key = `refused.${refusal.code}`;
  return (
    <Banner tone="error" icon="utility:error" live onDismiss={onDismiss}>
      {i18n.exists(key) ? t(key, refusal.params) : t("refused.unknown", { code: refusal.code })}
    </Banner>
  );
}

function NewsBanner({ news, onDismiss }: { news: News; onDismiss: () => void }): ReactNode {
  const { t } = useTranslation();
  return (
    <Banner tone="info" icon="utility:missed_call" live onDismiss={onDismiss}>
      {t(`news.${news.why}`, { name: news.caller ?? t("caller.withheld"), queue: news.queue })}
    </Banner>
  );
}

function Idle({
  callbar,
  snapshot,
  audio,
  onDial,
}: {
  callbar: Callbar;
  snapshot: Snapshot;
  audio: AudioState;
  onDial: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const { status, reason } = snapshot.agent.presence;
  if (audio.kind === "explain" || audio.kind === "asking")
    return (
      <div className="cb-center">
        <Disc icon="utility:unmuted" tone="brand" />
        <h2 className="cb-title">{t("microphone.title")}</h2>
        <p className="cb-text">{t(audio.kind === "asking" ? "microphone.asking" : "microphone.explain")}</p>
        {audio.kind === "explain" && (
          <Button variant="brand" onClick={() => callbar.askMicrophone()}>
            {t("audio.allow")}
          </Button>
        )}
      </div>
    );
  if (audio.kind === "refused")
    return (
      <div className="cb-center">
        <Disc icon="utility:muted" tone="error" />
        <h2 className="cb-title">{t(`microphone.${audio.trouble}.title`)}</h2>
        <p className="cb-text">{t(`microphone.${audio.trouble}.explain`)}</p>
        {audio.trouble === "denied" && (
          <ol className="cb-steps">
            <li>{t("microphone.denied.step1")}</li>
            <li>{t("microphone.denied.step2")}</li>
            <li>{t("microphone.denied.step3")}</li>
          </ol>
        )}
        {audio.trouble !== "unsupported" && (
          <Button variant="brand" onClick={() => callbar.askMicrophone()}>
            {t("audio.retry")}
          </Button>
        )}
      </div>
    );
  if (status === "ready")
    return (
      <div className="cb-center">
        <Disc icon="utility:call" tone="ready" />
        <h2 className="cb-title">{t("idle.ready.title")}</h2>
        <p className="cb-text">{t("idle.ready.explain")}</p>
        {audio.kind === "up" ? <DialButton onDial={onDial} /> : <Connecting />}
        <Queues snapshot={snapshot} />
      </div>
    );
  if (reason === "deactivated")
    return (
      <div className="cb-center">
        <Disc icon="utility:ban" tone="calm" />
        <h2 className="cb-title">{t("idle.deactivated.title")}</h2>
        <p className="cb-text" role="status">
          {t("idle.deactivated.explain")}
        </p>
      </div>
    );
  const missed = reason === "missed_call";
  return (
    <div className="cb-center">
      <Disc
        icon={missed ? "utility:missed_call" : "utility:away"}
        tone={status === "offline" ? "calm" : "away"}
      />
      <h2 className="cb-title">{t(missed ? "idle.missed.title" : `idle.${status}.title`)}</h2>
      <p className="cb-text">{t(missed ? "idle.missed.explain" : `idle.${status}.explain`)}</p>
      {audio.kind === "up" ? (
        <div className="cb-stack">
          <Button variant="brand" onClick={() => callbar.setStatus("ready")}>
            {t("status.become_ready")}
          </Button>
          <DialButton onDial={onDial} />
        </div>
      ) : (
        <Connecting />
      )}
      <Queues snapshot={snapshot} />
    </div>
  );
}

function DialButton({ onDial }: { onDial: () => void }): ReactNode {
  const { t } = useTranslation();
  return (
    <Button icon="utility:dialing" onClick={onDial}>
      {t("dial.open")}
    </Button>
  );
}

/** Whose calls reach the agent. */
function Queues({ snapshot }: { snapshot: Snapshot }): ReactNode {
  const { t } = useTranslation();
  const names = snapshot.queues.map((queue) => queue.name);
  return (
    <p className="cb-queues">
      {names.length === 0 ? t("idle.no_queue") : t("idle.queues", { queues: names.join(t("comma")) })}
    </p>
  );
}

function Connecting(): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="cb-connecting">
      <Spinner inline label={t("audio.connecting")} />
      <span aria-hidden="true">{t("audio.connecting")}</span>
    </div>
  );
}
