/**
 * Help: what each line of the checklist is about and how it is mended, in short steps. A page of the portal, from its
 * catalogues: in the reader's language, of the version that runs, and there where no website is.
 */
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";

export const TOPICS = [
  "connect",
  "rights",
  "package",
  "call-center",
  "open-cti",
  "users",
  "presence",
  "index",
  "deliveries",
] as const;

export function HelpPage({ topic }: { topic: string | null }): ReactNode {
  const { t, i18n } = useTranslation();
  const chosen = TOPICS.find((each) => each === topic) ?? TOPICS[0];
  useEffect(() => {
    document.title = `${t(`help.${chosen}`)} | Tieline`;
  }, [t, chosen]);
  const steps: string[] = [];
  while (i18n.exists(`help.${chosen}.${steps.length + 1}`))
    steps.push(t(`help.${chosen}.${steps.length + 1}`));
  return (
    <>
      <PageHead title={t("help.title")} explain={t("help.explain")} />
      <div className="ad-help">
        <nav className="ad-card ad-help__topics" aria-label={t("help.topics")}>
          <ul>
            {TOPICS.map((each) => (
              <li key={each}>
                <Link to={`/portal/help/${each}`} aria-current={each === chosen ? "page" : undefined}>
                  {t(`help.${each}`)}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <article className="ad-card ad-help__words">
          <h2 className="ad-card__title">{t(`help.${chosen}`)}</h2>
          <p>{t(`help.${chosen}.why`)}</p>
          <ol className="slds-list_ordered">
            {steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </article>
      </div>
    </>
  );
}
