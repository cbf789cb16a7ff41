/** Asks before a record goes, and offers to bring it back afterwards. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal, Notice } from "../../ui/controls.tsx";
import { restore } from "../data/bin.ts";
import { deleteRecord } from "../data/records.ts";
import type { RecordView } from "../data/types.ts";
import { navigate } from "../router.ts";
import { toast } from "../shell/toasts.ts";
import { closeTab, setUnsaved } from "../shell/workspace.ts";
import { rowName } from "./names.ts";
import { problemsOf } from "./problems.ts";

export function DeleteDialog({
  id,
  view,
  onClose,
}: {
  id: string;
  view: RecordView;
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const words = { label: view.label, name: rowName(view.record) };

  async function remove() {
    setWorking(true);
    try {
      await deleteRecord(view.object, id);
    } catch (error) {
      setProblem(problemsOf(error, null, t).record.join(" "));
      setWorking(false);
      return;
    }
    setUnsaved(id, false);
    onClose();
    closeTab(id);
    toast({
      variant: "success",
      text: t("delete.done", words),
      action: {
        label: t("delete.undo"),
        run: () => {
          restore([id]).then(
            () => {
              navigate({ page: "record", object: view.object, id });
              toast({ variant: "success", text: t("delete.undone", words) });
            },
            (error: unknown) =>
              toast({ variant: "error", text: problemsOf(error, null, t).record.join(" ") }),
          );
        },
      },
    });
  }

  return (
    <Modal
      title={t("delete.title", words)}
      closeLabel={t("form.close")}
      size="small"
      blocking={false}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button variant="destructive" data-autofocus disabled={working} onClick={() => void remove()}>
            {t("action.delete")}
          </Button>
        </>
      }
    >
      {problem !== null && <Notice variant="error">{problem}</Notice>}
      <p>{t("delete.hint", words)}</p>
    </Modal>
  );
}
