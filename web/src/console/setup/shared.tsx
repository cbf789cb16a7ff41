/** What several pages of Set-up do alike: lists with *New*, forms as dialogs and as pages, questions that act. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal } from "../../ui/controls.tsx";
import { navigate } from "../router.ts";
import {
  Card,
  nameOf,
  Question,
  Refusal,
  SetupHeader,
  Shown,
  Table,
  useChange,
  type Asked,
  type Column,
} from "./parts.tsx";
import { may } from "./SetupGear.tsx";

/** The head of a list: *New* for who holds the permission, and what else they may do there. */
export function ListHeader({
  title,
  icon,
  permission,
  label,
  onNew,
  more,
}: {
  title: string;
  icon: string;
  permission: string;
  /** Of the button; *New* where it says nothing. */
  label?: string;
  onNew: () => void;
  more?: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <SetupHeader
      title={title}
      icon={icon}
      actions={
        may(permission) && (
          <>
            <Button variant="brand" onClick={onNew}>
              {label ?? t("setup.new")}
            </Button>
            {more}
          </>
        )
      }
    />
  );
}

/** A dialog with a form: its title, what is saved, its fields. */
export function FormDialog<T>({
  title,
  size = "medium",
  done,
  onClose,
  onSaved,
  save,
  children,
}: {
  title: string;
  size?: "small" | "medium";
  /** What is said afterwards; that it is saved where it says nothing. */
  done?: string;
  onClose: () => void;
  /** Gets what saving answered. */
  onSaved: (saved: T) => void;
  save: () => Promise<T>;
  children: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  const change = useChange();
  return (
    <Modal
      title={title}
      closeLabel={t("form.close")}
      onClose={onClose}
      size={size}
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button
            variant="brand"
            disabled={change.busy}
            onClick={() =>
              void change.run(
                async () => {
                  const saved = await save();
                  onSaved(saved);
                },
                done ?? t("setup.saved"),
              )
            }
          >
            {t("form.save")}
          </Button>
        </>
      }
    >
      <Refusal error={change.error} />
      {children}
    </Modal>
  );
}

/** A page that is a form: *Cancel* leads back, *Save* saves; a refusal stands on top. */
export function FormPage({
  title,
  icon,
  crumb,
  back,
  change,
  allowed = true,
  onSave,
  children,
}: {
  title: string;
  icon: string;
  crumb: { label: string; to: string };
  back: string;
  change: { busy: boolean; error: unknown };
  allowed?: boolean;
  onSave: () => void;
  children: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSave();
      }}
    >
      <SetupHeader
        title={title}
        icon={icon}
        crumb={crumb}
        actions={
          <>
            <Button onClick={() => navigate(back)}>{t("form.cancel")}</Button>
            <Button type="submit" variant="brand" disabled={change.busy || !allowed}>
              {t("form.save")}
            </Button>
          </>
        }
      />
      <Refusal error={change.error} />
      {children}
    </form>
  );
}

