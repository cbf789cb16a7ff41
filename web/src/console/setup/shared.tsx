/** What several pages of Set-up do alike: lists with *New*, forms as dialogs and as pages, questions that act. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal } from "../../ui/controls.tsx";
import { navigate } from "../router.ts";
import { Question, Refusal, SetupHeader, useChange } from "./parts.tsx";
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
