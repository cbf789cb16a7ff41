/** What is done with the chosen rows of a list: another owner, or deleted, which can be undone. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal, type MenuItem } from "../../../ui/controls.tsx";
import { deleteRecords, restoreRecords, type Changed } from "../../data/lists.ts";
import { objects } from "../../data/session.ts";
import { useStore } from "../../data/store.ts";
import type { Row } from "../../data/types.ts";
import { navigate, recordPath } from "../../router.ts";
import { rowName } from "../../record/names.ts";
import { problemsOf } from "../../record/problems.ts";
import { refreshPages } from "../../shell/refresh.ts";
import { toast } from "../../shell/toasts.ts";
import { OwnerDialog } from "./OwnerDialog.tsx";

type Task = "owner" | "delete";

/** Buttons for the chosen rows. */
export function MassActions({
  object,
  rows,
  onDone,
}: {
  object: string;
  rows: Row[];
  onDone: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [task, setTask] = useState<Task | null>(null);
  return (
    <>
      <ul className="slds-button-group-list">
        <li>
          <Button onClick={() => setTask("owner")}>{t("mass.owner")}</Button>
        </li>
        <li>
          <Button onClick={() => setTask("delete")}>{t("mass.delete")}</Button>
        </li>
      </ul>
      <Tasks
        object={object}
        task={task}
        rows={rows}
        onClose={() => setTask(null)}
        onDone={() => {
          setTask(null);
          onDone();
        }}
      />
    </>
  );
}

/** The menu of one row. `dialog` is what it has opened. */
export function useRowActions(
  object: string,
  onDone: () => void,
): { items: (row: Row) => MenuItem[]; dialog: ReactNode } {
  const { t } = useTranslation();
  const [task, setTask] = useState<{ task: Task; row: Row } | null>(null);
  return {
    items: (row) => [
      {
        key: "open",
        label: t("mass.open"),
        icon: "utility:preview",
        onSelect: () => navigate(recordPath(object, String(row["Id"]))),
      },
      {
        key: "owner",
        label: t("mass.owner"),
        icon: "utility:change_owner",
        onSelect: () => setTask({ task: "owner", row }),
      },
      {
        key: "delete",
        label: t("mass.delete"),
        icon: "utility:delete",
        onSelect: () => setTask({ task: "delete", row }),
      },
    ],
    dialog: (
      <Tasks
        object={object}
        task={task?.task ?? null}
        rows={task === null ? [] : [task.row]}
        onClose={() => setTask(null)}
        onDone={() => {
          setTask(null);
          onDone();
        }}
      />
    ),
  };
}

function Tasks({
  object,
  task,
  rows,
  onClose,
  onDone,
}: {
  object: string;
  task: Task | null;
  rows: Row[];
  onClose: () => void;
  onDone: () => void;
}): ReactNode {
  if (task === "owner")
    return (
      <OwnerDialog
        object={object}
        ids={rows.map((row) => String(row["Id"]))}
        onClose={onClose}
        onDone={onDone}
      />
    );
  if (task === "delete") return <Delete object={object} rows={rows} onClose={onClose} onDone={onDone} />;
  return null;
}

function Delete({
  object,
  rows,
  onClose,
  onDone,
}: {
  object: string;
  rows: Row[];
  onClose: () => void;
  onDone: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const info = useStore(objects).get(object);
  const [busy, setBusy] = useState(false);
  const label = info?.label ?? object;
  const only = rows.length === 1 ? rows[0] : undefined;

  async function remove() {
    setBusy(true);
    try {
      const done = await deleteRecords(rows.map((row) => String(row["Id"])));
      const gone = done.filter((each) => each.refused === null).map((each) => each.id);
      tellRefused(done);
      if (gone.length > 0) {
        toast({
          variant: "success",
          text: t("mass.deleted", { count: gone.length, label }),
          action: {
            label: t("mass.undo"),
            run: () =>
              void restoreRecords(gone).then(
                () => {
                  toast({ variant: "success", text: t("mass.restored", { count: gone.length, label }) });
                  refreshPages();
                },
                (error: unknown) =>
                  toast({
                    variant: "error",
                    text: problemsOf(error, null, t).record[0] ?? t("problem.unknown"),
                  }),
              ),
          },
        });
      }
      onDone();
    } catch (error) {
      setBusy(false);
      toast({ variant: "error", text: problemsOf(error, null, t).record[0] ?? t("problem.unknown") });
    }
  }

  function tellRefused(done: Changed[]) {
    const refused = done.filter((each) => each.refused !== null);
    const first = refused[0];
    if (first === undefined) return;
    toast({
      variant: "error",
      text: t("mass.refused", { count: refused.length, message: first.refused ?? "" }),
    });
  }

  return (
    <Modal
      title={t("mass.delete.title", { count: rows.length, label })}
      closeLabel={t("form.close")}
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose} data-autofocus>
            {t("form.cancel")}
          </Button>
          <Button variant="destructive" onClick={() => void remove()} disabled={busy}>
            {t("mass.delete")}
          </Button>
        </>
      }
    >
      <p>
        {only === undefined
          ? t("mass.delete.sure", { count: rows.length })
          : t("mass.delete.one", { name: rowName(only) })}
      </p>
    </Modal>
  );
}
