/** Users from a CSV file: what would become of each line is shown before anything is written. */
import { type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Import, importTemplate, importUsers } from "../../data/users.ts";
import { Button, FormElement, Modal, Notice } from "../../ui/controls.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice } from "../words.tsx";
import { useWork } from "../work.ts";

const SHOWN = 100;

export function ImportDialog({ onClose }: { onClose: () => void }): ReactNode {
  const { t, i18n } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [invite, setInvite] = useState(true);
  const [plan, setPlanned] = useState<Import | null>(null);
  const [page, setPage] = useState(0);
  const setPlan = (planned: Import | null) => {
    setPlanned(planned);
    setPage(0);
  };
  const input = useRef<HTMLInputElement>(null);
  const { busy, problem, run } = useWork();
  const done = plan?.written === true;
  const choose = (chosen: File | null) => {
    setFile(chosen);
    setPlan(null);
    if (chosen) run(async () => setPlan(await importUsers(chosen, { write: false, invite: false })));
  };
  const reasonOf = (params: Record<string, unknown>): string => {
    const key = `import.file.${String(params["reason"])}`;
    return i18n.exists(key) ? t(key, params) : t("import.file.form");
  };
  const wrongFile = problem?.code === "import_file_invalid" || problem?.code === "body_too_large";
  const from = page * SHOWN;
  const count = plan?.lines.length ?? 0;
  const number = new Intl.NumberFormat(i18n.language);
  const willChange = plan !== null && plan.new + plan.changed > 0;
  return (
    <Modal
      title={t("import.title")}
      closeLabel={t("close")}
      size="medium"
      onClose={onClose}
      footer={
        done ? (
          <Button variant="brand" onClick={onClose}>
            {t("close")}
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>{t("cancel")}</Button>
            <Button
              variant="brand"
              disabled={busy || !willChange}
              onClick={() =>
                file && run(async () => setPlan(await importUsers(file, { write: true, invite })))
              }
            >
              {t("import.button")}
            </Button>
          </>
        )
      }
    >
      <div className="ad-import-steps">
        {!done && (
          <>
            <p>{t("import.explain")}</p>
            <p>
              <a href={importTemplate} download>
                {t("import.template")}
              </a>
            </p>
            <FormElement label={t("import.file")}>
              {({ id }) => (
                <input
                  id={id}
                  ref={input}
                  className="slds-input ad-file"
                  type="file"
                  accept=".csv,text/csv,.txt"
                  disabled={busy}
                  onChange={(event) => choose(event.target.files?.[0] ?? null)}
                />
              )}
            </FormElement>
          </>
        )}
        {problem &&
          (wrongFile ? (
            <Notice variant="error">
              {problem.code === "body_too_large" ? t("import.file.large") : reasonOf(problem.params)}
            </Notice>
          ) : (
            <ProblemNotice problem={problem} />
          ))}
        {plan && (
          <>
            <Notice variant={plan.wrong > 0 ? "warning" : "info"}>
              {t(done ? "import.done" : "import.plan", {
                new: plan.new,
                changed: plan.changed,
                same: plan.same,
                wrong: plan.wrong,
              })}
            </Notice>
            {!done && plan.new > 0 && (
              <label className="ad-check">
                <input type="checkbox" checked={invite} onChange={() => setInvite(!invite)} />
                <span>
                  {t("import.invite")}
                  <span className="ad-weak ad-choice__more">{t("import.invite.explain")}</span>
                </span>
              </label>
            )}
            <TableBox label={t("import.title")} className="ad-import">
              <table className="slds-table slds-table_bordered ad-table">
                <thead>
                  <tr>
                    <th scope="col">{t("import.line")}</th>
                    <th scope="col">{t("users.email")}</th>
                    <th scope="col">{t("users.name")}</th>
                    <th scope="col">{t("import.what")}</th>
                  </tr>
                </thead>
                <tbody>
                  {plan.lines.slice(from, from + SHOWN).map((line) => (
                    <tr key={line.number}>
                      <td className="ad-cell">{line.number}</td>
                      <td className="ad-cell">{line.email}</td>
                      <td className="ad-cell">{line.name}</td>
                      <td className="ad-cell">
                        {line.reason === null
                          ? t(`import.kind.${line.kind}`)
                          : i18n.exists(`import.wrong.${line.reason}`)
                            ? t(`import.wrong.${line.reason}`, { value: line.value })
                            : t("import.wrong.other", { code: line.reason })}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableBox>
            {count > SHOWN && (
              <div className="ad-more">
                <p className="ad-weak" role="status">
                  {t("import.shown", {
                    from: number.format(from + 1),
                    to: number.format(Math.min(count, from + SHOWN)),
                    total: number.format(count),
                  })}
                </p>
                <Button disabled={page === 0} onClick={() => setPage(page - 1)}>
                  {t("import.back")}
                </Button>
                <Button disabled={from + SHOWN >= count} onClick={() => setPage(page + 1)}>
                  {t("import.on")}
                </Button>
              </div>
            )}
          </>
        )}
      </div>
    </Modal>
  );
}
