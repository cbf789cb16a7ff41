/** The user's own sign-in: the second step, recovery codes, sessions. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../../data/http.ts";
import {
  type Beginning,
  beginSecondStep,
  confirmSecondStep,
  endOtherSessions,
  endSession,
  newRecoveryCodes,
  readSecondStep,
  readSessions,
  type Session,
  switchSecondStepOff,
} from "../../data/security.ts";
import { currentSession, type PortalSession } from "../../data/session.ts";
import { Button, FormElement, Notice, Spinner } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { useReading } from "../live.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice, useRegion } from "../words.tsx";
import { useWork } from "../work.ts";

export function SecurityPage({
  onSession,
}: {
  onSession: (session: PortalSession | null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const step = useReading("second step", readSecondStep, ["users"]);
  const sessions = useReading("sessions", readSessions, ["session"]);
  useEffect(() => {
    document.title = t("security.page");
  }, [t]);
  const changed = () => {
    step.again();
    sessions.again();
    // What the account asks for may be fulfilled now, or missing again.
    currentSession().then(onSession, () => undefined);
  };
  return (
    <>
      <PageHead title={t("security.title")} explain={t("security.explain")} />
      <section className="slds-card ad-part" aria-label={t("security.step")}>
        <h2 className="ad-part__title">{t("security.step")}</h2>
        {step.problem && <ProblemNotice problem={step.problem} onRetry={step.again} />}
        {step.value === null ? (
          !step.problem && <Spinner label={t("loading")} />
        ) : (
          // Kept while it changes, so that recovery codes stay until they are noted down.
          <Step {...step.value} onChanged={changed} />
        )}
      </section>
      {step.value?.missing === false && (
        <section className="slds-card ad-part" aria-label={t("security.sessions")}>
          <h2 className="ad-part__title">{t("security.sessions")}</h2>
          {sessions.problem && <ProblemNotice problem={sessions.problem} onRetry={sessions.again} />}
          {sessions.value && <Sessions sessions={sessions.value} onChanged={sessions.again} />}
        </section>
      )}
    </>
  );
}

const wrongCode = (problem: Problem | null): boolean => problem?.code === "input_invalid";

function Step({
  on,
  missing,
  recovery_codes_left: left,
  onChanged,
}: {
  on: boolean;
  missing: boolean;
  recovery_codes_left: number;
  onChanged: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [begun, setBegun] = useState<Beginning | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const { busy, problem, run } = useWork();
  if (codes !== null)
    return (
      <>
        <h3 className="ad-part__subtitle">{t("security.step.codes")}</h3>
        <p>{t("security.step.codes.explain")}</p>
        <ul className="ad-codes">
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ul>
        <Button
          variant="brand"
          onClick={() => {
            setCodes(null);
            setBegun(null);
            onChanged();
          }}
        >
          {t("security.step.codes.kept")}
        </Button>
      </>
    );
  if (on)
    return (
      <>
        <p>{t("security.step.on")}</p>
        <p className="ad-weak">{t("security.step.codes.left", { count: left })}</p>
        <OwnCode onCodes={setCodes} onOff={onChanged} />
      </>
    );
  return (
    <>
      {missing ? (
        <Notice variant="warning">{t("security.step.missing")}</Notice>
      ) : (
        <p>{t("security.step.off")}</p>
      )}
      {begun === null ? (
        <Button
          variant="brand"
          disabled={busy}
          onClick={() => run(async () => setBegun(await beginSecondStep()))}
        >
          {t("security.step.add")}
        </Button>
      ) : (
        <>
          <p>{t("security.step.scan")}</p>
          <img className="ad-qr" src={begun.picture} alt={t("security.step.picture")} />
          <p>
            {t("security.step.key")}:{" "}
            <code className="ad-key">{begun.secret.replace(/.{4}(?=.)/g, "$& ")}</code>
          </p>
          <CodeForm
            label={t("security.step.code")}
            button={t("security.step.confirm")}
            problem={problem}
            busy={busy}
            onCode={(code) => run(async () => setCodes(await confirmSecondStep(code)))}
          />
        </>
      )}
      {problem && !wrongCode(problem) && <ProblemNotice problem={problem} />}
    </>
  );
}

/** What needs a code of the app: fresh recovery codes, or switching off. */
function OwnCode({ onCodes, onOff }: { onCodes: (codes: string[]) => void; onOff: () => void }): ReactNode {
  const { t } = useTranslation();
  const [wish, setWish] = useState<"codes" | "off" | null>(null);
  const { busy, problem, run } = useWork();
  if (wish === null)
    return (
      <div className="ad-acts">
        <Button onClick={() => setWish("codes")}>{t("security.step.codes.new")}</Button>
        <Button variant="destructive" onClick={() => setWish("off")}>
          {t("security.step.turn_off")}
        </Button>
      </div>
    );
  return (
    <>
      <CodeForm
        key={wish}
        label={t("security.step.own_code")}
        button={t(wish === "codes" ? "security.step.codes.new" : "security.step.turn_off")}
        problem={problem}
        busy={busy}
        onCancel={() => setWish(null)}
        onCode={(code) =>
          run(async () => {
            if (wish === "codes") onCodes(await newRecoveryCodes(code));
            else {
              await switchSecondStepOff(code);
              onOff();
            }
          })
        }
      />
      {problem && !wrongCode(problem) && <ProblemNotice problem={problem} />}
    </>
  );
}

