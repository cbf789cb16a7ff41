/** One engagement: who calls, what can be done, what is written down. */
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { Keypad } from "../../ui/Keypad.tsx";
import type { Engagement, KnownRecord } from "../../protocol/callbar.ts";
import type { Callbar } from "../controller.ts";
import { secondsLeft, shareLeft, since } from "../format.ts";
import { formatDuration } from "../../ui/format.ts";
import { callerOf, draftOf, isAsked, isOwner, type Model } from "../model.ts";
import { OBJECT_ICONS, Relate, useObjectName } from "./Relate.tsx";

interface CardProps {
  callbar: Callbar;
  model: Model;
  engagement: Engagement;
  /** The server's, in ms since the epoch. */
  now: number;
}

export function Card(props: CardProps): ReactNode {
  switch (props.engagement.state) {
    case "offered":
    case "answering":
      return <RingCard {...props} />;
    case "dialing":
      return <DialCard {...props} />;
    case "connected":
      return <TalkCard {...props} />;
    case "wrap_up":
      return <WrapUpCard {...props} />;
  }
}

function RingCard({ callbar, model, engagement, now }: CardProps): ReactNode {
  const { t } = useTranslation();
  const card = useRef<HTMLElement>(null);
  const answering = engagement.state === "answering" || isAsked(model, engagement.id, "engagement.answer");
  const settled = answering || !isOwner(model) || isAsked(model, engagement.id, "engagement.decline");
  const answer = () => callbar.act("engagement.answer", engagement.id);
  const decline = () => callbar.act("engagement.decline", engagement.id);

  // Only when the agent works in the callbar already: taking the keys from the page around us would put
  // half a sentence into a call.
  useEffect(() => {
    if (document.hasFocus()) card.current?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (settled) return;
    if (event.key === "Escape") decline();
    else if (event.key === "Enter" && event.target === card.current) answer();
    else return;
    event.preventDefault();
  };

  return (
    <section
      ref={card}
      className="cb-card cb-card_ring"
      aria-label={t("card.incoming")}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <CardHead
        icon="utility:incoming_call"
        words={answering ? t("card.answering") : t("card.incoming")}
        time={t("card.waiting", { time: since(engagement.waiting_since, now) })}
      />
      <Caller callbar={callbar} engagement={engagement} />
      <Records callbar={callbar} model={model} engagement={engagement} />
      <div className="cb-answer">
        <button type="button" className="cb-big cb-big_answer" disabled={settled} onClick={answer}>
          <Symbol name="utility:call" className="cb-big__icon" />
          {t("action.answer")}
        </button>
        <button type="button" className="cb-big cb-big_decline" disabled={settled} onClick={decline}>
          <Symbol name="utility:end_call" className="cb-big__icon" />
          {t("action.decline")}
        </button>
      </div>
      {engagement.offer_expires_at && !settled && (
        <TimeLeft share={shareLeft(engagement.offered_at, engagement.offer_expires_at, now)} />
      )}
    </section>
  );
}

/** The customer's telephone rings, and the agent hears it ring. */
function DialCard({ callbar, model, engagement, now }: CardProps): ReactNode {
  const { t } = useTranslation();
  const ending = isAsked(model, engagement.id, "engagement.hang_up");
  return (
    <section className="cb-card cb-card_ring" aria-label={t("card.dialing")}>
      <CardHead
        icon="utility:outbound_call"
        words={t(engagement.pending === "join" ? "card.answering" : "card.dialing")}
        time={since(engagement.offered_at, now)}
        timeLabel={t("card.ringing_for")}
      />
      <Caller callbar={callbar} engagement={engagement} />
      <div className="cb-controls">
        <Control
          icon="utility:end_call"
          label={t(ending ? "action.hanging_up" : "action.hang_up")}
          danger
          pending={ending}
          onClick={() => callbar.act("engagement.hang_up", engagement.id)}
        />
      </div>
      <Records callbar={callbar} model={model} engagement={engagement} />
    </section>
  );
}

function TalkCard({ callbar, model, engagement, now }: CardProps): ReactNode {
  const { t } = useTranslation();
  const { held, muted, pending, id } = engagement;
  const asked = (...names: Parameters<typeof isAsked>[2][]) => isAsked(model, id, ...names);
  const holding = pending === "hold" || pending === "resume" || asked("engagement.hold", "engagement.resume");
  const muting = pending === "mute" || pending === "unmute" || asked("engagement.mute", "engagement.unmute");
  const ending = pending === "hang_up" || asked("engagement.hang_up");
  const [keypad, setKeypad] = useState(false);
  return (
    <section
      className={`cb-card ${held ? "cb-card_held" : "cb-card_talk"}`}
      aria-label={t(held ? "card.held" : "card.talking")}
    >
      <CardHead
        icon={held ? "utility:pause" : "utility:call"}
        words={
          held
            ? t("card.held_for", {
                time: since(engagement.held_since ?? new Date(now).toISOString(), now),
              })
            : t("card.talking")
        }
        time={engagement.connected_at ? since(engagement.connected_at, now) : ""}
        timeLabel={t("card.duration")}
      />
      <Caller callbar={callbar} engagement={engagement} />
      <div className="cb-controls">
        <Control
          icon={muted ? "utility:muted" : "utility:unmuted"}
          label={t(muted ? "action.unmute" : "action.mute")}
          pressed={muted}
          pending={muting}
          disabled={ending}
          onClick={() => callbar.act(muted ? "engagement.unmute" : "engagement.mute", id)}
        />
        <Control
          icon={held ? "utility:play" : "utility:pause"}
          label={t(held ? "action.resume" : "action.hold")}
          pressed={held}
          pending={holding}
          disabled={ending}
          onClick={() => callbar.act(held ? "engagement.resume" : "engagement.hold", id)}
        />
        <Control
          icon="utility:dialing"
          label={t("action.keypad")}
          pressed={keypad}
          expands
          pending={false}
          disabled={ending}
          onClick={() => setKeypad(!keypad)}
        />
        <Control
          icon="utility:end_call"
          label={t(ending ? "action.hanging_up" : "action.hang_up")}
          danger
          pending={ending}
          onClick={() => callbar.act("engagement.hang_up", id)}
        />
      </div>
      {keypad && <Keys onKey={(key) => callbar.press(id, key)} onClose={() => setKeypad(false)} />}
      <div role="status">
        {engagement.digits !== "" && (
          <p className="cb-keys">
            <span>{t("card.digits")}</span> <span className="cb-keys__typed">{engagement.digits}</span>
          </p>
        )}
      </div>
      <Records callbar={callbar} model={model} engagement={engagement} />
      <Relate callbar={callbar} model={model} engagement={engagement} />
      <Writing callbar={callbar} model={model} engagement={engagement} />
    </section>
  );
}

function WrapUpCard({ callbar, model, engagement, now }: CardProps): ReactNode {
  const { t } = useTranslation();
  // What was chosen belongs into the record.
  const closing = isAsked(model, engagement.id, "engagement.close", "engagement.relate");
  const { ended_at, wrap_up_until, connected_at } = engagement;
  const left = wrap_up_until && ended_at ? secondsLeft(ended_at, wrap_up_until, now) : null;
  const talked =
    connected_at && ended_at
      ? formatDuration((Date.parse(ended_at) - Date.parse(connected_at)) / 1000)
      : null;
  return (
    <section className="cb-card cb-card_wrap" aria-label={t("card.wrap_up")}>
      <CardHead
        icon="utility:log_a_call"
        words={t("card.wrap_up")}
        time={left === null ? "" : t("card.left", { time: formatDuration(left) })}
      />
      {wrap_up_until && ended_at && <TimeLeft share={shareLeft(ended_at, wrap_up_until, now)} />}
      <Caller callbar={callbar} engagement={engagement} />
      <p className="cb-ended">
        <EndCause engagement={engagement} />
        {talked && <span className="cb-ended__talked">{t("ended.talked", { time: talked })}</span>}
      </p>
      <Records callbar={callbar} model={model} engagement={engagement} />
      <Relate callbar={callbar} model={model} engagement={engagement} />
      <Writing callbar={callbar} model={model} engagement={engagement} wrapUp />
      <Button
        variant="brand"
        className="cb-done"
        disabled={closing}
        onClick={() => callbar.act("engagement.close", engagement.id)}
      >
        {t("action.done")}
      </Button>
    </section>
  );
}

const SHOWN_KEYS = 24;

/** The keypad of a conversation: what is pressed goes to the customer. */
function Keys({ onKey, onClose }: { onKey: (key: string) => void; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const press = (key: string) => {
    setTyped((before) => (before + key).slice(-SHOWN_KEYS));
    onKey(key);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    onClose();
  };
  return (
    <div className="cb-pad" onKeyDown={onKeyDown}>
      <p className="cb-pad__typed">{typed === "" ? t("keypad.hint") : typed}</p>
      <Keypad
        label={t("keypad.title")}
        starLabel={t("keypad.star")}
        poundLabel={t("keypad.pound")}
        typing
        onKey={press}
      />
    </div>
  );
}

/** Why it ended, as whoever called or was called would say it. */
function EndCause({ engagement }: { engagement: Engagement }): ReactNode {
  const { t, i18n } = useTranslation();
  const { direction, end_cause } = engagement;
  if (end_cause === null) return t("ended.over");
  const own = `ended.${direction}.${end_cause}`;
  return i18n.exists(own) ? t(own) : t(`ended.${end_cause}`);
}

function CardHead({
  icon,
  words,
  time,
  timeLabel,
}: {
  icon: string;
  words: string;
  time: string;
  timeLabel?: string;
}): ReactNode {
  return (
    <div className="cb-head">
      <Symbol name={icon} className="cb-head__icon" />
      <span className="cb-head__words">{words}</span>
      <span className="cb-head__time" title={timeLabel}>
        {time}
      </span>
    </div>
  );
}

/** The record that is certainly the caller's: the related one, else the only match. */
function certainRecord({ related, match }: Engagement): KnownRecord | null {
  return related ?? (match.status === "one" ? (match.records[0] ?? null) : null);
}

function Caller({ callbar, engagement }: { callbar: Callbar; engagement: Engagement }): ReactNode {
  const { t } = useTranslation();
  const record = certainRecord(engagement);
  const objectName = useObjectName();
  const { party, queue } = engagement;
  const name = callerOf(engagement);
  const number = party.display ?? party.e164;
  const known = record !== null;
  return (
    <div className="cb-caller">
      <h2 className="cb-caller__name">
        {record ? (
          <button
            type="button"
            className="cb-caller__record"
            title={t("records.open", { object: objectName(record.object_type) })}
            onClick={() => callbar.openRecord(engagement.id, record)}
          >
            {record.name}
          </button>
        ) : (
          <span>{name ?? t("caller.withheld")}</span>
        )}
      </h2>
      {number && number !== name && (
        <div className="cb-caller__number">
          {number}
          {party.extension && ` ${t("caller.extension", { extension: party.extension })}`}
        </div>
      )}
      {party.claimed_name && (known ? party.claimed_name !== name : true) && (
        <div className="cb-caller__claim">
          {known ? t("caller.claims", { name: party.claimed_name }) : t("caller.claimed")}
        </div>
      )}
      {record?.owner && (
        <div className="cb-caller__of">
          <Symbol name="utility:user" className="cb-caller__icon" />
          <span>{t("records.owner", { name: record.owner })}</span>
        </div>
      )}
      <div className="cb-caller__of">
        <Symbol name="utility:people" className="cb-caller__icon" />
        <span>{queue.name}</span>
      </div>
    </div>
  );
}

function Records({
  callbar,
  model,
  engagement,
}: {
  callbar: Callbar;
  model: Model;
  engagement: Engagement;
}): ReactNode {
  const { t } = useTranslation();
  const { match } = engagement;
  const objectName = useObjectName();
  const certain = certainRecord(engagement);
  const rows = certain ? [] : match.records;
  const failed = model.pop_failed[engagement.id];
  let note: string | null = null;
  if (failed) note = t("records.pop_failed");
  else if (!certain && match.status === "none") note = t("records.none");
  else if (!certain && match.status === "unavailable") note = t("records.unavailable");
  if (rows.length === 0 && note === null) return null;
  return (
    <div className="cb-records">
      {rows.length > 0 && <h3 className="cb-records__head">{t("records.many", { count: rows.length })}</h3>}
      {rows.length > 0 && (
        <ul className="cb-records__list">
          {rows.map((record) => (
            <li key={record.id}>
              <button
                type="button"
                className="cb-record"
                onClick={() => callbar.openRecord(engagement.id, record)}
              >
                <Symbol
                  name={OBJECT_ICONS[record.object_type] ?? "utility:record"}
                  className="cb-record__icon"
                />
                <span className="cb-record__words">
                  <span className="cb-record__name">{record.name}</span>
                  <span className="cb-record__detail">
                    {objectName(record.object_type)}
                    {record.grade !== "exact" && ` · ${t(`grade.${record.grade}`)}`}
                    {record.owner && ` · ${t("records.owner", { name: record.owner })}`}
                  </span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {note && <p className="cb-records__note">{note}</p>}
    </div>
  );
}

function Writing({
  callbar,
  model,
  engagement,
  wrapUp = false,
}: {
  callbar: Callbar;
  model: Model;
  engagement: Engagement;
  wrapUp?: boolean;
}): ReactNode {
  const { t } = useTranslation();
  const draft = draftOf(model, engagement);
  const choose = (value: string) =>
    callbar.write(engagement.id, { disposition_id: value === "" ? null : value });
  return (
    <div className="cb-writing">
      {engagement.dispositions.length > 0 && (
        <FormElement label={t("write.disposition")}>
          {({ id }) => (
            <div className="slds-select_container">
              <select
                id={id}
                className={`slds-select ${wrapUp && draft.disposition_id === null ? "cb-wanted" : ""}`}
                value={draft.disposition_id ?? ""}
                onChange={(event) => choose(event.target.value)}
              >
                <option value="">{t("write.disposition_none")}</option>
                {engagement.dispositions.map(({ id: value, label }) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            </div>
          )}
        </FormElement>
      )}
      <FormElement label={t("write.notes")}>
        {({ id }) => (
          <textarea
            id={id}
            className="slds-textarea cb-notes"
            rows={wrapUp ? 4 : 3}
            maxLength={8000}
            placeholder={t("write.notes_hint")}
            value={draft.notes}
            onChange={(event) => callbar.write(engagement.id, { notes: event.target.value })}
          />
        )}
      </FormElement>
    </div>
  );
}

function Control({
  icon,
  label,
  pressed,
  expands = false,
  pending,
  disabled = false,
  danger = false,
  onClick,
}: {
  icon: string;
  label: string;
  pressed?: boolean;
  /** Shows something below, which it tells instead of being a switch. */
  expands?: boolean;
  pending: boolean;
  disabled?: boolean;
  danger?: boolean;
  onClick: () => void;
}): ReactNode {
  return (
    <button
      type="button"
      className={`cb-control ${danger ? "cb-control_danger" : ""} ${pressed && !expands ? "cb-control_on" : ""} ${pressed && expands ? "cb-control_open" : ""} ${pending ? "cb-control_pending" : ""}`}
      aria-expanded={expands ? pressed : undefined}
      disabled={disabled || pending}
      onClick={onClick}
    >
      <span className="cb-control__disc">
        <Symbol name={icon} className="cb-control__icon" />
      </span>
      <span className="cb-control__label">{label}</span>
    </button>
  );
}

function TimeLeft({ share }: { share: number }): ReactNode {
  return (
    <div className="cb-time" aria-hidden="true">
      <div className="cb-time__left" style={{ width: `${share * 100}%` }} />
    </div>
  );
}
