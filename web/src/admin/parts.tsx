/** Parts that many pages have alike: waiting for what is read, and being asked before something goes for good. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal, Spinner } from "../ui/controls.tsx";
import { ProblemNotice } from "./words.tsx";
import { useWork } from "./work.ts";

export function Waiting(): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="ad-wait">
      <Spinner label={t("loading")} />
    </div>
  );
}

/** Says what will become of it, and does it once somebody is sure. What went wrong is told, and can be tried again. */
export function Confirm({
  title,
  button,
  act,
  onClose,
  children,
}: {
  title: string;
  button: string;
  act: () => Promise<void>;
  onClose: () => void;
  children: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  const { busy, problem, run } = useWork();
  return (
    <Modal
      title={title}
      closeLabel={t("close")}
      size="small"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button variant="destructive" disabled={busy} onClick={() => run(act)}>
            {button}
          </Button>
        </>
      }
    >
      {children}
      {problem && <ProblemNotice problem={problem} />}
    </Modal>
  );
}
