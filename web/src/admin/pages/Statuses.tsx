/** Statuses: what the contact center knows by itself, and the account's own reasons for being not ready. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { changeReasons, readStatuses, type Reason, type Statuses } from "../../data/statuses.ts";
import { Button, IconButton, Notice } from "../../ui/controls.tsx";
import { useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice } from "../words.tsx";
import { useWork } from "../work.ts";

const DOTS = {
  ready: "ad-dot ad-dot_ready",
  not_ready: "ad-dot ad-dot_away",
  occupied: "ad-dot ad-dot_busy",
  offline: "ad-dot",
};

/** A line of the form; its key keeps the focus where it is while lines move. */
type Line = Reason & { key: string };

const linesOf = (statuses: Statuses): Line[] =>
  statuses.reasons.map((reason) => ({ ...reason, key: reason.code ?? "" }));

export function StatusesPage(): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("statuses", readStatuses, ["statuses"]);
  useEffect(() => {
    document.title = t("statuses.page");
  }, [t]);
  return (
    <>
      <PageHead title={t("statuses.title")} explain={t("statuses.explain")} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {value === null ? (
        !problem && <Waiting />
      ) : (
        <>
          <h2 className="ad-section">{t("statuses.fixed")}</h2>
          <TableBox label={t("statuses.fixed")}>
            <table className="slds-table slds-table_bordered ad-table">
              <thead>
                <tr>
                  <th scope="col">{t("statuses.status")}</th>
                  <th scope="col">{t("statuses.meaning")}</th>
                </tr>
              </thead>
              <tbody>
                {value.statuses.map((status) => (
                  <tr key={status}>
                    <th scope="row" className="ad-cell">
                      <span className={DOTS[status]} />
                      {t(`presence.${status}`)}
                    </th>
                    <td className="ad-cell">{t(`statuses.meaning.${status}`)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableBox>
          <ReasonsForm read={value} again={again} />
        </>
      )}
    </>
  );
}

function ReasonsForm({ read, again }: { read: Statuses; again: () => void }): ReactNode {
  const { t } = useTranslation();
  // Null while nothing has been touched: then the page shows what is read, and follows it.
  const [edit, setEdit] = useState<{ version: string; lines: Line[] } | null>(null);
  const [added, setAdded] = useState(0);
  const { busy, problem, run } = useWork();
  const lines = edit?.lines ?? linesOf(read);
  const put = (changed: Line[]) => setEdit({ version: edit?.version ?? read.version, lines: changed });
  const change = (key: string, part: Partial<Reason>) =>
    put(lines.map((line) => (line.key === key ? { ...line, ...part } : line)));
  const move = (from: number, to: number) => {
    const moved = [...lines];
    moved.splice(to, 0, ...moved.splice(from, 1));
    put(moved);
  };
  const add = () => {
    const key = `new ${added}`;
    setAdded(added + 1);
    put([...lines, { code: null, name_en: "", name_ja: "", active: true, key }]);
    requestAnimationFrame(() => document.getElementById(`reason ${key} name_en`)?.focus());
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (edit === null) return;
    run(async () => {
      await changeReasons(edit.version, edit.lines);
      setEdit(null);
      again();
    });
  };
  const field = typeof problem?.params["field"] === "string" ? problem.params["field"] : null;
  const wrong = /^reasons\.(\d+)\.(name_en|name_ja)$/.exec(field ?? "");
  const changed = problem?.code === "changed_meanwhile";
  return (
    <form onSubmit={submit} noValidate>
      <h2 className="ad-section">{t("statuses.reasons")}</h2>
      <p className="ad-weak slds-m-bottom_small">{t("statuses.reasons.explain")}</p>
      <TableBox label={t("statuses.reasons")}>
        <table className="slds-table slds-table_bordered ad-table ad-reasons">
          <thead>
            <tr>
              <th scope="col">{t("statuses.order")}</th>
              <th scope="col">{t("statuses.name_en")}</th>
              <th scope="col">{t("statuses.name_ja")}</th>
              <th scope="col">{t("statuses.active")}</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line, index) => {
              const name = line.name_en || line.name_ja || t("statuses.new");
              const input = (member: "name_en" | "name_ja") => (
                <input
                  id={`reason ${line.key} ${member}`}
                  className="slds-input"
                  aria-label={t("statuses.name_of", { name, language: t(`statuses.${member}`) })}
                  aria-invalid={wrong?.[1] === String(index) && wrong[2] === member}
                  maxLength={40}
                  lang={member === "name_ja" ? "ja" : "en"}
                  value={line[member]}
                  onChange={(event) => change(line.key, { [member]: event.target.value })}
                />
              );
              return (
                <tr key={line.key}>
                  <td className="ad-cell ad-reasons__order">
                    <IconButton
                      icon="utility:arrowup"
                      label={t("statuses.up", { name })}
                      disabled={index === 0}
                      onClick={() => move(index, index - 1)}
                    />
                    <IconButton
                      icon="utility:arrowdown"
                      label={t("statuses.down", { name })}
                      disabled={index === lines.length - 1}
                      onClick={() => move(index, index + 1)}
                    />
                  </td>
                  <td className="ad-cell">{input("name_en")}</td>
                  <td className="ad-cell">{input("name_ja")}</td>
                  <td className="ad-cell">
                    <label className="ad-check">
                      <input
                        type="checkbox"
                        checked={line.active}
                        aria-label={t("statuses.active_of", { name })}
                        onChange={(event) => change(line.key, { active: event.target.checked })}
                      />
                      {line.active ? t("statuses.on") : t("statuses.off")}
                    </label>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableBox>
      {changed ? (
        <Notice variant="warning">
          <p>{t("statuses.changed_meanwhile")}</p>
          <Button
            className="slds-m-top_x-small"
            onClick={() => {
              setEdit(null);
              again();
            }}
          >
            {t("statuses.read_again")}
          </Button>
        </Notice>
      ) : wrong ? (
        <Notice variant="error">
          {t(problem?.params["reason"] === "taken" ? "statuses.wrong.taken" : "statuses.wrong.name")}
        </Notice>
      ) : (
        problem && <ProblemNotice problem={problem} />
      )}
      <div className="ad-form__acts">
        <Button onClick={add} disabled={lines.length >= 50}>
          {t("statuses.add")}
        </Button>
        <Button type="submit" variant="brand" disabled={busy || edit === null || changed}>
          {t("statuses.save")}
        </Button>
        {edit !== null && !changed && <Button onClick={() => setEdit(null)}>{t("statuses.discard")}</Button>}
      </div>
    </form>
  );
}
