/** The demo's mailbox: mails as their recipients would read them, links and all. */
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../data/http.ts";
import { type Mail, readMailbox } from "../../data/mailbox.ts";
import { EmptyState, Spinner } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { PageHead } from "../Shell.tsx";
import { ProblemNotice, useRegion } from "../words.tsx";
import { Brand } from "./SignIn.tsx";

const AGAIN_MS = 2_000;

export function MailboxPage(): ReactNode {
  const { t } = useTranslation();
  const region = useRegion();
  const [mails, setMails] = useState<Mail[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    document.title = t("mailbox.page");
  }, [t]);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const read = async () => {
      try {
        setMails(await readMailbox(abort.signal));
        setProblem(null);
      } catch (error) {
        if (abort.signal.aborted) return;
        setProblem(error instanceof Problem ? error : new Problem("internal_error", 0));
      }
      timer = setTimeout(() => void read(), AGAIN_MS);
    };
    void read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, []);
  return (
    <main className="ad-mailbox">
      <Brand />
      <PageHead title={t("mailbox.title")} explain={t("mailbox.explain")} />
      {problem && <ProblemNotice problem={problem} />}
      {mails === null && !problem && <Spinner label={t("loading")} />}
      {mails?.length === 0 && (
        <EmptyState icon="utility:email" title={t("mailbox.none.title")}>
          {t("mailbox.none.explain")}
        </EmptyState>
      )}
      {mails?.map((mail) => (
        <article key={mail.id} className="slds-card ad-mail" aria-label={mail.subject}>
          <h2 className="ad-mail__subject">{mail.subject}</h2>
          <p className="ad-weak">
            {t("mailbox.to", { to: mail.to })} · {formatDateTime(mail.at, region)}
          </p>
          <p className="ad-mail__text">{linked(mail.text)}</p>
        </article>
      ))}
    </main>
  );
}

/** The text with its addresses of our own origin as links. */
function linked(text: string): ReactNode[] {
  return text.split(/(https?:\/\/\S+)/).map((part, at) =>
    part.startsWith(`${location.origin}/`) ? (
      <a key={at} href={part}>
        {part}
      </a>
    ) : (
      part
    ),
  );
}
