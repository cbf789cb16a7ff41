/** Gives a record to another user, or to a queue where the object may have one. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal, Notice } from "../../ui/controls.tsx";
import { refresh, saveRecord } from "../data/records.ts";
import type { Describe, RecordView } from "../data/types.ts";
import { toast } from "../shell/toasts.ts";
import { FieldInput } from "./FieldInput.tsx";
import { rowName } from "./names.ts";
import { problemsOf } from "./problems.ts";

export function OwnerDialog({
  id,
  view,
  description,
  onClose,
}: {
  id: string;
  view: RecordView;
  description: Describe;
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [owner, setOwner] = useState("");
  const [saving, setSaving] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const field = description.fields.find((each) => each.name === "OwnerId");

  async function save() {
    if (owner === "") return setProblem(t("owner.choose"));
    setSaving(true);
    try {
      await saveRecord(id, { OwnerId: owner });
      // The record may now be out of sight: its page says so then.
      await refresh(id);
      toast({
        variant: "success",
        text: t("owner.changed", { label: view.label, name: rowName(view.record) }),
      });
      onClose();
    } catch (error) {
      const { record, fields } = problemsOf(error, description, t);
      setProblem([...record, ...Object.values(fields)].join(" "));
      setSaving(false);
    }
  }

  return (
    <Modal
      title={t("action.owner")}
      closeLabel={t("form.close")}
      size="small"
      blocking={false}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose} disabled={saving}>
            {t("form.cancel")}
          </Button>
          <Button variant="brand" disabled={saving} onClick={() => void save()}>
            {saving ? t("form.saving") : t("owner.save")}
          </Button>
        </>
      }
    >
      <div className="record-owner">
        {problem !== null && (
          <div className="slds-m-bottom_small">
            <Notice variant="error">{problem}</Notice>
          </div>
        )}
        {field !== undefined && (
          <FieldInput
            object={view.object}
            field={{ ...field, label: t("owner.new"), nillable: false, defaultedOnCreate: false }}
            value={owner}
            onChange={(next) => {
              setProblem(null);
              setOwner(typeof next === "string" ? next : "");
            }}
          />
        )}
      </div>
    </Modal>
  );
}
