/** Gives records to another owner: a person of the org, or a queue where the object may have one. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement, Modal, Notice } from "../../../ui/controls.tsx";
import { changeRecords } from "../../data/lists.ts";
import { useDescribe, type Candidate } from "../../data/records.ts";
import { objects } from "../../data/session.ts";
import { useStore } from "../../data/store.ts";
import { Lookup } from "../../record/Lookup.tsx";
import { candidateName } from "../../record/names.ts";
import { problemsOf } from "../../record/problems.ts";
import { toast } from "../../shell/toasts.ts";

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
  const { value: description } = useDescribe(object);
  const field = description?.fields.find((each) => each.name === "OwnerId");
  const [owner, setOwner] = useState<Candidate | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function save() {
    if (owner === null) return setProblem(t("mass.owner.missing"));
    setBusy(true);
    try {
      const done = await changeRecords(object, ids, { OwnerId: owner.id });
      const refused = done.filter((each) => each.refused !== null);
      const count = done.length - refused.length;
      const name = candidateName(owner);
      if (count > 0) toast({ variant: "success", text: t("mass.owned", { count, label, name }) });
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
          {({ id, describedBy, invalid }) =>
            field !== undefined && (
              <Lookup
                object={object}
                field={{ ...field, label: t("mass.owner.new") }}
                value={owner?.id ?? ""}
                name={owner === null ? undefined : candidateName(owner)}
                id={id}
                describedBy={describedBy}
                invalid={invalid}
                onChange={() => setProblem(null)}
                onChoose={setOwner}
              />
            )
          }
        </FormElement>
      </div>
    </Modal>
  );
}
