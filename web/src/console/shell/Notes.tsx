/** The notes utility: one page to write on during a call, kept in the org as it is typed. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { choice, choose } from "../data/choices.ts";

const SETTLE_MS = 700;
/** Characters that the org keeps. */
const MOST = 30_000;

export default function Notes({ active }: { active: boolean }): ReactNode {
  const { t } = useTranslation();
  const [text, setText] = useState<string | null>(null);
  const [state, setState] = useState<"" | "saving" | "saved" | "failed">("");
  const timer = useRef(0);
  const waiting = useRef<string | null>(null);

  useEffect(() => {
    // What was written on another computer meanwhile, unless something typed here is still on its way.
    if (!active || waiting.current !== null) return;
    choice<string>("notes").then(
      (value) => setText(value ?? ""),
      () => setState("failed"),
    );
  }, [active]);

  function save() {
    const value = waiting.current;
    if (value === null) return;
    waiting.current = null;
    setState("saving");
    choose("notes", value === "" ? null : value).then(
      () => setState("saved"),
      () => {
        waiting.current ??= value;
        setState("failed");
        timer.current = window.setTimeout(save, 5_000);
      },
    );
  }

  // The panel moves into a window of its own, or the app has no notes: what is typed goes first.
  const latest = useRef(save);
  latest.current = save;
  useEffect(
    () => () => {
      window.clearTimeout(timer.current);
      latest.current();
    },
    [],
  );

  return (
    <div className="console-notes">
      <textarea
        className="slds-textarea"
        aria-label={t("notes.label")}
        placeholder={t("notes.placeholder")}
        maxLength={MOST}
        disabled={text === null}
        value={text ?? ""}
        onChange={(event) => {
          setText(event.target.value);
          setState("");
          waiting.current = event.target.value;
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(save, SETTLE_MS);
        }}
        onBlur={() => {
          window.clearTimeout(timer.current);
          save();
        }}
      />
      <p className="slds-text-body_small slds-text-color_weak" role="status">
        {state === "" ? "" : t(`notes.${state}`)}
      </p>
    </div>
  );
}
