/** Calling somebody: a number typed or pasted in any form, shown as it will be dialled before it is. */
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { Keypad } from "../../ui/Keypad.tsx";
import type { DialPreview, RecentCall } from "../../protocol/callbar.ts";
import type { Callbar } from "../controller.ts";
import type { Model } from "../model.ts";

const PREVIEW_PAUSE_MS = 250;
const DIRECTION_ICONS = {
  inbound: "utility:incoming_call",
  outbound: "utility:outbound_call",
  internal: "utility:people",
} as const;

export function DialPad({
  callbar,
  model,
  recent,
  onClose,
}: {
  callbar: Callbar;
  model: Model;
  recent: readonly RecentCall[];
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const number = typed.trim();
  const preview = usePreview(callbar, number);
  const calling = Object.values(model.asked).some((each) => each.command === "engagement.dial");
  useEffect(() => callbar.watchRecent(), [callbar]);
  const dial = (event: FormEvent) => {
    event.preventDefault();
    if (number !== "" && !calling) void callbar.dial(number);
  };
  const press = (key: string) => {
    setTyped((before) => (before + key).slice(0, 100));
    field.current?.focus();
  };
  return (
    <section className="cb-dial" aria-label={t("dial.title")}>
      <div className="cb-dial__head">
        <IconButton icon="utility:back" label={t("dial.back")} onClick={onClose} />
        <h2 className="cb-dial__title">{t("dial.title")}</h2>
      </div>
      <form className="cb-dial__form" onSubmit={dial}>
        <div className="cb-dial__field">
          <input
            ref={field}
            className="slds-input cb-dial__number"
            type="text"
            inputMode="tel"
            autoComplete="off"
            autoFocus
            maxLength={100}
            aria-label={t("dial.number")}
            aria-describedby={id}
            placeholder={t("dial.hint")}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
          {typed !== "" && (
            <IconButton
              icon="utility:clear"
              label={t("dial.clear")}
              className="cb-dial__clear"
              onClick={() => {
                setTyped("");
                field.current?.focus();
              }}
            />
          )}
        </div>
        <p id={id} className="cb-dial__preview" role="status">
          <Preview preview={preview} />
        </p>
        <Keypad
          label={t("keypad.title")}
          starLabel={t("keypad.star")}
          poundLabel={t("keypad.pound")}
          onKey={press}
        />
        <button type="submit" className="cb-big cb-big_answer" disabled={number === "" || calling}>
          <Symbol name="utility:call" className="cb-big__icon" />
          {t(calling ? "dial.calling" : "dial.call")}
        </button>
      </form>
      {recent.length > 0 && (
        <div className="cb-records">
          <h3 className="cb-records__head">{t("dial.recent")}</h3>
          <ul className="cb-records__list cb-dial__recent">
            {recent.map((each) => (
              <li key={each.e164}>
                <button
                  type="button"
                  className="cb-record"
                  disabled={calling}
                  onClick={() => void callbar.dial(each.e164)}
                >
                  <Symbol name={DIRECTION_ICONS[each.direction]} className="cb-record__icon" />
                  <span className="cb-record__words">
                    <span className="slds-assistive-text">{t(`direction.${each.direction}`)} </span>
                    <span className="cb-record__name">{each.record?.name ?? each.display}</span>
                    {each.record && (
                      <span className="cb-record__detail">
                        {each.display}
                        {each.record.owner && ` · ${t("records.owner", { name: each.record.owner })}`}
                      </span>
                    )}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

/** The server's reading of what is typed, a moment after the last key; null while there is none. */
function usePreview(callbar: Callbar, number: string): DialPreview | null {
  const [known, setKnown] = useState<{ number: string; preview: DialPreview | null }>({
    number: "",
    preview: null,
  });
  useEffect(() => {
    if (number === "") return;
    let current = true;
    const timer = setTimeout(() => {
      void callbar.preview(number).then((preview) => current && setKnown({ number, preview }));
    }, PREVIEW_PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [callbar, number]);
  return known.number === number ? known.preview : null;
}

function Preview({ preview }: { preview: DialPreview | null }): ReactNode {
  const { t, i18n } = useTranslation();
  if (preview === null) return "\u00a0";
  if (preview.display) return t("dial.as", { number: preview.display });
  // Every number is none while it is being typed.
  if (preview.refused === "number_invalid") return t("dial.incomplete");
  const key = `refused.${preview.refused}`;
  return (
    <span className="cb-dial__refused">
      {i18n.exists(key) ? t(key, preview.params) : t("refused.unknown", { code: preview.refused })}
    </span>
  );
}