/** A question that does what it asks about. It is closed once that is done, or when somebody thinks better of it. */
export function Doing({
  title,
  confirm,
  work,
  done,
  onClose,
  onDone,
  children,
}: {
  title: string;
  /** Of the button; *Delete* where it says nothing. */
  confirm?: string;
  work: () => Promise<unknown>;
  /** What is said afterwards. */
  done?: string;
  onClose: () => void;
  onDone: () => void;
  children: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  const change = useChange();
  return (
    <Question
      title={title}
      confirm={confirm ?? t("setup.delete")}
      busy={change.busy}
      error={change.error}
      onClose={onClose}
      onConfirm={() =>
        void change.run(work, done).then((finished) => {
          if (finished) onDone();
        })
      }
    >
      {children}
    </Question>
  );
}

/** A list whose rows are made and changed in a dialog, and taken away with a question. */
export function EditedList<A, T extends { id: string }>({
  title,
  heading = title,
  icon,
  permission,
  label,
  hint,
  empty,
  asked,
  rows,
  named,
  columns,
  dialog,
  removal,
}: {
  title: string;
  /** Of the table; the page's own where it says nothing. */
  heading?: string;
  icon: string;
  /** Who may do more than look. */
  permission: string;
  /** Of the button that makes a new one. */
  label?: string;
  hint?: string;
  empty: string;
  asked: Asked<A>;
  rows: (answer: A) => T[];
  named: (row: T) => string;
  columns: (answer: A) => Column<T>[];
  /** The dialog for a row, or for a new one: null. */
  dialog: (edited: T | null, answer: A, then: { onClose: () => void; onSaved: () => void }) => ReactNode;
  removal?: { title: string; work: (row: T) => Promise<unknown>; explain: (row: T) => string };
}): ReactNode {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<T | "new" | null>(null);
  const [doomed, setDoomed] = useState<T | null>(null);
  const manager = may(permission);
  const action: Column<T> = {
    key: "action",
    label: t("setup.action"),
    show: (row) =>
      manager && (
        <span className="setup-table__buttons">
          <button
            type="button"
            className="slds-button"
            aria-label={t("setup.edit.of", { name: named(row) })}
            onClick={() => setEdited(row)}
          >
            {t("setup.edit")}
          </button>
          {removal && (
            <button
              type="button"
              className="slds-button"
              aria-label={t("setup.delete.of", { name: named(row) })}
              onClick={() => setDoomed(row)}
            >
              {t("setup.delete")}
            </button>
          )}
        </span>
      ),
  };
  return (
    <>
      <ListHeader
        title={title}
        icon={icon}
        permission={permission}
        {...(label === undefined ? {} : { label })}
        onNew={() => setEdited("new")}
      />
      <Card title={heading}>
        {hint !== undefined && <p className="slds-m-bottom_small">{hint}</p>}
        <Shown of={asked}>
          {(answer) => (
            <>
              <Table
                label={heading}
                rows={rows(answer)}
                rowKey={(row) => row.id}
                empty={empty}
                columns={[...columns(answer), action]}
              />
              {edited !== null &&
                dialog(edited === "new" ? null : edited, answer, {
                  onClose: () => setEdited(null),
                  onSaved: () => {
                    setEdited(null);
                    void asked.again();
                  },
                })}
            </>
          )}
        </Shown>
      </Card>
      {doomed !== null && removal && (
        <Doing
          title={removal.title}
          work={() => removal.work(doomed)}
          done={t("setup.deleted", { name: named(doomed) })}
          onClose={() => setDoomed(null)}
          onDone={() => {
            setDoomed(null);
            void asked.again();
          }}
        >
          {removal.explain(doomed)}
        </Doing>
      )}
    </>
  );
}

const NOBODY: ReadonlySet<string> = new Set();

export interface Choice {
  chosen: ReadonlySet<string>;
  setChosen: (next: ReadonlySet<string>) => void;
  clear: () => void;
  busy: boolean;
  /** Whether there is anybody to act on, and no other change on its way. */
  ready: boolean;
  error: unknown;
  /** Does something with the chosen ones and says so; answers whether it was done. */
  act: (work: (ids: string[]) => Promise<unknown>, done: (count: number) => string) => Promise<boolean>;
}

/** Users chosen in a table, and what is done with them: afterwards nobody is chosen any more. */
export function useChoice(): Choice {
  const [chosen, setChosen] = useState(NOBODY);
  const change = useChange();
  return {
    chosen,
    setChosen,
    clear: () => setChosen(NOBODY),
    busy: change.busy,
    ready: chosen.size > 0 && !change.busy,
    error: change.error,
    act: async (work, done) => {
      const finished = await change.run(() => work([...chosen]), done(chosen.size));
      if (finished) setChosen(NOBODY);
      return finished;
    },
  };
}

/** Users, each with a box to choose them by. */
export function PeopleTable<T extends { id: string } & Parameters<typeof nameOf>[0]>({
  label,
  rows,
  columns,
  empty,
  choice,
}: {
  label: string;
  rows: T[];
  columns: Column<T>[];
  empty: string;
  choice: Choice;
}): ReactNode {
  return (
    <>
      <Refusal error={choice.error} />
      <Table
        label={label}
        rows={rows}
        rowKey={(row) => row.id}
        rowName={nameOf}
        empty={empty}
        columns={columns}
        chosen={choice.chosen}
        onChosen={choice.setChosen}
      />
    </>
  );
}