function CodeForm({
  label,
  button,
  problem,
  busy,
  onCode,
  onCancel,
}: {
  label: string;
  button: string;
  problem: Problem | null;
  busy: boolean;
  onCode: (code: string) => void;
  onCancel?: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [code, setCode] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onCode(code.normalize("NFKC").trim());
  };
  return (
    <form className="ad-code" onSubmit={submit}>
      <FormElement label={label} error={wrongCode(problem) ? t("security.step.wrong") : undefined}>
        {({ id, describedBy, invalid }) => (
          <input
            id={id}
            className="slds-input"
            autoComplete="one-time-code"
            required
            autoFocus
            maxLength={40}
            aria-invalid={invalid}
            aria-describedby={describedBy}
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        )}
      </FormElement>
      <div className="ad-acts">
        <Button type="submit" variant="brand" disabled={busy}>
          {button}
        </Button>
        {onCancel && <Button onClick={onCancel}>{t("cancel")}</Button>}
      </div>
    </form>
  );
}

function Sessions({ sessions, onChanged }: { sessions: Session[]; onChanged: () => void }): ReactNode {
  const { t } = useTranslation();
  const region = useRegion();
  const { busy, problem, run } = useWork();
  const end = (act: () => Promise<void>) =>
    run(async () => {
      await act();
      onChanged();
    });
  return (
    <>
      {problem && <ProblemNotice problem={problem} />}
      <TableBox label={t("security.sessions")}>
        <table className="slds-table slds-table_bordered ad-table">
          <thead>
            <tr>
              <th scope="col">{t("security.sessions.where")}</th>
              <th scope="col">{t("security.sessions.kind")}</th>
              <th scope="col">{t("security.sessions.used")}</th>
              <th scope="col">
                <span className="slds-assistive-text">{t("security.sessions.end")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sessions.map((session) => {
              const where = session.device || t("security.sessions.unknown");
              const kind = t(`security.kind.${session.kind}`);
              const used = formatDateTime(session.last_used_at, region);
              return (
                <tr key={session.id}>
                  <th scope="row" className="ad-cell">
                    {where}
                    <div className="ad-weak">{session.address}</div>
                  </th>
                  <td className="ad-cell">{kind}</td>
                  <td className="ad-cell">{used}</td>
                  <td className="ad-cell">
                    {session.current ? (
                      <span className="ad-badge ad-badge_good">{t("security.sessions.current")}</span>
                    ) : (
                      <Button
                        disabled={busy}
                        aria-label={t("security.sessions.end_of", { where, kind, used })}
                        onClick={() => end(() => endSession(session.id))}
                      >
                        {t("security.sessions.end")}
                      </Button>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableBox>
      {sessions.length > 1 && (
        <Button className="slds-m-top_small" disabled={busy} onClick={() => end(endOtherSessions)}>
          {t("security.sessions.end_others")}
        </Button>
      )}
    </>
  );
}
