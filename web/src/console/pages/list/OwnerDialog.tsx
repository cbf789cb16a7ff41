/** Gives records to another owner: a person of the org. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Combobox } from "../../../ui/Combobox.tsx";
import { Button, FormElement, Modal, Notice } from "../../../ui/controls.tsx";
import { changeRecords, searchRecords } from "../../data/lists.ts";
import { objects } from "../../data/session.ts";
import { useStore } from "../../data/store.ts";
import { rowName } from "../../record/names.ts";
import { problemsOf } from "../../record/problems.ts";
import { toast } from "../../shell/toasts.ts";

const TYPING_MS = 150;

export function OwnerDialog({
  object,
  ids,
  onClose,
  onDone,
}: {
  object: string;
  ids: string[];
  onClose: () => void;
  onDone: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const label = useStore(objects).get(object)?.label ?? object;
  const [text, setText] = useState("");
  const [found, setFound] = useState<{ key: string; label: string; meta: string }[]>([]);
  const [owner, setOwner] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const wanted = text.trim();

  useEffect(() => {
    if ([...wanted].length < 2 || owner !== null) return;
    const controller = new AbortController();
    const timer = window.setTimeout(() => {
      searchRecords(wanted, ["User"], controller.signal, { limit: 10 }).then(
        (groups) =>
          setFound(
            groups
              .flatMap((group) => group.records)
              .filter((row) => row["IsActive"] !== false)
              .map((row) => ({
                key: row.Id,
                label: rowName(row),
                meta: typeof row["Username"] === "string" ? row["Username"] : "",
              })),
          ),
        () => undefined,
      );
    }, TYPING_MS);
    return () => {
      window.clearTimeout(timer);
      controller.abort();
    };
  }, [wanted, owner]);

  async function save() {
    if (owner === null) return setProblem(t("mass.owner.missing"));
    setBusy(true);
    try {
      const done = await changeRecords(object, ids, { OwnerId: owner });
      const refused = done.filter((each) => each.refused !== null);
      const count = done.length - refused.length;
      if (count > 0) toast({ variant: "success", text: t("mass.owned", { count, label, name: text }) });
      if (refused[0] !== undefined) {
        toast({
          variant: "error",
          text: t("mass.refused", { count: refused.length, message: refused[0].refused ?? "" }),
        });
      }
      onDone();
    } catch (error) {
      setBusy(false);
      setProblem(problemsOf(error, null, t).record[0] ?? t("problem.unknown"));
    }
  }

  return (
    <Modal
      title={t("mass.owner.title", { count: ids.length, label })}
      closeLabel={t("form.close")}
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button variant="brand" onClick={() => void save()} disabled={busy}>
            {t("form.save")}
          </Button>
        </>
      }
    >
      {problem !== null && <Notice variant="error">{problem}</Notice>}
      <div className="console-owner">
        <FormElement label={t("mass.owner.new")} required requiredLabel={t("form.required")}>
          {({ id, describedBy, invalid }) => (
            <Combobox
              id={id}
              describedBy={describedBy}
              invalid={invalid}
              text={text}
              onText={(next) => {
                setText(next);
                setOwner(null);
              }}
              placeholder={t("mass.owner.search")}
              listLabel={t("mass.owner.found")}
              suggestions={
                [...wanted].length < 2 || owner !== null
                  ? []
                  : found.map((each) => ({
                      ...each,
                      icon: "standard:user",
                      iconClassName: "slds-icon-standard-user",
                    }))
              }
              onPick={(key) => {
                setOwner(key);
                setProblem(null);
                setText(found.find((each) => each.key === key)?.label ?? "");
              }}
            />
          )}
        </FormElement>
      </div>
    </Modal>
  );
}
